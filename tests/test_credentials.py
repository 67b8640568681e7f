"""Keys from every place they may come from, and from none they may not."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from fluxum import credentials
from fluxum.credentials import find_credentials
from fluxum.errors import BadInput

SECRET = "a-secret-nobody-sees"
ENVIRONMENT = {"FLUXUM_KRAKEN_KEY": "the-key", "FLUXUM_KRAKEN_SECRET": SECRET}


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "DEFAULT_FILE", tmp_path / "credentials.toml")


def written(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "credentials.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def table(exchange: str = "kraken") -> str:
    return f'[{exchange}]\nkey = "file-key"\nsecret = "{SECRET}"\n'


def test_the_environment_names_the_exchange() -> None:
    found = find_credentials("kraken", environment=ENVIRONMENT)

    assert (found.key, found.secret, found.passphrase) == ("the-key", SECRET, "")


def test_a_variant_is_spelled_with_underscores() -> None:
    environment = {"FLUXUM_BINANCE_USDM_KEY": "k", "FLUXUM_BINANCE_USDM_SECRET": "s"}

    assert find_credentials("binance-usdm", "env", environment=environment).key == "k"


def test_a_file_has_a_table_for_each_exchange(tmp_path: Path) -> None:
    path = written(tmp_path, table() + table("okx") + 'passphrase = "three words"\n')

    assert find_credentials("kraken", f"file:{path}").key == "file-key"
    assert find_credentials("okx", f"file:{path}").passphrase == "three words"


def test_the_environment_comes_before_the_default_file(tmp_path: Path) -> None:
    written(tmp_path, table())

    assert find_credentials("kraken", environment=ENVIRONMENT).key == "the-key"
    assert find_credentials("kraken", environment={}).key == "file-key"


def test_two_accounts_at_one_exchange_have_prefixes_of_their_own() -> None:
    environment = ENVIRONMENT | {"DESK2_KEY": "second", "DESK2_SECRET": "s"}

    assert find_credentials("kraken", "env:DESK2", environment=environment).key == "second"
    with pytest.raises(BadInput, match="set DESK3_KEY and DESK3_SECRET"):
        find_credentials("kraken", "env:DESK3", environment=environment)


def test_two_accounts_at_one_exchange_have_tables_of_their_own(tmp_path: Path) -> None:
    path = written(tmp_path, table() + table("desk2").replace("file-key", "second"))

    assert find_credentials("kraken", f"file:{path}#desk2").key == "second"
    with pytest.raises(BadInput) as refusal:
        find_credentials("kraken", f"file:{path}#desk3")
    assert str(refusal.value) == f"no keys for kraken: a table [desk3] was expected in {path}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, table(), mode)

    with pytest.raises(BadInput, match=f"chmod 600.*was mode {mode:o}"):
        find_credentials("kraken", f"file:{path}")


def test_stdin_has_a_line_for_each_part() -> None:
    found = find_credentials("okx", "-", stdin=["the-key\n", f"{SECRET}\n", "three words\n"])

    assert (found.key, found.secret, found.passphrase) == ("the-key", SECRET, "three words")


def test_a_keyring_is_asked_where_one_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = ModuleType("keyring")
    kept = {("fluxum", "kraken.key"): "ring-key", ("fluxum", "kraken.secret"): SECRET}

    def get_password(service: str, name: str) -> str | None:
        return kept.get((service, name))

    ring.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setattr(credentials, "find_spec", {"keyring": ring}.get)

    assert find_credentials("kraken", "keyring").key == "ring-key"
    with pytest.raises(BadInput, match="no keys for okx: `fluxum setup` writes them"):
        find_credentials("okx", "keyring")


def test_two_accounts_at_one_exchange_have_entries_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = {"desk2.key": "second", "desk2.secret": SECRET}
    module = ModuleType("keyring")
    module.get_password = lambda service, name: entries.get(name)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setattr(credentials, "find_spec", {"keyring": module}.get)

    assert find_credentials("kraken", "keyring:desk2").key == "second"


def test_without_a_keyring_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: dict[str, ModuleType] = {}
    monkeypatch.setattr(credentials, "find_spec", nothing.get)

    with pytest.raises(BadInput, match=r"fluxum\[keyring\]"):
        find_credentials("kraken", "keyring")


def test_without_keys_it_says_where_to_put_them() -> None:
    with pytest.raises(BadInput, match="FLUXUM_KRAKEN_KEY and FLUXUM_KRAKEN_SECRET"):
        find_credentials("kraken", environment={})


@pytest.mark.parametrize("source", ["file:", "vault", "key:secret"])
def test_an_unknown_place_is_refused(source: str) -> None:
    with pytest.raises(BadInput, match=r"env\[:PREFIX\], file:PATH\[#TABLE\]"):
        find_credentials("kraken", source)


@pytest.mark.parametrize(
    "text",
    [
        f"key = {SECRET}",
        f'kraken = "{SECRET}"',
        f'[kraken]\nsecret = "{SECRET}"',
        f'[kraken]\nkey = 7\nsecret = "{SECRET}"',
    ],
)
def test_a_bad_file_is_refused_without_showing_what_is_in_it(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(BadInput) as caught:
        find_credentials("kraken", f"file:{path}")

    shown = f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None, shown


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.toml cannot be read"):
        find_credentials("kraken", f"file:{tmp_path / 'nowhere.toml'}")


def test_half_of_the_keys_are_not_enough() -> None:
    with pytest.raises(BadInput, match="one is missing"):
        find_credentials("kraken", environment={"FLUXUM_KRAKEN_KEY": "the-key"})
