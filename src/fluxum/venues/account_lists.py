"""Lists about an account that a venue serves newest first: page by page, or span by span of time.

Many venues limit how long a time one list may be about, such as a week. Then the last span before
an instant comes first, its pages one behind the other, and older spans follow as far back as the
venue remembers. Nothing is asked before it is wanted: what follows is `Page.next`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from msgspec import Raw, Struct

from fluxum.errors import VenueRefused
from fluxum.model.order import OrderUpdate, ended
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import EntryQuery, FillQuery
from fluxum.venues.queries import Page, RestQuery, after, page_of, rest_query
from fluxum.venues.rows import read_rows

__all__ = [
    "AccountList",
    "ListRows",
    "Span",
    "listed",
    "listed_between",
    "of_ended",
    "one_page",
    "span_of",
]

Item = TypeVar("Item")
First = TypeVar("First")

_MILLISECOND = 1_000_000


class Span(Struct, frozen=True):
    """A time that a list is about, in milliseconds; both are included, None is no bound."""

    since_ms: int | None = None
    until_ms: int | None = None


class ListRows(Struct, frozen=True):
    """The rows of one answer, and what its next page is asked with; empty text on the last one.

    If it `is_cut`, the span has more rows than one answer, and nothing continues it: each half of
    the span is asked instead.
    """

    rows: Sequence[Raw]
    cursor: str = ""
    is_cut: bool = False


class AccountList(Struct, Generic[Item], frozen=True, kw_only=True):
    """One list as a venue serves it.

    `fetch` is the call for one page of a span behind a cursor, `decode` its answer; it raises
    VenueRefused for one that is a refusal. `read` reads a row; None is one that is no item.
    `refused` reads a refusal by HTTP status, see RestQuery: it raises what that means.
    A span is at most `span_ms` long, None is no limit; then `memory_ms` is how far back the venue
    remembers, which ends a walk without a beginning.
    """

    fetch: Callable[[Span, str], Fetch]
    decode: Callable[[bytes], ListRows]
    read: Callable[[Raw, int], Item | None]
    refused: Callable[[VenueRefused], Page[Item]] | None = None
    span_ms: int | None = None
    memory_ms: int | None = None


def _nothing() -> None:
    return None


def listed(
    one: AccountList[Item],
    span: Span = Span(),  # noqa: B008 - frozen
    behind: Callable[[], RestQuery[Page[Item]] | None] = _nothing,
    cursor: str = "",
) -> RestQuery[Page[Item]]:
    """A page of a list, then its next one, then what is behind it."""

    def read(answer: ListRows, received_ns: int) -> Page[Item]:
        since_ms, until_ms = span.since_ms, span.until_ms
        if answer.is_cut and since_ms is not None and until_ms is not None and since_ms < until_ms:
            middle_ms = (since_ms + until_ms) // 2
            older = partial(listed, one, Span(since_ms, middle_ms), behind)
            return Page((), next=listed(one, Span(middle_ms + 1, until_ms), older))
        rows = read_rows(answer.rows, lambda row: one.read(row, received_ns))
        if answer.cursor in {"", cursor}:
            return page_of(rows, behind())
        return page_of(rows, listed(one, span, behind, answer.cursor))

    return rest_query(one.fetch(span, cursor), one.decode, read, one.refused)


def one_page(
    fetch: Fetch,
    rows: Callable[[bytes], Sequence[Raw]],
    read: Callable[[Raw, int], Item | None],
    refused: Callable[[VenueRefused], Page[Item]] | None = None,
) -> RestQuery[Page[Item]]:
    """A list of one page: its call, the rows of its answer, and how each is read."""
    return listed(
        AccountList(
            fetch=lambda _span, _cursor: fetch,
            decode=lambda body: ListRows(rows(body)),
            read=read,
            refused=refused,
        )
    )


def of_ended(
    read: Callable[[Raw, int], OrderUpdate | None],
) -> Callable[[Raw, int], OrderUpdate | None]:
    """How a row is read of a list that has ended orders alone."""

    def read_ended(row: Raw, received_ns: int) -> OrderUpdate | None:
        order = read(row, received_ns)
        return None if order is None else ended(order)

    return read_ended


def listed_between(
    one: AccountList[Item],
    since_ns: int | None,
    until_ns: int | None,
    clock: RestQuery[int] | None = None,
    behind: Callable[[], RestQuery[Page[Item]] | None] = _nothing,
) -> RestQuery[Page[Item]]:
    """A list after one instant and up to another, or to now, which `clock` reads at the venue.

    What is `behind` it follows.
    """
    assert one.span_ms is None or one.memory_ms is not None, "a walk in spans has an end"
    since_ms = None if since_ns is None else since_ns // _MILLISECOND
    if until_ns is not None:
        return _span(one, since_ms, until_ns // _MILLISECOND, behind, is_now=False)
    assert clock is not None, "a list without an end needs the venue's clock"

    return after(
        clock, lambda now_ns: _span(one, since_ms, now_ns // _MILLISECOND, behind, is_now=True)
    )


def span_of(query: FillQuery | EntryQuery) -> Span:
    """The milliseconds that a query is about; the first one has an instant before it, too."""
    since_ns, until_ns = query.since_ns, query.until_ns
    return Span(*(None if at is None else at // _MILLISECOND for at in (since_ns, until_ns)))


def _span(
    one: AccountList[Item],
    since_ms: int | None,
    until_ms: int,
    behind: Callable[[], RestQuery[Page[Item]] | None],
    *,
    is_now: bool,
) -> RestQuery[Page[Item]]:
    """The last span before an instant; what is older follows. Now needs no end."""
    if one.memory_ms is not None:
        oldest_ms = until_ms - one.memory_ms
        since_ms = oldest_ms if since_ms is None else max(since_ms, oldest_ms)
    start_ms = since_ms
    if one.span_ms is not None and (since_ms is None or since_ms < until_ms - one.span_ms):
        start_ms = until_ms - one.span_ms

    def older() -> RestQuery[Page[Item]] | None:
        if start_ms is None or start_ms == since_ms:
            return behind()
        return _span(one, since_ms, start_ms - 1, behind, is_now=False)

    return listed(one, Span(start_ms, None if is_now else until_ms), older)
