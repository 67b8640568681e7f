"""The sizes of contracts: looked up before any topic of a contract is requested.

OKX counts derivatives in contracts, and only the list of instruments has the size of one
(`ctVal` x `ctMult` of `ctValCcy`,
https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments). A subscription to a contract
waits until the size is known, then it is requested. It is refused, by name, if there is no size.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct, structs

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.conversation import Effect, Fetch
from fluxum.venues.okx import native, normalize, topics
from fluxum.venues.okx.listing import rows, size_call, sized_name
from fluxum.venues.queries import decoded

__all__ = ["ContractSizes", "Sized", "find_contract"]

_ONE = Decimal(1)


class Sized(Struct, frozen=True):
    """A market of OKX's name: our symbol, and how much one unit of its quantities is."""

    symbol: Symbol
    size: Decimal = _ONE


class ContractSizes:
    """The sizes that one link knows, and the calls for others; sans-IO."""

    def __init__(self, outbox: deque[Effect]) -> None:
        self._outbox = outbox
        self._known: dict[str, Sized] = {}
        self._due: set[str] = set()  # purposes of calls on their way

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Take sizes from a list of instruments."""
        for one in instruments:
            self._known[one.venue_symbol] = Sized(one.symbol, one.contract_size)

    def of(self, symbol: Symbol) -> Decimal | None:
        """The size of a market's unit, `None` where it has to be looked up first."""
        if not symbol.contract or symbol.counts_contracts:
            return _ONE
        known = self._known.get(topics.format_symbol(symbol))
        return None if known is None or known.symbol != symbol else known.size

    def by_name(self, name: str) -> Sized:
        """A market by OKX's name; counted in contracts where its size is not known.

        Raises RemoteProtocolError for a name that is none of a market.
        """
        known = self._known.get(name)
        return Sized(topics.parse_symbol(name)) if known is None else known

    def look_up(self, symbol: Symbol, subscription: Subscription | None = None) -> None:
        """Queue the call for one market, for the sake of a subscription, unless it is queued."""
        call = size_call(symbol)
        if call.purpose not in self._due:
            self._due.add(call.purpose)
            self._outbox.append(structs.replace(call, subscription=subscription))

    def owns(self, fetch: Fetch) -> bool:
        """Whether a call is one of these."""
        return fetch.purpose in self._due

    def answered(self, fetch: Fetch, body: bytes) -> Symbol:
        """Learn the size of a market; returns the symbol that it has.

        Raises VenueRefused if the venue has no such contract, and RemoteProtocolError where the
        same call may succeed later.
        """
        try:
            found = find_contract(body, sized_name(fetch))
        except RateLimited as error:
            raise RemoteProtocolError(str(error)) from error
        self._known[topics.format_symbol(found.symbol)] = Sized(found.symbol, found.size)
        self._due.discard(fetch.purpose)
        return found.symbol

    def refused(self, fetch: Fetch) -> None:
        """The venue refused a call: there is no such size."""
        self._due.discard(fetch.purpose)


def find_contract(body: bytes, name: str) -> normalize.Contract:
    """The contract of a name, of the answer to a call for it.

    Raises VenueRefused if there is none that is offered, RateLimited or RemoteProtocolError where
    the same call may succeed later.
    """
    for row in rows(body):
        wire = decoded(native.decode_instrument, row)
        found = normalize.contract(wire) if wire.instId == name else None
        if found is not None:
            return found
    raise VenueRefused(f"the venue lists no {name}")
