"""What cannot be read of the sequenced feed costs itself alone, and what no exchange can mean."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Desync, LeftOut, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Ticker, Trade
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.gemini.protocol import GeminiProtocol
from fluxum.venues.venue import Send
from oddrows import OddRow, Received, odd_row
from unreadable import harmed, kinds

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK, TRADES, TICKER = (
    Subscription(kind, BTC) for kind in (Channel.BOOK, Channel.TRADE, Channel.TICKER)
)
ETH_BOOK = Subscription(Channel.BOOK, ETH)
NOW, THEN = 1_790_000_000_000_000_000, 1_789_999_999_000_000_123


def depth(first: object, final: object, *bids: object, **members: object) -> bytes:
    message: dict[str, Any] = {"e": "depthUpdate", "E": THEN, "s": "btcusd", "U": first}
    sides: dict[str, object] = {"u": final, "b": bids, "a": ()}
    return text(message | sides | members)


def trade(**members: object) -> bytes:
    message = {"E": THEN, "s": "btcusd", "t": 7, "p": "100.5", "q": "0.25", "m": True}
    return text(message | members)


def ticker(**members: object) -> bytes:
    message = {"u": 5, "E": THEN, "s": "btcusd", "b": "100", "B": "1", "a": "101", "A": "2"}
    return text(message | members)


def text(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def acknowledged(*wanted: Subscription) -> GeminiProtocol:
    """A protocol whose requests were answered, with the books it wants as of 100."""
    protocol = GeminiProtocol()
    protocol.subscribe(wanted)
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        assert isinstance(effect, Send)
        number = json.loads(effect.frame)["id"]
        protocol.receive(b'{"id":%d,"status":200}' % number, NOW)
    for one in wanted:
        if one.channel is Channel.BOOK:
            name = "btcusd" if one is BOOK else "ethusd"
            protocol.receive(depth(100, 100, ["100", "1"], s=name), NOW)
    return protocol


@pytest.mark.parametrize(
    ("nonsense", "streams"),
    [
        (depth(100, 105, ["100", "x"]), (BOOK,)),
        (depth(100, 105, ["100"]), (BOOK,)),
        (depth("100", 105, ["100", "1"]), (BOOK,)),
        (depth(100, None, ["100", "1"]), (BOOK,)),
        (depth(100, 105, b="none"), (BOOK,)),
        (depth(100, 105, b=None), (BOOK,)),
        (depth(100, 105, a=None), (BOOK,)),
        (depth(105, 100), (BOOK,)),
        (depth(10**30, 10**30), (BOOK,)),
        (trade(p="x"), (TRADES,)),
        (trade(q=1), (TRADES,)),
        (trade(m=None), (TRADES,)),
        (trade(t="seven"), (TRADES,)),
        (trade(t=None, u=None), (TRADES,)),
        (ticker(b="-1"), (TICKER,)),
        (ticker(a=101), (TICKER,)),
        (ticker(b=[["100", "1"]]), (TICKER,)),
        (ticker(u="five"), (TICKER,)),
        (text({"s": "btcusd", "lastUpdateId": "x"}), (BOOK, TICKER, TRADES)),
        (trade(s="dogeusd"), ()),
        (depth(1, 1, s="dogeusd"), ()),
        (b'{"id":1,"status":500}', ()),
        (b'{"id":1,"status":"ok"}', ()),
        (b'{"e":"orderUpdate","s":"btcusd","t":"x"}', ()),
    ],
)
def test_a_frame_that_cannot_be_read_harms_the_stream_it_names_alone(
    nonsense: bytes, streams: tuple[Subscription, ...]
) -> None:
    protocol = acknowledged(BOOK, TRADES, TICKER, ETH_BOOK)

    assert set(harmed(protocol, nonsense, NOW)) == {*streams}

    assert kinds(protocol.receive(depth(100, 101, ["9", "1"], s="ethusd"), NOW)) == [BookUpdate]


@pytest.mark.parametrize("nonsense", [b"{", b"[]", b"{}", b"\xff", trade(s=7), depth(1, 1, e=7)])
def test_a_frame_that_names_no_market_may_be_of_any_stream(nonsense: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        acknowledged(BOOK).receive(nonsense, NOW)

    assert not isinstance(raised.value, UnreadableStream)


def test_an_update_that_cannot_be_read_is_a_hole_for_the_next_one() -> None:
    protocol = acknowledged(BOOK)
    harmed(protocol, depth(100, 105, ["100", "x"]), NOW)

    assert kinds(protocol.receive(depth(105, 106, ["100", "1"]), NOW)) == [Desync]


def test_a_snapshot_that_cannot_be_read_is_waited_for() -> None:
    protocol = GeminiProtocol()
    protocol.subscribe([BOOK])
    assert harmed(protocol, depth(100, 100, ["x", "1"]), NOW) == (BOOK,)

    (early,) = protocol.receive(depth(100, 101, ["1", "1"]), NOW)

    assert isinstance(early, LeftOut)
    assert BOOK in protocol.unanswered()


def test_a_level_that_cannot_be_read_is_left_out_of_its_book_first() -> None:
    protocol = acknowledged(BOOK)

    left_out, update = protocol.receive(depth(100, 105, ["0.-10000", "1"], ["99", "2"]), NOW)

    assert left_out == LeftOut(
        venue="gemini",
        subscription=BOOK,
        count=1,
        reason="a number from 0 to 1e30 was expected, was '0.-10000'",
        sample='["0.-10000","1"]',
        received_ns=NOW,
    )
    assert isinstance(update, BookUpdate)
    assert [level.price for level in update.bids] == [99]
    assert kinds(protocol.receive(depth(105, 106, ["98", "1"]), NOW)) == [BookUpdate]


@pytest.mark.parametrize("final", [100, 105])
@given(odd=odd_row([["99", "1"], ["98", "2"], ["97.50", "0.0"]]))
def test_an_odd_level_costs_itself_alone(final: int, odd: OddRow) -> None:
    def build(rows: Sequence[str]) -> bytes:
        return (
            f'{{"e":"depthUpdate","E":1,"s":"btcusd","U":100,"u":{final},"b":[{",".join(rows)}]}}'
        ).encode()

    def receive(frame: bytes) -> Received:
        protocol = acknowledged(BOOK)
        if final == 100:
            protocol.resync(BOOK)
        events = protocol.receive(frame, NOW)
        facts: dict[object, object] = {
            level.price: level.quantity
            for event in events
            if isinstance(event, BookSnapshot | BookUpdate)
            for level in event.bids
        }
        return Received(facts, sum(one.count for one in events if isinstance(one, LeftOut)))

    odd.costs_itself_alone(build, receive)


@pytest.mark.parametrize("time", [0, 1, 1_600_000_000, -1, 10**30, "x", None])
def test_a_time_no_exchange_can_mean_is_none(time: object) -> None:
    protocol = acknowledged(BOOK)
    (update,) = protocol.receive(depth(100, 105, ["99", "1"], E=time), NOW)

    assert isinstance(update, BookUpdate)
    assert update.venue_ns is None
    assert update.sequence == 105


def test_a_price_of_zero_is_none() -> None:
    (published,) = acknowledged(TICKER).receive(ticker(b="0.00000", B="0", E=0), NOW)

    assert isinstance(published, Ticker)
    assert (published.bid, published.bid_quantity, published.venue_ns) == (None, None, None)
    assert (published.ask, published.ask_quantity) == (Decimal(101), Decimal(2))


def test_members_that_are_not_needed_may_be_missing() -> None:
    protocol = acknowledged(TICKER, TRADES)

    (published,) = protocol.receive(ticker(b=None, B=None, E=None), NOW)
    (made,) = protocol.receive(trade(E=None), NOW)

    assert isinstance(published, Ticker)
    assert published.bid is None
    assert isinstance(made, Trade)
    assert made.venue_ns is None
