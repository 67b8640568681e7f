"""The list of markets, call by call."""

import json
from collections import deque
from decimal import Decimal

import pytest

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import Channel, Refused, Subscribed, Subscription, VenueNotice
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.venues.gemini.instruments import InstrumentList
from fluxum.venues.gemini.symbols import lower
from fluxum.venues.venue import Effect, Fetch

LIST = Subscription(Channel.INSTRUMENT)
NOW = 1_790_000_000_000_000_000
BTC = {
    "symbol": "BTCUSD",
    "base_currency": "BTC",
    "quote_currency": "USD",
    "tick_size": 1,
    "quote_increment": 2,
    "min_order_size": "0.00001",
    "status": "limit_only",
}


def body(tick: str = "1e-8", increment: str = "0.01", **changes: str) -> bytes:
    text = json.dumps(BTC | changes)
    return text.replace(": 1,", f": {tick},").replace(": 2,", f": {increment},").encode()


def started() -> tuple[InstrumentList, deque[Effect]]:
    outbox: deque[Effect] = deque()
    markets = InstrumentList("gemini", lower, outbox)
    markets.begin(LIST)
    return markets, outbox


def only(outbox: deque[Effect]) -> Fetch:
    (effect,) = outbox
    outbox.clear()
    assert isinstance(effect, Fetch)
    return effect


def test_the_names_are_asked_for_and_then_one_market_after_the_other() -> None:
    markets, outbox = started()
    names = only(outbox)
    assert (names.method, names.path) == ("GET", "/v1/symbols")

    events = markets.receive(names, b'["btcusd","ethusd","GEMI-X"]', NOW)

    assert events == (Subscribed(venue="gemini", subscription=LIST, received_ns=NOW),)
    first = only(outbox)
    assert first.path == "/v1/symbols/details/btcusd"
    (told,) = markets.receive(first, body(), NOW)
    second = only(outbox)
    assert second.path == "/v1/symbols/details/ethusd"
    assert isinstance(told, Instrument)
    assert told.symbol == Symbol("BTC/USD")
    assert told.venue_symbol == "btcusd"
    assert told.status is InstrumentStatus.LIMIT_ONLY
    assert (told.tick, told.lot) == (Decimal("0.01"), Decimal("0.00000001"))
    assert (told.price_precision, told.quantity_precision) == (2, 8)
    markets.receive(second, body(), NOW)
    assert not outbox  # prediction markets are another product


def test_a_market_without_rules_is_told_and_passed_over() -> None:
    markets, outbox = started()
    markets.receive(only(outbox), b'["gone","btcusd"]', NOW)

    (notice,) = markets.refuse(only(outbox), "404 InvalidSymbol", NOW)

    assert isinstance(notice, VenueNotice)
    assert notice.message == "no rules of gone: 404 InvalidSymbol"
    assert only(outbox).path == "/v1/symbols/details/btcusd"


def test_a_refused_list_refuses_the_subscription_and_it_may_be_asked_for_again() -> None:
    markets, outbox = started()

    (refused,) = markets.refuse(only(outbox), "403", NOW)

    assert isinstance(refused, Refused)
    assert refused.subscription == LIST
    markets.begin(LIST)
    assert only(outbox).path == "/v1/symbols"


def test_nothing_is_asked_for_twice_at_a_time() -> None:
    markets, outbox = started()
    names = only(outbox)
    markets.begin(LIST)
    markets.again()
    assert not outbox

    markets.receive(names, b'["btcusd","ethusd"]', NOW)
    details = only(outbox)
    markets.again()
    assert not outbox

    markets.receive(details, body(), NOW)
    markets.receive(only(outbox), body(), NOW)
    markets.again()
    again = only(outbox)
    assert again.path == "/v1/symbols"
    assert markets.receive(again, b"[]", NOW) == ()  # accepted once is accepted


def test_answers_after_the_end_are_late() -> None:
    markets, outbox = started()
    names = only(outbox)
    assert markets.end()
    assert not markets.end()

    assert markets.receive(names, b'["btcusd"]', NOW) == ()
    markets.begin(LIST)
    fresh = only(outbox)
    assert markets.refuse(names, "late", NOW) == ()
    assert markets.receive(names, b"nonsense", NOW) == ()
    assert len(markets.receive(fresh, b"[]", NOW)) == 1


def test_rules_that_come_late_are_told_but_lead_to_no_more_calls() -> None:
    markets, outbox = started()
    markets.receive(only(outbox), b'["btcusd","ethusd"]', NOW)
    details = only(outbox)
    markets.end()

    (told,) = markets.receive(details, body(), NOW)

    assert isinstance(told, Instrument)
    assert not outbox
    assert markets.refuse(details, "404", NOW) == ()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff",
        b"[1]",
        b"{}",
        body(tick="0"),
        body(tick="-1"),
        body(tick="1e400"),
        body(tick="1e-400"),
        body(increment="null"),
        body(min_order_size="NaN"),
        body(base_currency="B/C"),
    ],
)
def test_nonsense_is_the_venues_fault(answer: bytes) -> None:
    markets, outbox = started()
    markets.receive(only(outbox), b'["btcusd"]', NOW)

    with pytest.raises(RemoteProtocolError):
        markets.receive(only(outbox), answer, NOW)


def test_a_call_nobody_makes_is_our_fault() -> None:
    markets, _ = started()

    with pytest.raises(LocalProtocolError):
        markets.receive(Fetch("GET", "/v1/book/btcusd", ""), b"", NOW)
