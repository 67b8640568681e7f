"""`setup`: what is asked, what is refused, and where keys are stored. Trying them needs sockets."""

import io
import stat
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from fluxum import credentials
from fluxum.cli import setup as module
from fluxum.cli.main import app
from fluxum.cli.process import exit_code
from fluxum.credentials import find_credentials, store_in_file
from fluxum.errors import BadInput
from fluxum.lock import CAN_HOLD
from fluxum.model.account import Credentials

SECRET = "c2VjcmV0LW9mLW5vYm9keQ=="


def run(*words: str) -> int:
    try:
        return exit_code(lambda: app(["setup", *words], prog_name="fluxum"))
    except SystemExit as ended:
        return int(ended.code or 0)


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.mark.parametrize("text", ["", "key\n", "\nsecret\n"])
def test_half_of_the_keys_are_refused_and_nothing_is_stored(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, text)

    assert run("--store", str(tmp_path / "k.toml"), "--no-test") == 2
    assert "one is missing; nothing is stored" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_nothing_that_is_typed_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["key", SECRET, ""])
    prompts: list[str] = []
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))

    def hidden(prompt: str) -> str:
        prompts.append(prompt)
        return next(answers)

    monkeypatch.setattr(module, "getpass", hidden)

    assert run("--store", str(tmp_path / "k.toml"), "--no-test") == 0
    assert prompts == ["Key of kraken: ", "Secret: ", "Passphrase, or nothing: "]
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    assert f"--keys file:{tmp_path}/k.toml#kraken" in said.err


def test_keys_are_stored_in_the_default_file_and_found_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (module, credentials):
        monkeypatch.setattr(place, "DEFAULT_FILE", tmp_path / "new" / "credentials.toml")
    typed(monkeypatch, f"key\n{SECRET}\n")

    assert run("--no-test") == 0
    assert find_credentials("kraken", environment={}).secret == SECRET
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700

    typed(monkeypatch, f"newer\n{SECRET}\n")
    assert run("--no-test") == 2
    assert find_credentials("kraken", environment={}).key == "key"
    assert run("--no-test", "--replace") == 0
    assert find_credentials("kraken", environment={}).key == "newer"


def test_keys_are_stored_in_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, str] = {}
    ring = ModuleType("keyring")
    ring.get_password = lambda _service, name: kept.get(name)  # type: ignore[attr-defined]
    ring.set_password = lambda _service, name, text: kept.update({name: text})  # type: ignore[attr-defined]
    ring.errors = SimpleNamespace(KeyringError=OSError)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setattr(credentials, "find_spec", {"keyring": ring}.get)
    typed(monkeypatch, f"key\n{SECRET}\nwords\n")

    assert run("--store", "keyring", "--name", "desk2", "--no-test") == 0

    assert kept == {"desk2.key": "key", "desk2.secret": SECRET, "desk2.passphrase": "words"}
    assert find_credentials("kraken", "keyring:desk2").passphrase == "words"
    assert run("--store", "keyring", "--name", "desk2", "--no-test") == 2


def test_a_keyring_that_cannot_be_written_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def locked(*_arguments: str) -> None:
        raise OSError("locked")

    ring = ModuleType("keyring")
    ring.get_password = lambda _service, _name: None  # type: ignore[attr-defined]
    ring.set_password = locked  # type: ignore[attr-defined]
    ring.errors = SimpleNamespace(KeyringError=OSError)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setattr(credentials, "find_spec", {"keyring": ring}.get)
    typed(monkeypatch, f"key\n{SECRET}\n")

    assert run("--store", "keyring", "--no-test") == 2
    assert "the keyring cannot be written: locked" in capsys.readouterr().err


def test_an_exchange_without_accounts_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--exchange", "gemini-v2") == 2
    assert "accounts are supported at kraken" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['a"b', "back\\slash", "tab\t", "née", "#no comment"])
def test_any_text_is_stored_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "k.toml"
    store_in_file(path, "other", Credentials("k", "s"))

    store_in_file(path, "my desk", Credentials(text, SECRET))

    tables = tomllib.loads(path.read_text())
    assert tables == {
        "other": {"key": "k", "secret": "s"},
        "my desk": {"key": text, "secret": SECRET},
    }
    assert [one.name for one in tmp_path.iterdir()] == ["k.toml"]


@pytest.mark.skipif(not CAN_HOLD, reason="files cannot be locked here")
def test_programs_that_store_keys_at_once_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "k.toml"
    names = [f"exchange-{number}" for number in range(12)]

    def store(name: str) -> None:
        store_in_file(path, name, Credentials(name, SECRET))

    with ThreadPoolExecutor(len(names)) as pool:  # a lock is of a descriptor, not of a process
        list(pool.map(store, names))

    assert tomllib.loads(path.read_text()).keys() == set(names)
    assert [one.name for one in tmp_path.iterdir()] == ["k.toml"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_others_can_read_or_that_holds_something_else_is_left_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "k.toml"
    path.write_text("number = 5\n")

    with pytest.raises(BadInput, match="only its owner can read"):
        store_in_file(path, "kraken", Credentials("k", "s"))
    path.chmod(0o600)
    with pytest.raises(BadInput, match="so it is not changed"):
        store_in_file(path, "kraken", Credentials("k", "s"))
    assert path.read_text() == "number = 5\n"

    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        store_in_file(tmp_path / "file" / "k.toml", "kraken", Credentials("k", "s"))
