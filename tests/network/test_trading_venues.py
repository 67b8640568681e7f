"""The same commands against accounts of the other simulated exchanges, once each."""

import json
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from network.test_trading import FLUXUM, fluxum

pytestmark = pytest.mark.network

SYMBOLS = {"bybit": "BTC/USDT", "gemini": "BTC/USD"}
WITHOUT_ENTRIES = {"gemini"}


@pytest.fixture(params=SYMBOLS)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """An exchange with an account, and its URL; the keys are in the folder."""
    venue: str = request.param
    words = ("sim", "serve", "-x", venue, "--port", "0", "--rate", "20", "--account", "keys.toml")
    with subprocess.Popen(
        [*FLUXUM, *words], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        while "Ctrl-C" not in line:
            line = process.stderr.readline()
        yield venue, line.split(" at ")[1].split(",")[0]
        process.terminate()


def test_an_account_is_traded_from_the_command_line(
    served: tuple[str, str], tmp_path: Path
) -> None:
    venue, url = served
    place = ("order", "place", "-s", SYMBOLS[venue], "--side", "buy", "-q", "0.01", "--yes")
    form = ("-x", venue, "--format", "json")

    rested = fluxum(tmp_path, url, *place, "-p", "50000", *form)
    assert rested.returncode == 0, rested.stderr
    (resting,) = json.loads(rested.stdout)
    ended = fluxum(tmp_path, url, "order", "cancel", resting["order_id"], "--yes", *form)
    assert ended.returncode == 0, ended.stderr
    taken = fluxum(tmp_path, url, *place, "--type", "market", *form)
    (filled,) = json.loads(taken.stdout)
    held = json.loads(fluxum(tmp_path, url, "balances", *form).stdout)
    earned = fluxum(
        tmp_path, url, "pnl", "--since", "1h", "-s", SYMBOLS[venue], "-x", venue, "--format", "json"
    )
    proved = fluxum(tmp_path, url, "ledger", "--audit", "--since", "1h", "-x", venue)

    assert resting["status"] == "open"
    assert json.loads(ended.stdout)[0]["status"] == "canceled"
    assert (filled["status"], Decimal(filled["filled"])) == ("filled", Decimal("0.01"))
    assert earned.returncode == 0, earned.stderr
    assert SYMBOLS[venue] in earned.stdout
    assert {one["asset"] for one in held} == {"BTC", "ETH", "SOL", SYMBOLS[venue][4:]}
    assert all(Decimal(one["held"]) == 0 for one in held)
    if venue in WITHOUT_ENTRIES:
        assert proved.returncode == 2
        assert f"{venue} has no list of account entries" in proved.stderr
    else:
        assert proved.returncode == 0, proved.stdout + proved.stderr
        assert proved.stdout.count("adds up") == 4
