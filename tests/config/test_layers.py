"""Files, the environment and arguments: what wins, and where each value came from."""

from decimal import Decimal
from pathlib import Path

import pytest

import fluxum
from fluxum.config.config import default_path, load_config
from fluxum.errors import BadInput

TOML = """
# A comment, and a table whose text looks like another
[venue.kraken]
symbols = [
  "BTC/USD",  # [venue.okx]
  "ETH/USD",
]
depth = 25
link = { silence_s = 12, data_silence_s = { book = 30.5 } }
backoff.jitter = 0.5

[account.main]
venue = "kraken"
keys = "file:keys.toml#main"
journal = "orders.jsonl"

[account.main.risk]
notional_max = 5000.10
quantity_max = "0.1"
position_max = { "BTC/USD" = 2, "ETH/USD" = "3.5" }
symbols = ["BTC/USD"]

[profile.quick]
venue.kraken.depth = 10

[profile.quick.account.second]
venue = "kraken"
keys = "env:SECOND"
"""
JSON = """{
  "venue": {"kraken": {
    "depth": 25, "symbols": ["BTC/USD"],
    "link": {"silence_s": 12.5}
  }},
  "account": {"main": {"venue": "kraken", "risk": {"notional_max": 5000.10}}}
}"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "fluxum.toml"
    path.write_text(TOML)
    return path


def test_values_are_typed_and_exact(path: Path) -> None:
    settings = load_config(path, environment={}).settings

    venue, account = settings.venue["kraken"], settings.account["main"]
    assert venue.symbols == (fluxum.Symbol("BTC/USD"), fluxum.Symbol("ETH/USD"))
    assert venue.link.data_silence_s == {"book": 30.5}
    assert account.risk.notional_max == Decimal("5000.10")
    assert str(account.risk.notional_max) == "5000.10"
    assert account.risk.quantity_max == Decimal("0.1")
    assert account.risk.position_max == {"BTC/USD": Decimal(2), "ETH/USD": Decimal("3.5")}


def test_each_value_has_its_line(path: Path) -> None:
    sources = load_config(path, environment={}).sources

    lines = {name: int(place.removeprefix(f"{path}:")) for name, place in sources.items()}
    assert lines == {
        "venue.kraken.symbols": 4,
        "venue.kraken.depth": 8,
        "venue.kraken.link.silence_s": 9,
        "venue.kraken.link.data_silence_s.book": 9,
        "venue.kraken.backoff.jitter": 10,
        "account.main.venue": 13,
        "account.main.keys": 14,
        "account.main.journal": 15,
        "account.main.risk.notional_max": 18,
        "account.main.risk.quantity_max": 19,
        "account.main.risk.position_max.BTC/USD": 20,
        "account.main.risk.position_max.ETH/USD": 20,
        "account.main.risk.symbols": 21,
    }


def test_paths_of_a_file_begin_at_its_folder(path: Path) -> None:
    account = load_config(path, environment={}).settings.account["main"]

    assert account.journal == str(path.parent / "orders.jsonl")
    assert account.keys == f"file:{path.parent / 'keys.toml'}#main"


def test_a_profile_is_laid_over_the_rest_and_has_accounts_of_its_own(path: Path) -> None:
    config = load_config(path, profile="quick", environment={})

    assert (config.profile, config.profiles) == ("quick", ("quick",))
    assert config.settings.venue["kraken"].depth == 10
    assert config.settings.venue["kraken"].link.silence_s == 12
    assert list(config.settings.account) == ["main", "second"]
    assert config.sources["venue.kraken.depth"] == f"{path}:24"
    with pytest.raises(BadInput, match=r"configured are main, second: .* in \[venue.kraken\]"):
        config.account_of("kraken")


def test_the_profile_may_be_chosen_by_the_environment(path: Path) -> None:
    assert load_config(path, environment={"FLUXUM_PROFILE": "quick"}).profile == "quick"
    assert load_config(path, profile="", environment={"FLUXUM_PROFILE": "quick"}).profile == ""


def test_arguments_win_over_the_environment_and_that_over_the_file(path: Path) -> None:
    environment = {
        "FLUXUM__VENUE__KRAKEN__DEPTH": "100",
        "FLUXUM__VENUE__KRAKEN__LINK__SILENCE_S": "14",
        "FLUXUM__VENUE__BINANCE_USDM__SYMBOLS": "BTC/USDT:PERP, ETH/USDT:PERP",
        "FLUXUM__ACCOUNT__MAIN__TIER": "pro",
        "FLUXUM_KRAKEN_KEY": "not a setting",
    }
    config = load_config(path, environment=environment, arguments={"venue.kraken.depth": "500"})

    assert config.settings.venue["kraken"].depth == 500
    assert config.settings.venue["kraken"].link.silence_s == 14
    assert config.settings.venue["binance-usdm"].symbols == ("BTC/USDT:PERP", "ETH/USDT:PERP")
    assert config.settings.account["main"].tier == "pro"
    assert config.sources["venue.kraken.depth"] == "--set venue.kraken.depth"
    assert config.sources["venue.kraken.link.silence_s"] == "FLUXUM__VENUE__KRAKEN__LINK__SILENCE_S"


def test_text_that_looks_like_a_number_may_be_text() -> None:
    environment = {
        "FLUXUM__ACCOUNT__A__VENUE": "kraken",
        "FLUXUM__ACCOUNT__A__JOURNAL": "5",
        "FLUXUM__ACCOUNT__A__RISK__POSITION_MAX": '{"BTC/USD" = "2.5"}',
        "XDG_CONFIG_HOME": "/nowhere",
    }
    account = load_config(environment=environment).settings.account["a"]

    assert account.journal == "5"
    assert account.risk.position_max == {"BTC/USD": Decimal("2.5")}


def test_json_has_the_same_settings_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "fluxum.json"
    path.write_text(JSON)
    config = load_config(path, environment={})

    assert config.settings.venue["kraken"].depth == 25
    assert config.settings.account["main"].risk.notional_max == Decimal("5000.10")
    assert config.sources["venue.kraken.symbols"] == f"{path}:3"
    assert config.sources["venue.kraken.link.silence_s"] == f"{path}:4"
    assert config.sources["account.main.risk.notional_max"] == f"{path}:6"


def test_the_file_is_found_in_the_users_folder_and_never_in_the_working_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fluxum.toml").write_text("[reader]\ncapacity = 1\n")
    folder = tmp_path / "xdg" / "fluxum"
    xdg = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}

    assert default_path(xdg) is None
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[reader]\ncapacity = 2\n")

    assert default_path(xdg) == folder / "config.toml"
    assert load_config(environment=xdg).settings.reader.capacity == 2
    assert default_path({**xdg, "FLUXUM_CONFIG": "~/x.toml"}) == Path("~/x.toml").expanduser()


def test_nothing_at_all_is_a_configuration() -> None:
    config = load_config(environment={"XDG_CONFIG_HOME": "/nowhere"})

    assert (config.path, config.sources) == (None, {})
    assert config.venue("kraken") == fluxum.find_venue("kraken")
    with pytest.raises(BadInput, match=r"an account was expected \(configured: none\), was 'main'"):
        config.account("main")
    assert config.account_of("kraken") == ""
