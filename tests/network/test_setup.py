"""`setup` and configured commands as processes, against an account of a simulated exchange."""

import json
import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.network

FLUXUM = [sys.executable, "-m", "fluxum"]
TIMEOUT_S = 40
SECRET = "c2VjcmV0LW9mLW5vYm9keQ=="


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("setup")


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    words = ("sim", "serve", "--port", "0", "--rate", "20", "--account", "account.toml")
    with subprocess.Popen(
        [*FLUXUM, *words], stderr=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        while "Ctrl-C" not in said:
            said = process.stderr.readline()
        yield said.split(" at ")[1].split(",")[0]
        process.terminate()


def fluxum(folder: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: one for name, one in os.environ.items() if not name.startswith("FLUXUM_")},
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "xdg"),
    }
    return subprocess.run(
        [*FLUXUM, *words],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=folder,
        input=stdin,
        env=environment,
    )


def test_keys_are_tried_and_stored_where_only_their_owner_reads_them(
    folder: Path, endpoint: str
) -> None:
    account = tomllib.loads((folder / "account.toml").read_text())["kraken"]
    typed = f"{account['key']}\n{account['secret']}\n"

    done = fluxum(folder, "setup", "--store", "k.toml", "--endpoint", endpoint, stdin=typed)

    assert done.returncode == 0, done.stderr
    assert "accepted by kraken: " in done.stderr
    assert account["secret"] not in done.stderr + done.stdout
    stored = folder / "k.toml"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert tomllib.loads(stored.read_text()) == {
        "kraken": {"key": account["key"], "secret": account["secret"]}
    }

    again = fluxum(folder, "setup", "--store", "k.toml", "--endpoint", endpoint, stdin=typed)
    assert again.returncode == 2
    assert "has keys in file:k.toml already" in again.stderr

    named = ("setup", "--store", "k.toml", "--name", "desk2", "--no-test")
    assert fluxum(folder, *named, stdin=f"a\n{SECRET}\nthree words\n").returncode == 0
    tables = tomllib.loads(stored.read_text())
    assert tables["desk2"] == {"key": "a", "secret": SECRET, "passphrase": "three words"}
    assert tables["kraken"]["key"] == account["key"]


def test_keys_that_the_exchange_refuses_are_not_stored(folder: Path, endpoint: str) -> None:
    words = ("setup", "--store", "bad.toml", "--endpoint", endpoint)

    done = fluxum(folder, *words, stdin=f"wrong\n{SECRET}\n")

    assert done.returncode == 1
    assert "Invalid key" in done.stderr
    assert SECRET not in done.stderr
    assert not (folder / "bad.toml").exists()


def test_an_exchange_out_of_reach_does_not_keep_keys_from_being_stored(folder: Path) -> None:
    words = ("setup", "--store", "far.toml", "--endpoint", "ws://127.0.0.1:9")

    done = fluxum(folder, *words, "--set", "venue.kraken.breaker.failures=1", stdin="k\nc2Vj\n")

    assert done.returncode == 0, done.stderr
    assert "could not be tried: " in done.stderr
    assert (folder / "far.toml").exists()


def test_commands_use_the_configuration(folder: Path, endpoint: str) -> None:
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

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return fluxum(folder, "--config", "fluxum.toml", *words)

    held = run("balances", "--format", "json")
    assert held.returncode == 0, held.stderr
    assert {one["asset"] for one in json.loads(held.stdout)} >= {"BTC", "USD"}

    book = run("stream", "book", "--count", "1", "--format", "ndjson")
    assert book.returncode == 0, book.stderr
    lines = [json.loads(line) for line in book.stdout.splitlines()]
    (snapshot,) = [one for one in lines if one["type"] == "book_snapshot"]
    assert (snapshot["symbol"], len(snapshot["bids"])) == ("BTC/USD", 25)

    order = ("order", "place", "-s", "BTC/USD", "--side", "buy", "-p", "20000", "--yes", "-q")
    placed = run(*order, "0.001")
    assert placed.returncode == 0, placed.stderr
    refused = run(*order, "0.01")
    assert refused.returncode == 1
    assert "at most 100 was expected, was 200" in refused.stderr
    assert "place" in (folder / "configured.jsonl").read_text()
