"""What a subscriber is told, compared with the exchange's own book and trades."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.market import SimulatedMarket
from fluxum.venues.okx.server.streams import (
    BookStream,
    CandleStream,
    ticker_stream,
    top_stream,
    trade_stream,
)
from fluxum.venues.okx.venue import OKX

BTC = Symbol("BTC/USDT")
SECOND = 1_000_000_000
NOW = 1_790_358_506_844 * 1_000_000

Message = dict[str, Any]


class Settable:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at_ns = NOW

    def now_ns(self) -> int:
        return self.at_ns


def exchange(clock: Settable | None = None) -> SimulatedExchange:
    return SimulatedExchange(
        OKX, (BTC,), seed=1, clock=clock or Settable(), resolution_ns=1_000_000
    )


def read(frames: Sequence[bytes]) -> list[Message]:
    return [json.loads(frame) for frame in frames]


def rows(levels: Sequence[Level]) -> list[list[Any]]:
    return [[level.price, level.quantity, "0", level.orders] for level in levels]


def parsed(side: list[list[str]]) -> list[list[Any]]:
    return [[Decimal(one[0]), Decimal(one[1]), one[2], int(one[3])] for one in side]


def lift(market: SimulatedMarket, now_ns: int) -> None:
    """A bid of 1 where there was none, below all that is there."""
    worst = market.levels(Side.BUY, 1000)[-1].price
    market.limit(Side.BUY, worst - market.instrument.tick, Decimal(1), now_ns)


# Books


def test_a_book_begins_with_a_snapshot_linked_to_nothing() -> None:
    simulated = exchange()
    stream = BookStream(simulated, simulated.instruments()[0], "books")

    (frame,) = stream.begin(NOW)

    assert re.match(
        rb'\{"arg":\{"channel":"books","instId":"BTC-USDT"\},"action":"snapshot","data":\[\{"asks":'
        rb'\[\["\d+(\.\d+)?","\d+(\.\d+)?","0","\d+"\],',
        frame,
    )
    (data,) = json.loads(frame)["data"]
    assert parsed(data["bids"]) == rows(simulated.levels(BTC, Side.BUY, 400))
    assert parsed(data["asks"]) == rows(simulated.levels(BTC, Side.SELL, 400))
    assert (data["ts"], data["checksum"]) == ("1790358506844", 0)
    assert (data["prevSeqId"], data["seqId"]) == (-1, simulated.revision(BTC))
    assert '.0"' not in frame.decode()  # no zeros at the end


def test_each_update_names_the_one_before_and_has_what_changed() -> None:
    simulated = exchange()
    stream = BookStream(simulated, simulated.instruments()[0], "books")
    stream.begin(NOW)
    first = simulated.revision(BTC)

    simulated.change(BTC, lift)
    (update,) = read(stream.update(NOW))
    (data,) = update["data"]

    assert update["action"] == "update"
    worst = simulated.levels(BTC, Side.BUY, 400)[-1]
    assert parsed(data["bids"]) == [[worst.price, Decimal(1), "0", 1]]
    assert data["asks"] == []
    assert (data["prevSeqId"], data["seqId"]) == (first, first + 1)


def test_a_move_that_changes_nothing_in_the_window_is_not_sent_and_breaks_no_link() -> None:
    simulated = exchange()
    stream = BookStream(simulated, simulated.instruments()[0], "books")
    stream.begin(NOW)
    first = simulated.revision(BTC)

    simulated.change(BTC, lambda market, now_ns: None)
    assert stream.update(NOW) == ()
    simulated.change(BTC, lift)
    (update,) = read(stream.update(NOW))

    assert (update["data"][0]["prevSeqId"], update["data"][0]["seqId"]) == (first, first + 2)


def test_a_client_that_follows_the_rules_holds_the_exchanges_book() -> None:
    """Levels by price, zero is gone, nothing is cut: a window of 400 as the venue keeps it."""
    simulated = exchange()
    stream = BookStream(simulated, simulated.instruments()[0], "books")
    held: dict[str, dict[Decimal, list[Any]]] = {"bids": {}, "asks": {}}
    last = -1
    for frame in (*stream.begin(NOW), *[b""] * 1500):
        if not frame:
            simulated.step(BTC)
        for message in read([frame] if frame else stream.update(NOW)):
            (data,) = message["data"]
            assert data["prevSeqId"] == last
            last = data["seqId"]
            for side in ("bids", "asks"):
                for row in parsed(data[side]):
                    held[side][row[0]] = row
                    if not row[1]:
                        del held[side][row[0]]
                        assert row[3] == 0
        bids = [held["bids"][price] for price in sorted(held["bids"], reverse=True)]
        asks = [held["asks"][price] for price in sorted(held["asks"])]
        assert bids == rows(simulated.levels(BTC, Side.BUY, 400))
        assert asks == rows(simulated.levels(BTC, Side.SELL, 400))


def test_a_minute_without_a_change_is_sent_as_such() -> None:
    simulated = exchange()
    stream = BookStream(simulated, simulated.instruments()[0], "books")
    stream.begin(NOW)
    number = simulated.revision(BTC)

    assert stream.tick(NOW + 59 * SECOND) == ()
    (alive,) = read(stream.tick(NOW + 60 * SECOND))

    assert alive["action"] == "update"
    assert alive["data"] == [
        {
            "asks": [],
            "bids": [],
            "ts": "1790358566844",
            "checksum": 0,
            "prevSeqId": number,
            "seqId": number,
        }
    ]
    assert stream.tick(NOW + 61 * SECOND) == ()


def test_what_was_not_published_is_not_denied() -> None:
    simulated = exchange()
    stream = BookStream(simulated, simulated.instruments()[0], "books")
    stream.begin(NOW)
    simulated.change(BTC, lift)  # while the exchange is silent

    assert stream.tick(NOW + 60 * SECOND) == ()


def test_whole_books_have_neither_action_nor_links() -> None:
    simulated = exchange()
    deep = top_stream(simulated, simulated.instruments()[0], "books5")
    best = top_stream(simulated, simulated.instruments()[0], "bbo-tbt")

    (five,), (one,) = read(deep.begin(NOW)), read(best.begin(NOW))

    assert list(five) == list(one) == ["arg", "data"]
    assert list(five["data"][0]) == ["asks", "bids", "instId", "ts", "seqId"]
    assert list(one["data"][0]) == ["asks", "bids", "ts", "seqId"]
    assert parsed(five["data"][0]["bids"]) == rows(simulated.levels(BTC, Side.BUY, 5))
    assert parsed(one["data"][0]["asks"]) == rows(simulated.levels(BTC, Side.SELL, 1))


def test_a_whole_book_is_sent_again_once_a_level_of_it_changed() -> None:
    simulated = exchange()
    stream = top_stream(simulated, simulated.instruments()[0], "books5")
    stream.begin(NOW)

    simulated.change(BTC, lift)  # deeper than five
    assert stream.update(NOW) == ()
    best = simulated.levels(BTC, Side.BUY, 1)[0].price
    simulated.change(BTC, lambda market, at_ns: market.limit(Side.BUY, best, Decimal(1), at_ns))
    (sent,) = read(stream.update(NOW))

    assert sent["data"][0]["seqId"] == simulated.revision(BTC)


# Trades, tickers, candles


def trade(simulated: SimulatedExchange) -> None:
    simulated.change(
        BTC, lambda market, at_ns: market.market(Side.BUY, Decimal("0.00010000"), at_ns)
    )


def test_the_last_trade_is_sent_first_and_then_each_as_it_happens() -> None:
    simulated = exchange()
    stream = trade_stream(simulated, simulated.instruments()[0], "trades")
    (last,) = simulated.trades(BTC, 1)

    (sent,) = read(stream.begin(NOW))
    assert sent["data"][0]["tradeId"] == last.trade_id
    assert stream.update(NOW) == ()
    trade(simulated)
    (sent,) = read(stream.update(NOW))

    (made,) = simulated.trades(BTC, 1)
    assert sent == {
        "arg": {"channel": "trades", "instId": "BTC-USDT"},
        "data": [
            {
                "instId": "BTC-USDT",
                "tradeId": made.trade_id,
                "px": f"{made.price:f}".rstrip("0").rstrip("."),
                "sz": "0.0001",
                "side": "buy",
                "ts": str((made.venue_ns or 0) // 1_000_000),
                "count": "1",
                "source": "0",
            }
        ],
    }


def test_all_trades_have_no_count() -> None:
    simulated = exchange()
    stream = trade_stream(simulated, simulated.instruments()[0], "trades-all")

    (sent,) = read(stream.begin(NOW))

    assert "count" not in sent["data"][0]


def test_a_ticker_has_all_that_is_published_and_follows_trades_and_best_prices() -> None:
    simulated = exchange()
    stream = ticker_stream(simulated, simulated.instruments()[0])

    (sent,) = read(stream.begin(NOW))
    simulated.change(BTC, lift)
    assert stream.update(NOW) == ()
    trade(simulated)
    (later,) = read(stream.update(NOW))

    (line,) = sent["data"]
    published = (
        "instType instId last lastSz askPx askSz bidPx bidSz open24h high24h low24h volCcy24h "
        "vol24h sodUtc0 sodUtc8 ts"
    )
    assert list(line) == published.split()
    assert all(isinstance(value, str) for value in line.values())
    assert (line["instType"], line["instId"]) == ("SPOT", "BTC-USDT")
    assert Decimal(line["bidPx"]) == simulated.levels(BTC, Side.BUY, 1)[0].price
    assert later["data"][0]["lastSz"] == "0.0001"


def test_a_candle_is_sent_once_a_second_and_once_more_when_it_is_closed() -> None:
    clock = Settable()
    simulated = exchange(clock)
    stream = CandleStream(simulated, simulated.instruments()[0], "1m")
    stream.begin(NOW)  # 26.844 s into its minute

    def at(second: int) -> int:
        clock.at_ns = NOW + second * SECOND
        return clock.at_ns

    at(1)
    trade(simulated)
    (running,) = read(stream.update(at(1)))
    trade(simulated)
    assert stream.update(at(1) + 1) == ()
    (held_back,) = read(stream.tick(at(2)))
    assert stream.tick(at(30)) == ()
    (closed,) = read(stream.tick(at(34)))
    assert stream.tick(at(36)) == ()

    rows_told = [one["data"][0] for one in (running, held_back, closed)]
    assert [row[0] for row in rows_told] == ["1790358480000"] * 3
    assert [row[8] for row in rows_told] == ["0", "0", "1"]
    assert Decimal(held_back["data"][0][5]) > Decimal(running["data"][0][5])
    assert closed["data"][0][:8] == held_back["data"][0][:8]
    assert closed["arg"] == {"channel": "candle1m", "instId": "BTC-USDT"}


def test_a_candle_that_was_not_published_is_not_sent() -> None:
    clock = Settable()
    simulated = exchange(clock)
    stream = CandleStream(simulated, simulated.instruments()[0], "1m")
    stream.begin(NOW)
    trade(simulated)  # while the exchange is silent

    assert stream.tick(NOW + 34 * SECOND) == ()
