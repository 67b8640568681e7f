"""How large the contracts of a link's markets are: looked up before anything of them is asked for.

OKX counts derivatives in contracts, and only the list of instruments says what one comes to
(`ctVal` x `ctMult` of `ctValCcy`,
https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments). So a stream of a contract
waits here until its market's size is known; then it is subscribed to. One that cannot be sized is
refused, by name.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import MsgspecError, Raw, Struct, structs

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.conversation import Effect, Fetch, UnreadableStream
from fluxum.venues.okx import native, normalize, topics
from fluxum.venues.okx.listing import PURPOSE, call_of, rows

__all__ = ["ContractSizes", "Sized", "find_contract"]

_ONE = Decimal(1)


class Sized(Struct, frozen=True):
    """A market of OKX's name: our symbol, and what one unit of its quantities comes to."""

    symbol: Symbol
    size: Decimal = _ONE


class ContractSizes:
    """The sizes one link knows, and the streams that wait for one; sans-IO.

    Call for a market with `look_up`; hand what `owns` claims to `answered`.
    """

    def __init__(self, outbox: deque[Effect]) -> None:
        self._outbox = outbox
        self._known: dict[str, Sized] = {}
        self._waiting: dict[str, list[Subscription]] = {}  # by the purpose of a call on its way

    # What is known

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

        Raises RemoteProtocolError for what is no name.
        """
        known = self._known.get(name)
        return Sized(topics.read(name)) if known is None else known

    # What is looked up

    @property
    def waiting(self) -> Sequence[Subscription]:
        """The streams that wait for the size of their market."""
        return [one for group in self._waiting.values() for one in group]

    def wait(self, subscription: Subscription) -> None:
        """Let a stream wait for the size of its market, which is looked up."""
        assert subscription.symbol is not None, subscription
        group = self.look_up(subscription.symbol, subscription)
        if subscription not in group:
            group.append(subscription)

    def look_up(self, symbol: Symbol, stream: Subscription | None = None) -> list[Subscription]:
        """Queue the call for one market unless it is on its way; returns the streams that wait.

        `stream` is the one that wants it.
        """
        call = call_of(symbol)
        if call.purpose not in self._waiting:
            self._waiting[call.purpose] = []
            self._outbox.append(structs.replace(call, subscription=stream))
        return self._waiting[call.purpose]

    def forget(self, subscription: Subscription) -> bool:
        """Let a stream wait no longer; whether it did."""
        for group in self._waiting.values():
            if subscription in group:
                group.remove(subscription)
                return True
        return False

    def owns(self, fetch: Fetch) -> bool:
        """Whether a call is one of these."""
        return fetch.purpose in self._waiting

    def answered(self, fetch: Fetch, body: bytes) -> tuple[Symbol, Sequence[Subscription]]:
        """Learn the size of a market; returns what that is here, and the streams that waited.

        Raises VenueRefused where there is none to be had, and UnreadableStream, which names the
        streams that wait, where asking again may help.
        """
        try:
            found = find_contract(body, fetch.purpose.removeprefix(PURPOSE))
        except (RateLimited, RemoteProtocolError) as error:
            waiting = tuple(self._waiting[fetch.purpose])
            raise UnreadableStream(f"no {fetch.purpose}: {error}", waiting) from error
        self._known[topics.format_symbol(found.symbol)] = Sized(found.symbol, found.size)
        return found.symbol, self.refused(fetch)

    def refused(self, fetch: Fetch) -> Sequence[Subscription]:
        """There is no such size; returns the streams that waited for it."""
        return self._waiting.pop(fetch.purpose, ())


def find_contract(body: bytes, name: str) -> normalize.Contract:
    """The contract of a name, of the answer to a call for it.

    Raises VenueRefused if there is none that is offered, RateLimited or RemoteProtocolError where
    asking again may help.
    """
    for row in rows(body):
        wire = _decoded(row)
        if wire.instId != name:
            continue
        found = normalize.contract(wire)
        if found is not None:
            return found
    raise VenueRefused(f"the venue lists no {name}")


def _decoded(row: Raw) -> native.Instrument:
    try:
        return native.decode_instrument(row)
    except MsgspecError as error:
        raise RemoteProtocolError(str(error)) from error
