"""Two symbols whose data comes under one name: each has its own events, and its own end.

The venue answers for BTC-USDC under the name of BTC-USD; some products in USDC are their own.
"""

import json

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.venues.coinbase.advanced.protocol import AdvancedProtocol
from fluxum.venues.coinbase.exchange.protocol import ExchangeProtocol
from fluxum.venues.venue import Fetch
from venues.coinbase import advanced_frames as wire
from venues.coinbase import exchange_frames
from venues.coinbase.dialogue import NOW, frame, receive_all, sent

USD, USDC = Symbol("BTC/USD"), Symbol("BTC/USDC")
KINDS = (Channel.BOOK, Channel.TRADE, Channel.TICKER)
LIST = Fetch("GET", "/api/v3/brokerage/market/products", "products")
BEATS = {"heartbeats": ["heartbeats"]}


def stream(kind: Channel, symbol: Symbol) -> Subscription:
    return Subscription(kind, symbol, interval_s=300 if kind is Channel.CANDLE else None)


def symbols(events: list[Event], kind: type) -> list[str]:
    """Whose the events of a kind are."""
    found = [event for event in events if type(event) is kind]
    subjects = [getattr(one, "subscription", one) for one in found]
    return [str(getattr(one, "symbol", None)) for one in subjects]


def both(*kinds: Channel) -> AdvancedProtocol:
    """A protocol that requested both symbols, and whose heartbeats were accepted."""
    protocol = AdvancedProtocol()
    protocol.subscribe([stream(kind, one) for kind in kinds for one in (USD, USDC)])
    receive_all(protocol, wire.listing(0, **BEATS))
    return protocol


def products(*rows: dict[str, object]) -> bytes:
    return frame(products=list(rows))


def test_both_are_requested_by_their_names() -> None:
    protocol = AdvancedProtocol()
    protocol.subscribe([stream(Channel.BOOK, USD), stream(Channel.BOOK, USDC)])

    assert sent(protocol)[1:] == [
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD", "BTC-USDC"]},
    ]


def test_what_an_answer_leaves_open_is_looked_up() -> None:
    protocol = both(Channel.BOOK)
    sent(protocol)

    receive_all(
        protocol, wire.snapshot(1), wire.listing(2, level2=["BTC-USD", "BTC-USDC"], **BEATS)
    )

    assert sent(protocol) == [{"fetch": "/api/v3/brokerage/market/products"}]


def test_an_answer_that_names_one_for_both_serves_both() -> None:
    protocol = both(Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE)

    published = receive_all(
        protocol,
        wire.snapshot(1),
        wire.update(2),
        wire.listing(3, level2=["BTC-USD"], **BEATS),
        wire.trades(4, "snapshot", 5),
        wire.listing(5, level2=["BTC-USD"], market_trades=["BTC-USD"], **BEATS),
        wire.update(6),
        wire.trades(7, "update", 6),
        wire.tickers(8, "update"),
        wire.candles(9, "update", 300),
        wire.candles(10, "update", 600),
    )

    assert symbols(published, BookSnapshot) == ["BTC/USD", "BTC/USDC"]
    assert symbols(published, BookUpdate) == ["BTC/USD", "BTC/USDC", "BTC/USD", "BTC/USDC"]
    assert symbols(published, Trade) == ["BTC/USD", "BTC/USDC", "BTC/USD", "BTC/USDC"]
    assert symbols(published, Ticker) == ["BTC/USD", "BTC/USDC"]
    closed = [event for event in published if isinstance(event, Candle) and event.closed]
    assert symbols([*closed], Candle) == ["BTC/USD", "BTC/USDC"]
    assert symbols(published, Subscribed)[:2] == ["BTC/USD", "BTC/USDC"]
    assert not symbols(published, LeftOut)


def test_the_list_of_products_says_what_a_product_stands_for() -> None:
    protocol = both(Channel.BOOK, Channel.TRADE)
    receive_all(protocol, wire.snapshot(1), wire.trades(2, "snapshot", 5))

    published = list(
        protocol.receive_response(
            LIST, products({"product_id": "BTC-USD", "alias_to": ["BTC-USDC"]}), NOW
        )
    )

    assert symbols(published, BookSnapshot) == symbols(published, Trade) == ["BTC/USDC"]
    assert symbols(receive_all(protocol, wire.update(3)), BookUpdate) == ["BTC/USD", "BTC/USDC"]


@pytest.mark.parametrize("row", [{"alias": ""}, {"alias": None, "alias_to": None}, {"odd": 1}])
def test_a_product_that_stands_for_itself_gets_no_data_of_another(row: dict[str, object]) -> None:
    protocol = both(Channel.BOOK, Channel.TRADE)
    receive_all(protocol, wire.snapshot(1), wire.trades(2, "snapshot", 5))

    published = list(
        protocol.receive_response(LIST, products({"product_id": "BTC-USDC", **row}), NOW)
    )
    published += receive_all(protocol, wire.update(3), wire.trades(4, "update", 6))
    assert symbols(published, BookSnapshot) == []
    assert symbols(published, BookUpdate) == symbols(published, Trade) == ["BTC/USD"]

    published = receive_all(
        protocol,
        wire.snapshot(5, "BTC-USDC"),
        wire.update(6, "BTC-USDC"),
        wire.trades(7, "update", 1, product="BTC-USDC"),
    )
    assert symbols(published, BookSnapshot) == symbols(published, BookUpdate) == ["BTC/USDC"]
    assert symbols(published, Trade) == ["BTC/USDC"]


def test_data_under_its_own_name_shows_that_a_product_is_its_own() -> None:
    protocol = both(Channel.BOOK)

    published = receive_all(
        protocol,
        wire.snapshot(1),
        wire.snapshot(2, "BTC-USDC"),
        wire.listing(3, level2=["BTC-USD", "BTC-USDC"], **BEATS),
        wire.update(4),
        wire.update(5, "BTC-USDC"),
    )

    assert symbols(published, BookSnapshot) == ["BTC/USD", "BTC/USDC"]
    assert symbols(published, BookUpdate) == ["BTC/USD", "BTC/USDC"]


def test_where_nothing_tells_the_documents_do_after_a_while() -> None:
    protocol = both(Channel.BOOK)
    named = {"level2": ["BTC-USD", "BTC-USDC"], **BEATS}
    published = receive_all(protocol, wire.snapshot(1), wire.listing(2, **named), wire.heartbeat(3))
    assert symbols(published, BookSnapshot) == ["BTC/USD"]

    protocol.ping()
    assert receive_all(protocol, wire.heartbeat(4)) == []
    protocol.ping()
    published = receive_all(protocol, wire.heartbeat(5), wire.update(6))

    assert symbols(published, BookSnapshot) == ["BTC/USDC"]
    assert symbols(published, BookUpdate) == ["BTC/USD", "BTC/USDC"]


def test_a_symbol_that_joins_running_data_makes_it_begin_anew() -> None:
    protocol = wire.acknowledged(stream(Channel.BOOK, USD))
    receive_all(protocol, wire.snapshot(2))
    protocol.subscribe([stream(Channel.BOOK, USDC)])
    sent(protocol)

    published = receive_all(protocol, wire.listing(3, level2=["BTC-USD"], **BEATS))

    assert symbols(published, Subscribed) == ["BTC/USDC"]
    assert sent(protocol) == [
        {"type": kind, "channel": "level2", "product_ids": ["BTC-USD", "BTC-USDC"]}
        for kind in ("unsubscribe", "subscribe")
    ]
    published = receive_all(protocol, wire.listing(4, **BEATS), wire.snapshot(5), wire.update(6))
    assert (
        symbols(published, BookSnapshot)
        == symbols(published, BookUpdate)
        == ["BTC/USD", "BTC/USDC"]
    )


@pytest.mark.parametrize(("gone", "left"), [(USD, USDC), (USDC, USD)])
def test_the_end_of_one_leaves_the_other(gone: Symbol, left: Symbol) -> None:
    protocol = both(*KINDS)
    receive_all(protocol, wire.snapshot(1), wire.listing(2, level2=["BTC-USD"], **BEATS))
    sent(protocol)

    protocol.unsubscribe([stream(kind, gone) for kind in KINDS])

    assert sent(protocol) == []
    published = receive_all(
        protocol, wire.heartbeat(3), wire.update(4), wire.trades(5, "update", 6)
    )
    assert symbols(published, Unsubscribed) == [str(gone)] * 3
    assert symbols(published, BookUpdate) == symbols(published, Trade) == [str(left)]

    protocol.unsubscribe([stream(Channel.BOOK, left)])
    (request,) = sent(protocol)
    assert request["type"] == "unsubscribe"
    assert set(request["product_ids"]) == {"BTC-USD", "BTC-USDC"}
    published = receive_all(protocol, wire.update(6), wire.listing(7, **BEATS))
    assert symbols(published, BookUpdate) == []
    assert symbols(published, Unsubscribed) == [str(left)]


def test_a_product_taken_for_another_that_is_its_own_begins_anew() -> None:
    protocol = both(Channel.BOOK)
    receive_all(protocol, wire.snapshot(1), wire.listing(2, level2=["BTC-USD"], **BEATS))
    sent(protocol)

    published = list(protocol.receive_response(LIST, products({"product_id": "BTC-USDC"}), NOW))

    assert symbols(published, Desync) == ["BTC/USDC"]
    assert sent(protocol) == [
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USDC"]}
    ]
    published = receive_all(protocol, wire.update(3))
    assert symbols(published, BookUpdate) == ["BTC/USD"]
    reason = "BTC-USDC is not a valid product"
    published = receive_all(
        protocol, frame(type="error", message="Failed to subscribe", reason=reason)
    )
    assert symbols(published, Refused) == ["BTC/USDC"]


def test_a_break_withdraws_the_books_of_both() -> None:
    protocol = both(Channel.BOOK)
    receive_all(protocol, wire.snapshot(1), wire.listing(2, level2=["BTC-USD"], **BEATS))

    published = receive_all(protocol, wire.update(4), wire.update(5))

    assert symbols(published, Desync) == ["BTC/USD", "BTC/USDC"]
    assert symbols(published, BookUpdate) == []
    protocol.resync(stream(Channel.BOOK, USDC))
    published = receive_all(protocol, wire.snapshot(6), wire.update(7))
    assert (
        symbols(published, BookSnapshot)
        == symbols(published, BookUpdate)
        == ["BTC/USD", "BTC/USDC"]
    )


def test_what_cannot_be_read_of_shared_data_harms_both() -> None:
    protocol = both(Channel.BOOK)
    receive_all(protocol, wire.snapshot(1), wire.listing(2, level2=["BTC-USD"], **BEATS))

    published = receive_all(
        protocol, wire.book(3, "update", ("bid", "x", "1"), ("bid", "100", "2"))
    )

    assert symbols(published, LeftOut) == symbols(published, BookUpdate) == ["BTC/USD", "BTC/USDC"]


def test_a_list_that_fails_holds_nothing_up_but_what_is_unsure() -> None:
    protocol = both(Channel.BOOK)
    with pytest.raises(RemoteProtocolError):
        protocol.receive_response(LIST, b"{", NOW)
    published = list(protocol.receive_refusal(LIST, "HTTP 403", NOW))

    published += receive_all(protocol, wire.snapshot(1), wire.update(2))

    assert symbols(published, BookSnapshot) == symbols(published, BookUpdate) == ["BTC/USD"]
    published = receive_all(protocol, wire.listing(3, level2=["BTC-USD"], **BEATS))
    assert symbols(published, BookSnapshot) == symbols(published, BookUpdate) == ["BTC/USDC"]


def test_what_is_requested_alone_is_served_at_once() -> None:
    protocol = AdvancedProtocol()
    protocol.subscribe([stream(Channel.BOOK, USDC)])

    published = receive_all(protocol, wire.listing(0, **BEATS), wire.snapshot(1), wire.update(2))

    assert symbols(published, BookSnapshot) == symbols(published, BookUpdate) == ["BTC/USDC"]


def test_the_exchange_feed_serves_both_as_well() -> None:
    protocol = ExchangeProtocol()
    protocol.subscribe([stream(kind, one) for kind in KINDS for one in (USD, USDC)])
    fetched = [one for one in sent(protocol) if "fetch" in one]
    assert fetched == []  # its list says nothing of names

    published = receive_all(
        protocol,
        exchange_frames.snapshot(),
        exchange_frames.listing(level2_50=["BTC-USD"], heartbeat=["BTC-USD"]),
        exchange_frames.update(),
        exchange_frames.match(5),
        exchange_frames.ticker(),
    )

    for kind in (BookSnapshot, BookUpdate, Trade, Ticker):
        assert symbols(published, kind) == ["BTC/USD", "BTC/USDC"]
    protocol.unsubscribe([stream(Channel.TRADE, USD)])
    assert sent(protocol) == []
    published = receive_all(protocol, exchange_frames.heartbeat(5), exchange_frames.match(6))
    assert symbols(published, Unsubscribed) == ["BTC/USD"]
    assert symbols(published, Trade) == ["BTC/USDC"]
    assert json.loads(exchange_frames.match(6))["product_id"] == "BTC-USD"
