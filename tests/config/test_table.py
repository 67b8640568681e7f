"""The table of settings: complete, each with a test of its effect, and a first file from it."""

import ast
import tomllib
from pathlib import Path

import pytest

from fluxum.config.config import load_config
from fluxum.config.table import described, effective, first_file
from fluxum.venues.register import VENUES

TESTS = Path(__file__).parents[1]
MODULES = (
    "config/test_effects.py",
    "config/test_account_effects.py",
    "config/test_part_effects.py",
    "config/test_sink_effects.py",
    "metrics/test_server.py",
    "network/test_settings.py",
    "cli/test_configuration.py",
)
# Names of the documents: S2's two classes, S3's file, S4's adapter.
S2 = """public_url private_url ping_interval ping_timeout reconnect_delay max_reconnect_attempts
message_queue_size heartbeat_timeout subscription_rate_limit token_refresh_interval auth_url
close_timeout reconnect_backoff max_reconnect_delay connection_timeout""".split()  # noqa: SIM905
S3 = "reconnect_interval enable_auth_manager".split()  # noqa: SIM905
S4 = """url timeout pingInterval pongTimeout maxAttempts initialDelay maxDelay backoffMultiplier
jitterFactor""".split()  # noqa: SIM905


def shown() -> list[str]:
    """The settings that tests say they show."""
    found: list[str] = []
    for module in MODULES:
        for node in ast.walk(ast.parse((TESTS / module).read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "shows":
                found += [ast.literal_eval(one) for one in node.args]
    return found


def test_every_setting_has_a_test_that_it_takes_effect() -> None:
    names = [one.name for one in described()]

    assert sorted(shown()) == sorted(names)
    assert len(names) == len(set(names)) > 60


@pytest.mark.parametrize("name", [*S2, *S3, *S4])
def test_every_setting_of_the_documents_is_in_the_table(name: str) -> None:
    assert [one.name for one in described() if f"`{name}`" in one.seeds]


def test_a_setting_is_described() -> None:
    (one,) = [one for one in described() if one.name == "venue.NAME.link.close_timeout_s"]

    assert (one.kind, one.default, one.unit) == ("number > 0", "0.5", "s")
    assert one.environment == "FLUXUM__VENUE__NAME__LINK__CLOSE_TIMEOUT_S"


@pytest.mark.parametrize("exchange", VENUES)
def test_a_first_file_is_right_and_so_is_every_line_of_it(exchange: str, tmp_path: Path) -> None:
    text = first_file(exchange)
    path = tmp_path / "fluxum.toml"
    path.write_text(text)
    assert load_config(path, environment={}).venue(exchange) == VENUES[exchange]

    # With every line that has a value taken in, it says the same.
    lines = [
        line.removeprefix("# ") if " = " in line and not line.endswith("...") else line
        for line in text.splitlines()
        if not line.endswith((".", ")", "..."))
    ]
    path.write_text("\n".join(lines))
    tomllib.loads(path.read_text())
    found = load_config(path, environment={})

    assert len(found.sources) > 25
    assert found.venue(exchange) == VENUES[exchange]


def test_what_is_in_effect_has_its_source() -> None:
    config = load_config(
        environment={
            "XDG_CONFIG_HOME": "/nowhere",
            "FLUXUM__VENUE__KRAKEN__LINK__DATA_SILENCE_S__BOOK": "5",
            "FLUXUM__NETWORK__PROXY": "http://me:hush@proxy:3128",
            "FLUXUM__SINK__BUS__URL": "postgresql://me:hush@db/x?password=hush",
            "FLUXUM__SINK__BUS__ACCOUNT": "true",
        }
    )
    rows = {one.name: one for one in effective(config)}

    silence = rows["venue.kraken.link.silence_s"]
    assert (silence.value, silence.unit, silence.source) == (10.0, "s", "venue")
    assert rows["reader.capacity"].source == "default"
    data = rows["venue.kraken.link.data_silence_s"]
    assert data.source == "FLUXUM__VENUE__KRAKEN__LINK__DATA_SILENCE_S__BOOK"
    assert data.value["book"] == 5.0
    assert data.value["trade"] == 900.0
    assert rows["network.proxy"].value == "http://me:***@proxy:3128"
    assert rows["sink.bus.url"].value == "postgresql://***@db/x?password=***"
    assert (rows["sink.bus.account"].value, rows["sink.bus.events_max"].value) == (True, 100_000)
    assert "hush" not in repr(config) + repr(config.network("kraken"))
    assert config.network("kraken").proxy == "http://me:hush@proxy:3128"
