"""The same commands against accounts of the other simulated exchanges, once each."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from commands import commands, exchange_at
from fluxum import Symbol
from fluxum.venues.register import find_venue

pytestmark = pytest.mark.network

SYMBOLS = {
    "binance": "BTC/USDT",
    "binance-usdm": "BTC/USDT:PERP",
    "bybit": "BTC/USDT",
    "coinbase": "BTC/USD",
    "coinbase-exchange": "BTC/USD",
    "gemini": "BTC/USD",
    "okx": "BTC/USDT",
}


# Orders over a link of their own, and over REST alone; the others are slow.
SAMPLE = {"bybit", "coinbase"}


@pytest.mark.parametrize(
    "venue", [pytest.param(one, marks=[pytest.mark.slow] * (one not in SAMPLE)) for one in SYMBOLS]
)
def test_an_account_is_traded_from_the_command_line(
    venue: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = ("order", "place", "-s", SYMBOLS[venue], "--side", "buy", "-q", "0.01", "--yes")
    form = ("-x", venue, "--format", "json")
    with (
        exchange_at(tmp_path, "keys.toml", venue) as url,
        commands(capfd, monkeypatch) as command,
    ):
        where = ("--keys", "file:keys.toml", "--endpoint", url)
        order = (*where, "--journal", "orders.jsonl")

        rested = command(*place, "-p", "50000", *form, *order)
        assert rested.status == 0, rested.err
        (resting,) = json.loads(rested.out)
        ended = command("order", "cancel", resting["order_id"], "--yes", *form, *order)
        assert ended.status == 0, ended.err
        taken = command(*place, "--type", "market", *form, *order)
        (filled,) = json.loads(taken.out)
        held = json.loads(command("balances", *form, *where).out)
        listed = command("fills", "-s", SYMBOLS[venue], "--since", "1h", *form, *where)
        earned = command("pnl", "-s", SYMBOLS[venue], "--since", "1h", "-x", venue, *where)
        private = find_venue(venue).private
        assert private is not None
        is_made = private.queries().entries is None
        named = ("-s", SYMBOLS[venue]) if is_made else ()
        proved = command("ledger", "--audit", "--since", "1h", "-x", venue, *named, *where)

    assert resting["status"] == "open"
    assert json.loads(ended.out)[0]["status"] == "canceled"
    assert (filled["status"], Decimal(filled["filled"])) == ("filled", Decimal("0.01"))
    assert earned.status == 0, earned.err
    assert SYMBOLS[venue] in earned.out
    assert {one["asset"] for one in held} == {"BTC", "ETH", "SOL", Symbol(SYMBOLS[venue]).quote}
    assert all(Decimal(one["held"]) == 0 for one in held)
    traded = [Decimal(one["quantity"]) for one in json.loads(listed.out)]
    assert sum(traded) == Decimal("0.01"), listed.out + listed.err
    assert proved.status == 0, proved.out + proved.err
    # Without a list of transfers the deposits of the other assets have no entries.
    lists_deposits = not is_made or private.queries().transfers is not None
    assert proved.out.count("adds up") == (4 if lists_deposits else 2)
    assert ("lists no entries: these are made from fills" in proved.err) is is_made


@pytest.mark.slow
def test_a_stop_is_placed_and_ended_from_the_command_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = ("order", "place", "-s", "BTC/USDT", "--side", "sell", "-q", "0.01", "--yes")
    with (
        exchange_at(tmp_path, "keys.toml", "okx") as url,
        commands(capfd, monkeypatch) as command,
    ):
        where = ("-x", "okx", "--keys", "file:keys.toml", "--endpoint", url)
        order = (*where, "--journal", "orders.jsonl", "--format", "json")
        waits = ("--type", "stop_loss", "--trigger", "100")

        placed = command(*place, *waits, *order)
        assert placed.status == 0, placed.err
        assert "when 100 is reached, gtc" in placed.err
        (waiting,) = json.loads(placed.out)
        assert waiting["order_id"].startswith("algo-")
        assert waiting["status"] == "pending"
        ended = command("order", "cancel", waiting["client_order_id"], "--yes", *order)
        assert ended.status == 0, ended.err

        trails = ("--type", "trailing_stop", "--trigger", "2%")
        trailing = command(*place, *trails, *order)
        assert trailing.status == 0, trailing.err
        assert "when it turned by 2%" in trailing.err
        for watched, why in (("mark", "no triggers by mark prices"), ("oracle", "oracle")):
            wrong = command(*place, *waits, "--trigger-by", watched, *order)
            assert wrong.status != 0
            assert why in wrong.err
