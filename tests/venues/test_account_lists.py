"""Lists of an account in pages and in spans of time, newest first."""

import json
from decimal import Decimal

import pytest
from msgspec import Raw, structs

from fluxum.errors import RemoteProtocolError, VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate
from fluxum.venues.account_lists import (
    AccountList,
    ListRows,
    Span,
    listed,
    listed_between,
    of_ended,
    one_page,
    span_of,
)
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import FillQuery
from fluxum.venues.queries import Page, RestQuery, rest_query

MS = 1_000_000
CLOCK = rest_query(Fetch("GET", "/time", ""), json.loads, lambda ms, _received_ns: int(ms) * MS)


def fetch(span: Span, cursor: str) -> Fetch:
    return Fetch("GET", f"{span.since_ms}-{span.until_ms} {cursor}".strip(), "")


def decode(body: bytes) -> ListRows:
    *rows, cursor = body.decode().split(",")
    return ListRows([Raw(row.encode()) for row in rows], cursor)


def one(span_ms: int | None = None, memory_ms: int | None = None) -> AccountList[int]:
    return AccountList(
        fetch=fetch,
        decode=decode,
        read=lambda row, _received_ns: int(bytes(row)),
        span_ms=span_ms,
        memory_ms=memory_ms,
    )


def walk(query: RestQuery[Page[int]] | None, *bodies: bytes) -> tuple[list[str], list[int]]:
    """The calls and the items of a list, with these answers; the last one is repeated."""
    calls: list[str] = []
    items: list[int] = []
    answers = iter(bodies)
    while query is not None and len(calls) < 20:
        calls.append(query.fetch.path)
        body = next(answers, b"")
        if query.first is not None:
            query = query.first.read(body, 0)
        else:
            page = query.read(body, 0)
            items += page.items
            query = page.next
    return calls, items


def test_pages_follow_until_there_is_no_cursor() -> None:
    assert walk(listed(one()), b"1,2,a", b"3,b", b"4,") == (
        ["None-None", "None-None a", "None-None b"],
        [1, 2, 3, 4],
    )


def test_a_cursor_that_repeats_itself_ends_the_list() -> None:
    assert walk(listed(one()), b"1,a", b"2,a") == (["None-None", "None-None a"], [1, 2])


def test_a_list_up_to_now_is_asked_without_an_end_and_in_spans() -> None:
    query = listed_between(one(100, 250), None, None, CLOCK)

    assert walk(query, b"1000", b"1,a", b"2,") == (
        ["/time", "900-None", "900-None a", "799-899", "750-798"],
        [1, 2],
    )


def test_a_list_between_two_instants_needs_no_clock() -> None:
    query = listed_between(one(100, 10_000), 850 * MS, 1000 * MS, CLOCK)

    assert walk(query) == (["900-1000", "850-899"], [])


def test_a_list_without_spans_is_one_span() -> None:
    assert walk(listed_between(one(), None, 1000 * MS, CLOCK)) == (["None-1000"], [])
    assert walk(listed_between(one(), 5 * MS, 1000 * MS, CLOCK)) == (["5-1000"], [])


def test_a_row_that_cannot_be_read_is_counted() -> None:
    page = listed(one()).read(b"1,x,", 0)

    assert page.items == (1,)
    assert page.left_out is not None
    assert page.left_out.count == 1


def test_an_answer_of_another_form_is_refused() -> None:
    query = listed(
        AccountList(fetch=fetch, decode=lambda body: ListRows(json.loads(body)), read=min)
    )

    with pytest.raises(RemoteProtocolError):
        query.read(b"\xff", 0)


def test_the_milliseconds_of_a_query_hold_all_of_its_time() -> None:
    assert span_of(FillQuery(since_ns=5 * MS + 1, until_ns=7 * MS - 1)) == Span(5, 6)
    assert span_of(FillQuery()) == Span(None, None)


def test_a_list_of_one_page_ends_with_it_and_may_be_refused() -> None:
    def no_order(refused: VenueRefused) -> Page[int]:
        assert str(refused) == "no such order"
        return Page(())

    fetch_all = Fetch("GET", "/all", "all")
    query = one_page(fetch_all, lambda body: [Raw(body)], lambda row, ns: len(row) + ns, no_order)

    assert query.fetch == fetch_all
    assert query.read(b"12345", 100) == Page((105,))
    assert query.refused is not None
    assert query.refused(VenueRefused("no such order")) == Page(())


@pytest.mark.parametrize(
    ("status", "wanted"),
    [("other", OrderStatus.CANCELED), ("filled", OrderStatus.FILLED)],
)
def test_an_unknown_status_in_a_list_of_ended_orders_is_an_end(
    status: str, wanted: OrderStatus
) -> None:
    def read(row: Raw, received_ns: int) -> OrderUpdate | None:
        if row == Raw(b""):
            return None
        return OrderUpdate(
            venue="toy",
            order_id="1",
            symbol=Symbol("BTC/USD"),
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            status=OrderStatus(status),
            quantity=Decimal(1),
            filled=Decimal(0),
            venue_ns=received_ns,
            received_ns=received_ns,
        )

    found = of_ended(read)(Raw(b"1"), 5)

    assert found is not None
    assert (found.status, found.venue_ns) == (wanted, 5)
    assert of_ended(read)(Raw(b""), 5) is None


def test_a_span_with_more_rows_than_an_answer_is_asked_by_halves_and_then_what_is_behind() -> None:
    """Nine rows in eight milliseconds; an answer has three at most, and cannot be continued."""
    times = (1, 2, 2, 3, 5, 6, 7, 8, 8)

    def answer(span: Span) -> list[int]:
        assert span.since_ms is not None
        assert span.until_ms is not None
        return [at for at in times if span.since_ms <= at <= span.until_ms][:3]

    def rows(body: bytes) -> ListRows:
        found = [row for row in body.decode().split(",") if row]
        return ListRows([Raw(row.encode()) for row in found[::-1]], is_cut=len(found) >= 3)

    cut = structs.replace(one(), decode=rows)
    query: RestQuery[Page[int]] | None = listed_between(
        cut, 1 * MS, 8 * MS, behind=lambda: listed(one())
    )
    items: list[int] = []
    calls: list[str] = []
    while query is not None:
        calls.append(query.fetch.path)
        if query.fetch.path == "None-None":  # what is behind
            break
        since, until = map(int, query.fetch.path.split("-"))
        page = query.read(",".join(map(str, answer(Span(since, until)))).encode(), 0)
        items += page.items
        query = page.next

    assert items == [8, 8, 7, 6, 5, 3, 2, 2, 1]
    halves = ["1-8", "5-8", "7-8", "8-8", "7-7", "5-6", "1-4", "3-4", "1-2", "2-2", "1-1"]
    assert calls == [*halves, "None-None"]
