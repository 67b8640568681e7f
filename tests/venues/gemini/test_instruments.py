"""The list of markets, call by call."""

import json
from collections import deque
from decimal import Decimal

import pytest
from hypothesis import given

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, LeftOut, Refused, Subscribed, Subscription
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.venues.gemini.instruments import instrument_list, names
from fluxum.venues.gemini.symbols import lower
from fluxum.venues.instrument_list import InstrumentList
from fluxum.venues.venue import Effect, Fetch
from oddrows import OddRow, Received, odd_row

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
    markets = instrument_list("gemini", lower, outbox)
    markets.open(LIST)
    return markets, outbox


def only(outbox: deque[Effect]) -> Fetch:
    (effect,) = outbox
    outbox.clear()
    assert isinstance(effect, Fetch)
    return effect


def test_the_names_are_requested_and_then_one_market_after_the_other() -> None:
    markets, outbox = started()
    names = only(outbox)
    assert (names.method, names.path) == ("GET", "/v1/symbols")

    events = markets.answered(names, b'["btcusd","ethusd","GEMI-X"]', NOW)

    assert events == [Subscribed(venue="gemini", subscription=LIST, received_ns=NOW)]
    first = only(outbox)
    assert first.path == "/v1/symbols/details/btcusd"
    (published,) = markets.answered(first, body(), NOW)
    second = only(outbox)
    assert second.path == "/v1/symbols/details/ethusd"
    assert isinstance(published, Instrument)
    assert published.symbol == Symbol("BTC/USD")
    assert published.venue_symbol == "btcusd"
    assert published.status is InstrumentStatus.LIMIT_ONLY
    assert (published.tick, published.lot) == (Decimal("0.01"), Decimal("0.00000001"))
    assert (published.price_precision, published.quantity_precision) == (2, 8)
    markets.answered(second, body(symbol="ETHUSD", base_currency="ETH"), NOW)
    assert not outbox  # prediction markets are another product


def test_markets_that_are_followed_come_first() -> None:
    outbox: deque[Effect] = deque()
    markets = instrument_list("gemini", lower, outbox, lambda: {"solusd"})
    markets.open(LIST)
    only(outbox)

    markets.answered(Fetch("GET", "/v1/symbols", "symbols"), b'["btcusd","solusd","ethusd"]', NOW)

    assert only(outbox).path == "/v1/symbols/details/solusd"


def test_a_market_without_rules_is_left_out_and_counted() -> None:
    markets, outbox = started()
    markets.answered(only(outbox), b'["gone","btcusd"]', NOW)

    (left_out,) = markets.refused(only(outbox), "404 InvalidSymbol", NOW)

    assert left_out == LeftOut(
        venue="gemini",
        subscription=LIST,
        count=1,
        reason="no rules of gone: 404 InvalidSymbol",
        sample="gone",
        received_ns=NOW,
    )
    assert only(outbox).path == "/v1/symbols/details/btcusd"


def test_a_refused_list_refuses_the_subscription_and_it_may_be_requested_again() -> None:
    markets, outbox = started()

    (refused,) = markets.refused(only(outbox), "403", NOW)

    assert isinstance(refused, Refused)
    assert refused.subscription == LIST
    markets.open(LIST)
    assert only(outbox).path == "/v1/symbols"


def test_nothing_is_requested_twice_at_a_time() -> None:
    markets, outbox = started()
    names = only(outbox)
    markets.open(LIST)
    markets.request()
    assert not outbox

    markets.answered(names, b'["btcusd","ethusd"]', NOW)
    details = only(outbox)
    markets.request()
    assert not outbox

    markets.answered(details, body(), NOW)
    markets.answered(only(outbox), body(), NOW)
    markets.request()
    again = only(outbox)
    assert again.path == "/v1/symbols"
    assert not markets.answered(again, b"[]", NOW)  # accepted once is accepted


def test_answers_after_the_end_are_late() -> None:
    markets, outbox = started()
    names = only(outbox)
    assert markets.close()
    assert not markets.close()

    assert not markets.answered(names, b'["btcusd"]', NOW)
    assert not outbox
    markets.open(LIST)
    assert len(markets.answered(only(outbox), b"[]", NOW)) == 1


def test_rules_that_come_late_publish_nothing_and_lead_to_no_more_calls() -> None:
    markets, outbox = started()
    markets.answered(only(outbox), b'["btcusd","ethusd"]', NOW)
    details = only(outbox)
    markets.close()

    assert not markets.answered(details, body(), NOW)
    assert not outbox
    assert not markets.refused(details, "404", NOW)


@pytest.mark.parametrize("answer", [b"", b"\xff", b"{}", b"7", b'"btcusd"', b"[" * 5000])
def test_a_list_of_names_that_is_none_is_requested_again(answer: bytes) -> None:
    markets, outbox = started()

    with pytest.raises(RemoteProtocolError):
        markets.answered(only(outbox), answer, NOW)

    assert not outbox


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff",
        b"[1]",
        b"{}",
        b"[" * 5000,
        body(tick="0"),
        body(tick="-1"),
        body(tick="1e400"),
        body(tick="1e-400"),
        body(increment="null"),
        body(min_order_size="NaN"),
        body(base_currency="B/C"),
        body(base_currency=""),
        body(quote_currency="USD:PERP"),
        body(symbol="ETHUSD"),
        body(product_type="swap", contract_type="inverse"),
        body(product_type="swap"),
    ],
)
def test_a_market_that_cannot_be_read_costs_itself_alone(answer: bytes) -> None:
    markets, outbox = started()
    markets.answered(only(outbox), b'["btcusd","ethusd"]', NOW)

    (left_out,) = markets.answered(only(outbox), answer, NOW)

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (LIST, 1)
    following = only(outbox)
    assert following.path == "/v1/symbols/details/ethusd"
    good = body(symbol="ETHUSD", base_currency="ETH")
    assert isinstance(markets.answered(following, good, NOW)[0], Instrument)


def test_a_market_of_another_kind_is_passed_over() -> None:
    markets, outbox = started()
    markets.answered(only(outbox), b'["btcusd"]', NOW)

    assert markets.answered(only(outbox), body(product_type="option"), NOW) == []


def test_a_linear_contract_counts_in_the_base_currency() -> None:
    markets, outbox = started()
    markets.answered(only(outbox), b'["btcgusdperp"]', NOW)
    rules = body(
        symbol="BTCGUSDPERP", quote_currency="GUSD", product_type="swap", contract_type="linear"
    )

    (published,) = markets.answered(only(outbox), rules, NOW)

    assert isinstance(published, Instrument)
    assert published.symbol == Symbol("BTC/GUSD:PERP")
    assert (published.contract_size, published.contract_asset, published.is_inverse) == (
        Decimal(1),
        None,
        False,
    )


@given(odd_row(["btcusd", "ethusd", "btcgusdperp"]))
def test_an_odd_name_costs_itself_alone(odd: OddRow) -> None:
    def receive(answer: bytes) -> Received:
        read = names(answer)
        facts: dict[object, object] = {name: name for name in read.items}
        passed_over = not facts.keys() >= {odd.odd} if isinstance(odd.odd, str) else False
        left_out = 0 if read.left_out is None else read.left_out.count
        return Received(facts, left_out + (passed_over and len(facts) < len(odd.good)))

    odd.costs_itself_alone(lambda rows: f"[{','.join(rows)}]".encode(), receive)


def test_a_call_that_is_not_answered_is_waited_for_beside_the_others() -> None:
    markets, outbox = started()
    markets.answered(only(outbox), b'["stuck","btcusd","ethusd"]', NOW)
    stuck = only(outbox)

    markets.pinged()  # it was asked for only now
    assert not outbox
    markets.pinged()
    assert only(outbox).path == "/v1/symbols/details/btcusd"
    for _ in range(3):
        markets.pinged()
    assert [one.path for one in outbox if isinstance(one, Fetch)] == ["/v1/symbols/details/ethusd"]
    (left_out,) = markets.refused(stuck, "503", NOW)
    assert isinstance(left_out, LeftOut)


def test_calls_name_the_list_that_waits_for_them() -> None:
    markets, outbox = started()
    names_call = only(outbox)
    markets.answered(names_call, b'["btcusd"]', NOW)

    assert names_call.subscription == only(outbox).subscription == LIST
