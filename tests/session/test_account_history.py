"""Lists of an account that a venue gives page by page."""

from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, cast

import pytest
from toy import entry, order
from worlds import play

from fluxum.errors import VenueRefused
from fluxum.model.account import LedgerEntry
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import OrderUpdate
from fluxum.session.account_history import AccountHistory
from fluxum.session.rest_client import RestClient
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import AccountQueries, EntryQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery

QUERY = OrderQuery(symbol=Symbol("BTC/USD"), client_order_id="mine")


def _unused(*_arguments: object) -> Any:
    raise AssertionError


class Pages:
    """A client whose answers are the pages themselves; `refusal` is raised instead."""

    def __init__(self) -> None:
        self.refusal: VenueRefused | None = None
        self.left_out: deque[object] = deque()
        self.made: list[str] = []

    async def query(self, query: RestQuery[Any]) -> Any:
        self.made.append(query.fetch.path)
        if self.refusal is not None:
            raise self.refusal
        return query.read(b"", 0)


def listed(path: str, *pages: tuple[OrderUpdate, ...]) -> RestQuery[Page[OrderUpdate]]:
    items, *others = pages
    following = listed(f"{path}+", *others) if others else None
    return RestQuery(Fetch("GET", path, ""), lambda _body, _ns: Page(items, next=following))


def test_an_order_is_looked_for_page_by_page_until_it_is_found() -> None:
    found = order("O-1", received_ns=7)
    pages = Pages()
    queries = AccountQueries(
        balances=_unused,
        open_orders=_unused,
        order=lambda _query: [listed("open", (), ()), listed("ended", (), (found,), ())],
        closed_orders=_unused,
        fills=_unused,
    )
    history = AccountHistory(
        "toy", cast("RestClient", pages), queries, lambda _rows, _stream: None, ()
    )

    async def story() -> None:
        assert await history.find_order(QUERY) == (found,)

    play(story)
    assert pages.made == ["open", "open+", "ended", "ended+"]


@pytest.mark.parametrize("was_answered", [False, True])
def test_transfers_are_requested_no_more_if_their_list_was_never_answered_and_is_refused(
    was_answered: bool,
) -> None:
    pages = Pages()
    pages.refusal = VenueRefused("Transfers was refused: no permission")
    pages.refusal.was_answered = was_answered
    queries = AccountQueries(
        balances=_unused,
        open_orders=_unused,
        order=_unused,
        closed_orders=_unused,
        fills=_unused,
        transfers=lambda _query: [RestQuery(Fetch("GET", "transfers", ""), _unused)],
    )
    history = AccountHistory(
        "toy", cast("RestClient", pages), queries, lambda _rows, _stream: None, ()
    )

    async def story() -> None:
        for _ in range(2):
            with pytest.raises(VenueRefused) if was_answered else nullcontext():
                assert await history.transfers(EntryQuery()) == []

    play(story)
    assert len(pages.made) == 1 + was_answered
    assert bool(history.transfers_refused) is not was_answered


def test_entries_that_were_fetched_in_vain_are_fetched_again() -> None:
    line = entry("L", 7)
    asked: list[tuple[object, frozenset[Asset]]] = []
    taken: list[Sequence[LedgerEntry]] = []
    moved = {Asset("BTC")}
    pages = Pages()

    def entries(query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
        asked.append((query.resume, query.moved))
        fetch = Fetch("GET", "entries", "")
        return RestQuery(fetch, lambda _body, _ns: Page((line,), resume=len(asked)))

    queries = AccountQueries(
        balances=_unused,
        open_orders=_unused,
        order=_unused,
        closed_orders=_unused,
        fills=_unused,
        entries=entries,
    )
    history = AccountHistory(
        "toy", cast("RestClient", pages), queries, lambda _rows, _stream: None, ()
    )

    async def story() -> None:
        pages.refusal = VenueRefused("busy")
        with pytest.raises(VenueRefused):
            await history.hand_over_entries(0, moved, taken.append)
        pages.refusal = None
        await history.hand_over_entries(0, moved, taken.append)
        await history.hand_over_entries(0, moved, taken.append)

    play(story)
    bitcoin = frozenset({Asset("BTC")})
    assert asked == [(None, bitcoin), (None, bitcoin), (2, frozenset())]
    assert not moved
    assert [list(one) for one in taken] == [[line], [line]]
