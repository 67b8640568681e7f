"""The list of markets alone: two calls, one of them in two pages; rows are numbers as text."""

from collections import deque
from decimal import Decimal

import pytest
from msgspec import structs

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import (
    Channel,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.venues.conversation import Effect, Fetch
from fluxum.venues.instrument_list import InstrumentList, ListPage

ALL = Subscription(Channel.INSTRUMENT)
SPOT, FUTURES = Fetch("GET", "/spot", "spot"), Fetch("GET", "/futures", "futures")
SECOND = Fetch("GET", "/spot?page=2", "spot")


def page(fetch: Fetch, body: bytes) -> ListPage:
    if body == b"no":
        raise VenueRefused("closed for today")
    if body == b"?":
        raise RemoteProtocolError("no list")
    if body == b"later":
        raise RateLimited("too often")
    return ListPage(body.split(b","), SECOND if fetch is SPOT else None)


def market(row: object, received_ns: int) -> Instrument | None:
    if row == b"option":
        return None
    assert isinstance(row, bytes)
    base = Asset(row.decode())
    if not base.isalpha():
        raise RemoteProtocolError(f"a name was expected, was {base!r}")
    one = Decimal(1)
    return Instrument(
        venue="toy",
        symbol=Symbol(f"{base}/USD"),
        venue_symbol=base,
        base=base,
        quote=Asset("USD"),
        status=InstrumentStatus.ONLINE,
        tick=one,
        lot=one,
        price_precision=0,
        quantity_precision=0,
        quantity_min=one,
        received_ns=received_ns,
    )


def opened() -> tuple[InstrumentList, deque[Effect], list[str]]:
    outbox: deque[Effect] = deque()
    seen: list[str] = []
    markets = InstrumentList(
        "toy",
        outbox,
        [SPOT, FUTURES],
        page,
        market,
        lambda found: seen.extend(one.venue_symbol for one in found),
    )
    markets.open(ALL)
    return markets, outbox, seen


def named(call: Fetch) -> Fetch:
    """The call as it is made for the subscription."""
    return structs.replace(call, subscription=ALL)


def test_each_call_is_made_once_however_often_the_list_is_requested() -> None:
    markets, outbox, _ = opened()

    markets.request()
    markets.open(ALL)

    assert list(outbox) == [named(SPOT), named(FUTURES)]
    assert markets.unanswered == (ALL,)


def test_the_first_answer_acknowledges_and_the_next_page_is_fetched() -> None:
    markets, outbox, seen = opened()
    outbox.clear()

    acknowledged, *found = markets.answered(SPOT, b"BTC,option,ETH", 7)
    more = markets.answered(SECOND, b"SOL", 8)

    assert acknowledged == Subscribed(venue="toy", subscription=ALL, received_ns=7)
    assert [one.symbol for one in found if isinstance(one, Instrument)] == ["BTC/USD", "ETH/USD"]
    assert list(outbox) == [named(SECOND)]
    assert [type(one) for one in more] == [Instrument]
    assert seen == ["BTC", "ETH", "SOL"]
    assert not markets.unanswered


def test_a_row_that_cannot_be_read_costs_itself_alone_and_is_counted() -> None:
    markets, _, _ = opened()

    _, left_out, found = markets.answered(SPOT, b"B C,E H,SOL", 7)

    assert left_out == LeftOut(
        venue="toy",
        subscription=ALL,
        count=2,
        reason="a name was expected, was 'B C'",
        sample="B C",
        received_ns=7,
    )
    assert isinstance(found, Instrument)


def test_a_list_is_refused_when_no_call_of_it_is_answered() -> None:
    markets, _, _ = opened()

    (notice,) = markets.answered(SPOT, b"no", 7)
    (refused,) = markets.refused(FUTURES, "404", 8)

    assert isinstance(notice, VenueNotice)
    assert isinstance(refused, Refused)
    assert refused.subscription == ALL
    assert refused.message == "no list of markets (futures): 404"


def test_a_list_of_one_kind_is_a_list() -> None:
    markets, _, _ = opened()

    markets.answered(SPOT, b"BTC", 7)
    (notice,) = markets.refused(FUTURES, "404", 8)

    assert isinstance(notice, VenueNotice)


@pytest.mark.parametrize("body", [b"?", b"later"])
def test_an_answer_that_cannot_be_read_is_asked_for_again(body: bytes) -> None:
    markets, _, _ = opened()

    with pytest.raises(RemoteProtocolError):
        markets.answered(SPOT, body, 7)

    assert markets.owns(SPOT)


def test_an_answer_after_the_end_publishes_nothing_but_is_known() -> None:
    markets, _, seen = opened()

    assert markets.close() == ALL
    assert markets.answered(SPOT, b"BTC,B C", 7) == ()
    assert seen == ["BTC"]


def test_a_page_that_follows_itself_is_not_fetched_for_ever() -> None:
    markets, outbox, _ = opened()
    outbox.clear()
    markets.answered(SPOT, b"BTC", 7)

    markets.answered(SECOND, b"ETH", 8)

    assert list(outbox) == [named(SECOND)]


def test_rules_of_single_markets_are_fetched_one_after_the_other() -> None:
    outbox: deque[Effect] = deque()

    def page(fetch: Fetch, body: bytes) -> ListPage:
        if fetch.path != "/names":
            return ListPage([body])
        details = [Fetch("GET", f"/rules/{name}", f"rules of {name}") for name in body.decode()]
        return ListPage((), details=details)

    def called() -> list[Fetch]:
        calls = [one for one in outbox if isinstance(one, Fetch)]
        outbox.clear()
        return calls

    markets = InstrumentList(
        "venue", outbox, (Fetch("GET", "/names", "names"),), page, lambda _row, _ns: None
    )
    markets.open(ALL)
    (names,) = called()
    assert len(markets.answered(names, b"ABCD", 5)) == 1
    (first,) = called()
    assert first.path == "/rules/A"

    (left_out,) = markets.refused(first, "404", 5)

    assert isinstance(left_out, LeftOut)
    assert (left_out.reason, left_out.sample) == ("no rules of A: 404", "A")
    (second,) = called()
    assert second.path == "/rules/B"
    markets.request()
    markets.pinged()  # the call before was answered since the last ping
    assert not called()
    markets.pinged()
    assert [one.path for one in called()] == ["/rules/C"]
    markets.close()
    assert not markets.answered(second, b"", 5)
    assert not called()
