"""`setup` and configured commands, against an account of a simulated exchange."""

import json
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import Commands, Done, commands, exchange_at

pytestmark = pytest.mark.network

SECRET = "c2VjcmV0LW9mLW5vYm9keQ=="


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("setup")


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    with exchange_at(folder) as url:
        yield url


@pytest.fixture
def fluxum(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Commands]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    with commands(capfd, monkeypatch) as run:
        yield run


def test_keys_are_tried_and_stored_where_only_their_owner_reads_them(
    folder: Path, endpoint: str, fluxum: Commands
) -> None:
    account = tomllib.loads((folder / "account.toml").read_text())["kraken"]
    typed = f"{account['key']}\n{account['secret']}\n"

    done = fluxum("setup", "--store", "k.toml", "--endpoint", endpoint, stdin=typed)

    assert done.status == 0, done.err
    assert "accepted by kraken: " in done.err
    assert account["secret"] not in done.err + done.out
    stored = folder / "k.toml"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert tomllib.loads(stored.read_text()) == {
        "kraken": {"key": account["key"], "secret": account["secret"]}
    }

    again = fluxum("setup", "--store", "k.toml", "--endpoint", endpoint, stdin=typed)
    assert again.status == 2
    assert "has keys in file:k.toml already" in again.err

    named = ("setup", "--store", "k.toml", "--name", "desk2", "--no-test")
    assert fluxum(*named, stdin=f"a\n{SECRET}\nthree words\n").status == 0
    tables = tomllib.loads(stored.read_text())
    assert tables["desk2"] == {"key": "a", "secret": SECRET, "passphrase": "three words"}
    assert tables["kraken"]["key"] == account["key"]


def test_keys_that_the_exchange_refuses_are_not_stored(
    folder: Path, endpoint: str, fluxum: Commands
) -> None:
    words = ("setup", "--store", "bad.toml", "--endpoint", endpoint)

    done = fluxum(*words, stdin=f"wrong\n{SECRET}\n")

    assert done.status == 1
    assert "Invalid key" in done.err
    assert SECRET not in done.err
    assert not (folder / "bad.toml").exists()


def test_an_exchange_out_of_reach_does_not_keep_keys_from_being_stored(
    folder: Path, fluxum: Commands
) -> None:
    words = ("setup", "--store", "far.toml", "--endpoint", "ws://127.0.0.1:9")

    done = fluxum(*words, "--set", "venue.kraken.breaker.failures=1", stdin="k\nc2Vj\n")

    assert done.status == 0, done.err
    assert "could not be tried: " in done.err
    assert (folder / "far.toml").exists()


def test_commands_use_the_configuration(folder: Path, endpoint: str, fluxum: Commands) -> None:
    account = tomllib.loads((folder / "account.toml").read_text())["kraken"]
    keys = folder / "mine.toml"
    keys.write_text(f'[main]\nkey = "{account["key"]}"\nsecret = "{account["secret"]}"\n')
    keys.chmod(0o600)
    (folder / "fluxum.toml").write_text(
        f"""[venue.kraken]
endpoint = "{endpoint}"
symbols = ["BTC/USD"]
depth = 25
[account.main]
venue = "kraken"
keys = "file:mine.toml#main"
journal = "configured.jsonl"
risk.notional_max = 100
"""
    )

    def run(*words: str) -> Done:
        return fluxum("--config", "fluxum.toml", *words)

    held = run("balances", "--format", "json")
    assert held.status == 0, held.err
    assert {one["asset"] for one in json.loads(held.out)} >= {"BTC", "USD"}

    book = run("stream", "book", "--count", "1", "--format", "ndjson")
    assert book.status == 0, book.err
    lines = [json.loads(line) for line in book.out.splitlines()]
    (snapshot,) = [one for one in lines if one["type"] == "book_snapshot"]
    assert (snapshot["symbol"], len(snapshot["bids"])) == ("BTC/USD", 25)

    order = ("order", "place", "-s", "BTC/USD", "--side", "buy", "-p", "20000", "--yes", "-q")
    placed = run(*order, "0.001")
    assert placed.status == 0, placed.err
    refused = run(*order, "0.01")
    assert refused.status == 1
    assert "at most 100 was expected, was 200" in refused.err
    assert "place" in (folder / "configured.jsonl").read_text()
