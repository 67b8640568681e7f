"""Looking for one order: a venue may refuse to know it."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from msgspec import structs

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.model.order import OrderUpdate
from fluxum.pacing import CallCounter
from fluxum.session.account_history import AccountHistory
from fluxum.session.rest_client import RestClient
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import OrderQuery
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.register import find_venue


class Refusing:
    """Refuses every call."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        raise VenueRefused(self._text, "404")


def found(text: str) -> Sequence[OrderUpdate]:
    """What is found of an order at a venue that answers all calls with this refusal."""
    private = find_venue("bybit").private
    assert private is not None
    one = RestQuery(Fetch("GET", "/order", "order"), lambda _body, _ns: Page[OrderUpdate](()))
    queries = structs.replace(
        private.queries(),
        order=lambda _query: [one, one],
        is_unknown=lambda refused: "no such order" in str(refused),
    )

    async def find() -> Sequence[OrderUpdate]:
        counter = CallCounter(10, 10)
        client = RestClient(Refusing(text), "", SimulatedClock(), Random(1), counter)
        history = AccountHistory("toy", client, queries, lambda _rows, _stream: None, ())
        return await history.find_order(OrderQuery(symbol=Symbol("BTC/USD"), order_id="1"))

    return run(find())


def test_an_order_that_the_venue_does_not_know_is_not_found() -> None:
    assert found("404 no such order") == ()


def test_any_other_refusal_is_an_error() -> None:
    with pytest.raises(VenueRefused, match="no such key"):
        found("401 no such key")
