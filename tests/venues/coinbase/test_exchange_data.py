"""What cannot be read of the Exchange feed costs itself alone, and what no exchange can mean."""

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Desync, Event, LeftOut, Subscription
from fluxum.model.market import BookSnapshot, BookUpdate, Ticker, Trade
from fluxum.venues.conversation import UnreadableStream
from oddrows import OddRow, Received, odd_row
from unreadable import counted, harmed, kinds
from venues.coinbase.dialogue import NOW, frame, receive_all
from venues.coinbase.exchange_frames import (
    BOOK,
    ETH,
    TICKER,
    TRADES,
    acknowledged,
    heartbeat,
    match,
    snapshot,
    ticker,
    update,
)

ETH_BOOK = Subscription(Channel.BOOK, ETH)
ETH_TICKER = Subscription(Channel.TICKER, ETH)
ETH_TRADES = Subscription(Channel.TRADE, ETH)
EVERYTHING = (BOOK, ETH_BOOK, TICKER, ETH_TICKER, TRADES, ETH_TRADES)


@pytest.mark.parametrize(
    ("nonsense", "stream"),
    [
        (ticker("ETH-USD", volume_24h="x12"), ETH_TICKER),
        (ticker("ETH-USD", price=100), ETH_TICKER),
        (match(8, product="ETH-USD", side="left"), ETH_TRADES),
        (match(8, product="ETH-USD", trade_id=None), ETH_TRADES),
        (match(8, "last_match", product="ETH-USD", price="-1"), ETH_TRADES),
        (match(8, product="ETH-USD", time="yesterday"), ETH_TRADES),
        (update("ETH-USD", ["buy", "x", "1"]), ETH_BOOK),
        (update("ETH-USD", ["bid", "1", "1"]), ETH_BOOK),
        (frame(type="l2update", product_id="ETH-USD", changes="none"), ETH_BOOK),
        (frame(type="l2update", product_id="ETH-USD"), ETH_BOOK),
        (frame(type="snapshot", product_id="ETH-USD", bids=[]), ETH_BOOK),
        (frame(type="snapshot", product_id="ETH-USD", bids=[["x", "1"]], asks=[]), ETH_BOOK),
    ],
)
def test_a_frame_that_cannot_be_read_harms_the_stream_it_names_alone(
    nonsense: bytes, stream: Subscription
) -> None:
    protocol = acknowledged(*EVERYTHING)
    receive_all(protocol, snapshot(), snapshot("ETH-USD"))

    assert harmed(protocol, nonsense, NOW) == (stream,)

    assert kinds(receive_all(protocol, update(), ticker(), match(9))) == [BookUpdate, Ticker, Trade]


@pytest.mark.parametrize(
    ("kind", "streams"),
    [
        ("l2update", (BOOK, ETH_BOOK)),
        ("snapshot", (BOOK, ETH_BOOK)),
        ("ticker", (TICKER, ETH_TICKER)),
        ("match", (TRADES, ETH_TRADES)),
        ("last_match", (TRADES, ETH_TRADES)),
        ("heartbeat", ()),
        ("subscriptions", ()),
        ("error", ()),
    ],
)
@pytest.mark.parametrize("product", [None, 7, ["BTC-USD"]])
def test_a_frame_that_names_no_market_harms_its_channel_alone(
    kind: str, streams: tuple[Subscription, ...], product: object
) -> None:
    odd = frame(type=kind, product_id=product, message=7, channels=7)

    assert set(harmed(acknowledged(*EVERYTHING), odd, NOW)) == {*streams}


@pytest.mark.parametrize("nonsense", [b"{", b"[]", frame(type=7), b"invalid (un)subscribe msg"])
def test_a_frame_without_a_type_may_be_of_any_stream(nonsense: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        acknowledged(BOOK).receive(nonsense, NOW)

    assert not isinstance(raised.value, UnreadableStream)


def test_a_trade_that_cannot_be_read_is_missed_by_the_heartbeat_after_the_next() -> None:
    protocol = acknowledged(TRADES)
    receive_all(protocol, match(7, "last_match"), heartbeat(7))
    harmed(protocol, match(8, price="x"), NOW)

    assert kinds(receive_all(protocol, heartbeat(8), heartbeat(8))) == [Desync]


# Rows

# A level of a snapshot as it was captured, and its neighbours.
CAPTURED = frame(
    type="snapshot",
    product_id="BTC-USD",
    asks=[["101", "2"], ["0.-10000", "1"]],
    bids=[["100", "1"]],
)


def test_a_level_as_it_was_captured_is_left_out_of_its_book_first() -> None:
    protocol = acknowledged(BOOK)

    left_out, whole = receive_all(protocol, CAPTURED)

    assert left_out == LeftOut(
        venue="coinbase-exchange",
        subscription=BOOK,
        count=1,
        reason="a number from 0 to 1e30 was expected, was '0.-10000'",
        sample='["0.-10000", "1"]',
        received_ns=NOW,
    )
    assert isinstance(whole, BookSnapshot)
    assert [[one.price for one in side] for side in (whole.bids, whole.asks)] == [[100], [101]]
    assert kinds(receive_all(protocol, update())) == [BookUpdate]


def levels(events: list[Event]) -> dict[object, object]:
    return {
        (side, level.price): level.quantity
        for event in events
        if isinstance(event, BookSnapshot | BookUpdate)
        for side, levels in (("bid", event.bids), ("ask", event.asks))
        for level in levels
    }


@given(odd_row([["99", "1"], ["98", "2"], ["97.50", "0.25"]]))
def test_an_odd_level_of_a_snapshot_costs_itself_alone(odd: OddRow) -> None:
    def build(rows: Sequence[str]) -> bytes:
        text = ",".join(rows)
        return f'{{"type":"snapshot","product_id":"BTC-USD","bids":[{text}],"asks":[]}}'.encode()

    def receive(frame: bytes) -> Received:
        events = list(acknowledged(BOOK).receive(frame, NOW))
        return Received(levels(events), counted(events))

    odd.costs_itself_alone(build, receive)


@given(odd_row([["buy", "99", "1"], ["buy", "97.50", "0.25"], ["sell", "98", "0.0"]]))
def test_an_odd_change_costs_itself_alone(odd: OddRow) -> None:
    def build(rows: Sequence[str]) -> bytes:
        text = ",".join(rows)
        return f'{{"type":"l2update","product_id":"BTC-USD","changes":[{text}]}}'.encode()

    def receive(frame: bytes) -> Received:
        protocol = acknowledged(BOOK)
        receive_all(protocol, snapshot())
        events = list(protocol.receive(frame, NOW))
        return Received(levels(events), counted(events))

    odd.costs_itself_alone(build, receive)


# What no exchange can mean


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "", None])
def test_a_time_no_exchange_can_mean_is_none(time: str | None) -> None:
    protocol = acknowledged(BOOK, TICKER, TRADES)
    whole = json.loads(snapshot()) | {"time": time}

    published = receive_all(protocol, frame(**whole), ticker(time=time), match(7, time=time))

    assert kinds(published) == [BookSnapshot, Ticker, Trade]
    assert [getattr(event, "venue_ns", 0) for event in published] == [None, None, None]


@pytest.mark.parametrize("time", ["yesterday", 7, ["2021"]])
def test_a_book_does_not_depend_on_its_time(time: object) -> None:
    protocol = acknowledged(BOOK)
    whole, change = json.loads(snapshot()), json.loads(update())

    published = receive_all(
        protocol, frame(**(whole | {"time": time})), frame(**(change | {"time": time}))
    )

    assert kinds(published) == [BookSnapshot, BookUpdate]


def test_a_price_of_zero_is_none() -> None:
    zeros = {"price": "0", "last_size": "3", "best_bid": "0.00", "best_bid_size": "0"}

    (published,) = receive_all(
        acknowledged(TICKER), ticker(best_ask="101", open_24h="0", low_24h="0", **zeros)
    )

    assert isinstance(published, Ticker)
    assert (published.last, published.last_quantity, published.bid, published.bid_quantity) == (
        None,
        None,
        None,
        None,
    )
    assert (published.open, published.low, published.change) == (None, None, None)
    assert published.ask == Decimal(101)


def test_figures_that_are_not_there_are_none() -> None:
    (published,) = receive_all(
        acknowledged(TICKER), ticker(price=None, volume_24h=None, best_bid=None)
    )

    assert isinstance(published, Ticker)
    assert (published.last, published.volume, published.bid) == (None, None, None)
