"""Tickers: lines by deltas, lines joined with the best bid and ask, and what a lost one costs."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from worlds import play, world

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Channel, Event, Refused, Subscription, Unsubscribed, VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Ticker
from fluxum.transport.link import Dial, Link
from fluxum.venues.bybit.category import LINEAR, SPOT, Category
from fluxum.venues.bybit.protocol import BybitProtocol
from fluxum.venues.bybit.venue import BYBIT, BYBIT_LINEAR
from fluxum.venues.conversation import Send, UnreadableStream

BTC, PERP = Symbol("BTC/USDT"), Symbol("BTC/USDT:PERP")
SPOT_TICKER, PERP_TICKER = Subscription(Channel.TICKER, BTC), Subscription(Channel.TICKER, PERP)
TOP, BOOK = Subscription(Channel.BOOK, BTC, 1), Subscription(Channel.BOOK, BTC, 50)
SECOND = 1_000_000_000
MS = 1_767_225_600_000
# https://bybit-exchange.github.io/docs/v5/websocket/public/ticker
SPOT_LINE = {
    "symbol": "BTCUSDT",
    "lastPrice": "21109.77",
    "highPrice24h": "21426.99",
    "lowPrice24h": "20575",
    "prevPrice24h": "20704.93",
    "volume24h": "6780.866843",
    "turnover24h": "141946527.22907118",
    "price24hPcnt": "0.0196",
    "usdIndexPrice": "21120.2400136",
}
LINE = {"symbol": "BTCUSDT", "lastPrice": "17216.00", "bid1Price": "17215.50", "bid1Size": "84.489"}


def requests(protocol: BybitProtocol) -> list[tuple[str, list[str]]]:
    """What was asked, each request answered with a yes."""
    asked: list[tuple[str, list[str]]] = []
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        if isinstance(effect, Send):
            request = json.loads(effect.frame)
            asked.append((request["op"], request["args"]))
            number = request["req_id"]
            ack = {"success": True, "ret_msg": "", "req_id": number, "op": request["op"]}
            receive(protocol, ack)
    return asked


def receive(protocol: BybitProtocol, message: dict[str, Any], at_ns: int = 7) -> list[Event]:
    return list(protocol.receive(json.dumps(message, separators=(",", ":")).encode(), at_ns))


def following(category: Category, *subscriptions: Subscription) -> BybitProtocol:
    protocol = BybitProtocol(category)
    protocol.subscribe(subscriptions)
    requests(protocol)
    return protocol


def line(kind: str = "snapshot", **fields: str) -> dict[str, Any]:
    return {"topic": "tickers.BTCUSDT", "type": kind, "ts": MS, "data": fields}


def top(bids: list[list[str]], asks: list[list[str]], number: int = 5) -> dict[str, Any]:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": number, "seq": 9}
    return {"topic": "orderbook.1.BTCUSDT", "type": "snapshot", "ts": MS, "data": data}


def ticker_of(events: list[Event]) -> Ticker:
    (ticker,) = [event for event in events if isinstance(event, Ticker)]
    return ticker


# The two topics of spot


def test_a_spot_ticker_is_requested_with_its_best_bid_and_ask() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.subscribe([SPOT_TICKER])

    assert requests(protocol) == [("subscribe", ["orderbook.1.BTCUSDT", "tickers.BTCUSDT"])]


def test_a_spot_ticker_has_bid_and_ask() -> None:
    protocol = following(SPOT, SPOT_TICKER)
    assert receive(protocol, top([["21109.5", "2"]], [["21110", "1.5"]])) == []  # no line yet

    first = ticker_of(receive(protocol, line(**SPOT_LINE)))
    second = ticker_of(receive(protocol, top([["21109.6", "3"]], [["21110", "1.5"]])))

    assert (first.bid, first.ask, first.last) == (
        Decimal("21109.5"),
        Decimal(21110),
        Decimal("21109.77"),
    )
    assert (first.bid_quantity, first.ask_quantity) == (Decimal(2), Decimal("1.5"))
    assert (second.bid, second.last) == (Decimal("21109.6"), Decimal("21109.77"))
    assert second.spread == Decimal("0.4")


def test_an_empty_side_of_a_spot_market_is_none() -> None:
    protocol = following(SPOT, SPOT_TICKER)
    receive(protocol, line(**SPOT_LINE))

    ticker = ticker_of(receive(protocol, top([], [["21110", "1.5"]])))

    assert (ticker.bid, ticker.bid_quantity, ticker.mid) == (None, None, None)
    assert ticker.ask == 21110


def test_a_book_of_one_level_and_a_ticker_share_a_topic() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.subscribe([TOP, SPOT_TICKER])
    assert requests(protocol) == [("subscribe", ["orderbook.1.BTCUSDT", "tickers.BTCUSDT"])]
    receive(protocol, line(**SPOT_LINE))

    events = receive(protocol, top([["21109.5", "2"]], [["21110", "1.5"]]))

    assert [type(event) for event in events] == [BookSnapshot, Ticker]
    repeated = receive(protocol, top([["21109.5", "2"]], [["21110", "1.5"]]))
    assert [type(event) for event in repeated] == [BookUpdate, Ticker]


def test_a_book_of_one_level_begins_with_a_snapshot_although_a_ticker_had_its_topic() -> None:
    protocol = following(SPOT, SPOT_TICKER)

    protocol.subscribe([TOP])

    topic = "orderbook.1.BTCUSDT"
    assert requests(protocol) == [("unsubscribe", [topic]), ("subscribe", [topic])]
    events = receive(protocol, top([["21109.5", "2"]], [["21110", "1.5"]]))
    assert [type(event) for event in events] == [BookSnapshot]
    assert not protocol.unanswered()


def test_a_ticker_goes_on_when_the_book_it_shares_a_topic_with_is_ended() -> None:
    protocol = following(SPOT, TOP, SPOT_TICKER)
    receive(protocol, line(**SPOT_LINE))
    protocol.unsubscribe([TOP])

    effect = protocol.outbox.popleft()
    assert isinstance(effect, Send)
    number = json.loads(effect.frame)["req_id"]
    ack = {"success": True, "ret_msg": "", "req_id": number, "op": "unsubscribe"}
    ended = receive(protocol, ack)

    assert [type(event) for event in ended] == [Unsubscribed]
    assert requests(protocol) == [("subscribe", ["orderbook.1.BTCUSDT"])]
    events = receive(protocol, top([["21109.5", "2"]], [["21110", "1.5"]]))
    assert [type(event) for event in events] == [Ticker]


def test_a_book_goes_on_when_the_ticker_it_shares_a_topic_with_is_ended() -> None:
    protocol = following(SPOT, TOP, SPOT_TICKER)
    receive(protocol, line(**SPOT_LINE))

    protocol.unsubscribe([SPOT_TICKER])

    assert requests(protocol) == [("unsubscribe", ["tickers.BTCUSDT"])]
    events = receive(protocol, top([["21109.5", "2"]], [["21110", "1.5"]]))
    assert [type(event) for event in events] == [BookSnapshot]


def test_a_ticker_that_is_ended_ends_both_its_topics() -> None:
    protocol = following(SPOT, SPOT_TICKER)

    protocol.unsubscribe([SPOT_TICKER])

    assert requests(protocol) == [
        ("unsubscribe", ["tickers.BTCUSDT"]),
        ("unsubscribe", ["orderbook.1.BTCUSDT"]),
    ]
    with pytest.raises(UnreadableStream, match="was not requested"):
        receive(protocol, top([], []))


def test_both_that_share_a_topic_are_ended_at_once() -> None:
    protocol = following(SPOT, TOP, SPOT_TICKER)

    protocol.unsubscribe([TOP, SPOT_TICKER])

    assert requests(protocol) == [("unsubscribe", ["orderbook.1.BTCUSDT", "tickers.BTCUSDT"])]


def test_a_best_bid_and_ask_that_are_refused_cost_the_ticker_those_alone() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.subscribe([SPOT_TICKER])
    protocol.outbox.clear()
    words = "error:handler not found,topic:orderbook.1.BTCUSDT"
    answer = {"success": False, "ret_msg": words, "req_id": "1", "op": "subscribe"}

    (notice,) = receive(protocol, answer)

    assert isinstance(notice, VenueNotice)
    assert notice.message == f"'ticker BTC/USDT' has no bid and ask: {words}"
    assert requests(protocol) == [("subscribe", ["tickers.BTCUSDT"])]


def test_a_market_that_is_unknown_refuses_its_ticker() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.subscribe([SPOT_TICKER])
    protocol.outbox.clear()
    events: list[Event] = []

    for number, topic in enumerate(("orderbook.1.BTCUSDT", "tickers.BTCUSDT"), 1):
        words = f"Invalid symbol :[{topic}]"
        answer = {"success": False, "ret_msg": words, "req_id": str(number), "op": "subscribe"}
        events += receive(protocol, answer)

    assert [one.subscription for one in events if isinstance(one, Refused)] == [SPOT_TICKER]


@pytest.mark.parametrize("size", ["x", "-1", 7])
def test_a_best_bid_that_cannot_be_read_is_none_until_the_next(size: Any) -> None:
    protocol = following(SPOT, SPOT_TICKER)
    receive(protocol, top([["21109.5", "2"]], [["21110", "1.5"]]))

    with pytest.raises(UnreadableStream) as caught:
        receive(protocol, top([["21109.5", size]], [["21110", "1.5"]]))

    assert caught.value.subscriptions == (SPOT_TICKER,)
    assert ticker_of(receive(protocol, line(**SPOT_LINE))).bid is None


def test_a_line_that_cannot_be_read_is_not_published_with_a_newer_bid() -> None:
    protocol = following(SPOT, SPOT_TICKER)
    receive(protocol, line(**SPOT_LINE))

    with pytest.raises(UnreadableStream) as caught:
        receive(protocol, line(**{**SPOT_LINE, "lastPrice": "x"}))

    assert caught.value.subscriptions == (SPOT_TICKER,)
    assert receive(protocol, top([["21109.5", "2"]], [["21110", "1.5"]])) == []


def test_two_depths_of_one_book_cannot_be_told_apart() -> None:
    protocol = following(SPOT, BOOK)

    with pytest.raises(LocalProtocolError, match="cannot be distinguished"):
        protocol.subscribe([TOP])


def test_on_a_tape_the_deeper_book_and_the_ticker_are_followed() -> None:
    protocol = BybitProtocol(SPOT)
    protocol.follow_passively()
    shallow = top([["21109.5", "2"]], [["21110", "1.5"]])
    receive(protocol, line(**SPOT_LINE))
    assert [type(one) for one in receive(protocol, shallow)] == [BookSnapshot, Ticker]
    deep = {**shallow, "topic": "orderbook.50.BTCUSDT"}

    (book,) = receive(protocol, deep)

    assert isinstance(book, BookSnapshot)
    assert book.depth == 50
    assert [type(one) for one in receive(protocol, shallow)] == [Ticker]


def test_a_simulated_spot_ticker_is_that_of_the_exchange() -> None:
    async def story() -> None:
        wanted = BYBIT.with_defaults(Subscription(Channel.TICKER, BTC))
        async with world(wanted, venue=BYBIT, rate_per_s=20.0) as now:
            await now.session.wait_ready(60)
            events = await now.live(60)
            tickers = [event for event in events if isinstance(event, Ticker)]
            assert len(tickers) > 50
            assert all(one.bid is not None and one.ask is not None for one in tickers)
            now.exchange.step(BTC)
            await now.live(5)
            last = [event for event in now.events if isinstance(event, Ticker)][-1]
            truth = now.exchange.ticker(BTC)
            assert (last.bid, last.ask) == (truth.bid, truth.ask)

    play(story)


# The deltas of futures


def test_zero_is_no_bid() -> None:
    """tardis-dev/tardis-node test/mappers.test.ts, with the bid at zero."""
    protocol = following(LINEAR, PERP_TICKER)

    ticker = ticker_of(
        receive(protocol, line(**{**LINE, "bid1Price": "0.00", "bid1Size": "0", "ask1Price": "2"}))
    )

    assert (ticker.bid, ticker.bid_quantity, ticker.mid, ticker.spread) == (None,) * 4


@pytest.mark.parametrize("ts", [0, 10**24, None])
def test_a_time_that_no_exchange_can_mean_is_none(ts: int | None) -> None:
    protocol = following(LINEAR, PERP_TICKER)

    assert ticker_of(receive(protocol, {**line(**LINE), "ts": ts})).venue_ns is None


def test_a_delta_without_its_snapshot_is_refused_and_the_snapshot_requested() -> None:
    protocol = following(LINEAR, PERP_TICKER)

    with pytest.raises(UnreadableStream, match="a delta without its snapshot") as caught:
        receive(protocol, line("delta", ask1Price="17216.5"), 100 * SECOND)

    assert caught.value.subscriptions == (PERP_TICKER,)
    topic = ["tickers.BTCUSDT"]
    assert requests(protocol) == [("unsubscribe", topic), ("subscribe", topic)]
    assert ticker_of(receive(protocol, line(**LINE))).bid == Decimal("17215.50")
    assert ticker_of(receive(protocol, line("delta", ask1Price="17216.5"))).ask == Decimal(
        "17216.5"
    )


def test_the_snapshot_is_requested_with_pauses_that_grow() -> None:
    protocol = following(LINEAR, PERP_TICKER)
    asked_s: list[int] = []

    for second in range(1000, 1400):
        with pytest.raises(UnreadableStream):
            receive(protocol, line("delta", ask1Price="1"), second * SECOND)
        if requests(protocol):
            asked_s.append(second - 1000)

    assert asked_s == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363]


def test_a_delta_that_cannot_be_read_leaves_nothing_old_to_be_published() -> None:
    """The next delta would otherwise be laid over an ask that has changed since."""
    protocol = following(LINEAR, PERP_TICKER)
    receive(protocol, line(**LINE, ask1Price="17216"))

    with pytest.raises(UnreadableStream, match="was 'x17'") as caught:
        receive(protocol, line("delta", ask1Price="x17"), 100 * SECOND)
    assert caught.value.subscriptions == (PERP_TICKER,)

    with pytest.raises(UnreadableStream, match="a delta without its snapshot"):
        receive(protocol, line("delta", lastPrice="17000"), 100 * SECOND)


def test_a_ticker_whose_snapshots_cannot_be_read_is_missing_by_name() -> None:
    """208 good deltas once went by in silence, and the session was ready."""
    odd = [0]

    class Mutated:
        def __init__(self, link: Link) -> None:
            self._link = link

        async def send(self, frame: bytes) -> None:
            await self._link.send(frame)

        async def receive(self) -> bytes:
            frame = await self._link.receive()
            if b"tickers.ETHUSDT" in frame and b"snapshot" in frame and odd[0] < 4:
                odd[0] += 1
                return frame.replace(b'"ask1Price":"', b'"ask1Price":"x', 1)
            return frame

    def wrap(dial: Dial) -> Dial:
        @asynccontextmanager
        async def mutated(url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
            async with dial(url, headers) as link:
                yield Mutated(link)

        return mutated

    async def story() -> None:
        wanted = Subscription(Channel.TICKER, Symbol("ETH/USDT:PERP"))
        async with world(wanted, venue=BYBIT_LINEAR, rate_per_s=10.0, wrap=wrap) as now:
            await now.live(3)
            assert [one.subscription for one in now.session.missing()] == [wanted]
            assert now.session.statistics().rejected > 1
            await now.live(30)
            assert odd[0] == 4
            assert now.session.missing() == []
            assert [event for event in now.events if isinstance(event, Ticker)]

    play(story)
