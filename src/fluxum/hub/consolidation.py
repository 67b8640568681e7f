"""The consolidated books of a hub: which venues' books belong to which of them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from weakref import WeakSet, WeakValueDictionary

from fluxum.book.contributors import Contributors, MarketFacts
from fluxum.book.failover import Failover
from fluxum.clock import Clock
from fluxum.errors import BadInput
from fluxum.hub.member import Member
from fluxum.model.event import Channel, Event
from fluxum.model.input import Number, number
from fluxum.model.instrument import Symbol
from fluxum.session.session import Session

__all__ = ["Consolidation"]

_BPS = Decimal(10_000)


class Consolidation:
    """Keeps the contributors of every consolidated book that is in use.

    Books with the same symbol and the same venues that may be unverified share them, so each event
    about one is published once.
    """

    def __init__(
        self, clock: Clock, publish: Callable[[Event], None], members: Mapping[str, Member]
    ) -> None:
        self._clock = clock
        self._publish = publish
        self._members = members
        self._aliases: dict[Symbol, dict[Symbol, Decimal]] = {}
        self._every: WeakValueDictionary[tuple[Symbol, frozenset[str]], Contributors] = (
            WeakValueDictionary()
        )
        self._failovers: WeakSet[Failover] = WeakSet()

    def contributors(self, symbol: str, unverified: Collection[str]) -> Contributors:
        """Those of a symbol; raises BadInput for a venue that is not part of the hub."""
        self._check_known(unverified)
        key = Symbol(symbol), frozenset(unverified)
        known_one = self._every.get(key)
        if known_one is not None:
            return known_one
        made = Contributors(key[0], self._clock.now_ns, self._publish, key[1])
        self._every[key] = made
        self._enlist(made)
        return made

    def failover(self, symbol: str, venues: Sequence[str], hold_s: float) -> Failover:
        """Quotes of a symbol from the first of these venues that has one; raises BadInput."""
        contributors = self.contributors(symbol, ())
        self._check_known(venues)
        made = Failover(contributors, venues, hold_s, self._publish)
        self._failovers.add(made)
        made.refresh()
        return made

    def alias(self, symbol: str, other: str, haircut_bps: Number) -> None:
        """Take books of `other` as books of `symbol`, at worse prices; see `Hub.alias`."""
        mine, theirs = Symbol(symbol), Symbol(other)
        if mine == theirs or (mine.base, mine.contract) != (theirs.base, theirs.contract):
            raise BadInput(f"another quote of {mine.base} was expected, was {other!r}")
        bps = number(haircut_bps, "haircut_bps")
        if not 0 <= bps < _BPS:
            raise BadInput(f"haircut_bps: 0 or more, below 10000, was expected, was {bps}")
        self._aliases.setdefault(mine, {})[theirs] = bps / _BPS
        self.enlist()

    def markets(self, symbol: str) -> tuple[Symbol, ...]:
        """A symbol and its aliases."""
        mine = Symbol(symbol)
        return (mine, *self._aliases.get(mine, ()))

    def enlist(self) -> None:
        """Venues or subscriptions have changed: add and remove books."""
        for one in list(self._every.values()):
            self._enlist(one)

    def refresh(self) -> None:
        """Publish what has changed, and let updates come in that may return a venue."""
        withdrawn: dict[str, set[Symbol]] = {}
        for one in list(self._every.values()):
            one.refresh()
            for out in one.out():
                withdrawn.setdefault(out.venue, set()).add(out.book.symbol)
        for failover in list(self._failovers):
            failover.refresh()
        for name, member in self._members.items():
            member.withdrawn = withdrawn.get(name, set())

    def _check_known(self, venues: Collection[str]) -> None:
        for venue in venues:
            if venue not in self._members:
                known = ", ".join(self._members)
                raise BadInput(f"a venue of this hub was expected ({known}), was {venue!r}")

    def _enlist(self, contributors: Contributors) -> None:
        markets = {contributors.symbol: Decimal(0), **self._aliases.get(contributors.symbol, {})}
        found: set[tuple[str, Symbol]] = set()
        for member in self._members.values():
            if member.session is None:
                continue
            for market in _books(member.session, markets):
                found.add((member.name, market))
                contributors.put(
                    member.session.book(market), markets[market], _facts(member.session, market)
                )
        for key in set(contributors.keys()) - found:
            contributors.drop(*key)
        self.refresh()


def _books(session: Session, markets: Collection[Symbol]) -> Iterable[Symbol]:
    """Which of these markets the session has a book of."""
    for one in session.subscriptions:
        symbol = one.symbol
        if one.channel is Channel.BOOK and symbol is not None and symbol in markets:
            yield symbol


def _facts(session: Session, market: Symbol) -> MarketFacts:
    def clock_offset_ns() -> int | None:
        measured = session.clock_offset
        return None if measured is None else measured.offset_ns

    return MarketFacts(partial(session.instrument, market), clock_offset_ns)
