"""The books of one link at either of Coinbase's feeds, by the name their data comes under.

A book begins with its snapshot. Where the data of one product belongs to several symbols, each has
a book of its own.
"""

from collections.abc import Iterable

from fluxum.model.event import Channel, LeftOut, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.carried import Carried
from fluxum.venues.early_deltas import EarlyDeltas

__all__ = ["Books"]


class Books:
    """Which books are begun, and which lack something."""

    def __init__(self, venue: str) -> None:
        self.begun: dict[str, tuple[Symbol, ...]] = {}
        """The symbols whose books are whole and in step, by name; for the frame path."""
        self.missed: dict[str, int] = {}
        """The names of which an update could not be read at all, and the number it had."""
        self.early = EarlyDeltas(venue)
        self._withdrawn: set[str] = set()

    def begin(self, name: str, symbols: Iterable[Symbol]) -> None:
        """A snapshot is here."""
        self.begun[name] = tuple(symbols)
        self.missed.pop(name, None)
        self._withdrawn.discard(name)

    def join(self, name: str, symbol: Symbol) -> None:
        """One more symbol's book goes on with the same data."""
        self.begun[name] = (*self.begun.get(name, ()), symbol)

    def left_behind(self, carried: Carried) -> list[Subscription]:
        """The streams of accepted books whose data runs already, without their own snapshot."""
        return [one for one in carried.accepted(Channel.BOOK) if self._is_left_behind(one, carried)]

    def leave(self, symbol: Symbol) -> None:
        """A symbol's stream ended."""
        for name, symbols in list(self.begun.items()):
            if symbol in symbols:
                rest = tuple(one for one in symbols if one != symbol)
                if rest:
                    self.begun[name] = rest
                else:
                    del self.begun[name]

    def withdraw(self, name: str) -> None:
        """A book is out of step, and its streams know; nothing of it goes on."""
        self.begun.pop(name, None)
        self.missed.pop(name, None)
        self._withdrawn.add(name)

    def withdraw_all(self, names: Iterable[str]) -> None:
        """All books are out of step, and their streams know."""
        for name in (*self.begun, *names):
            self.withdraw(name)

    def miss(self, name: str, number: int) -> None:
        """An update could not be read: the next one does not follow on."""
        if self.begun.pop(name, None) is not None or name in self.missed:
            self.missed[name] = number

    def early_delta(
        self, name: str, streams: Iterable[Subscription], sample: str, received_ns: int
    ) -> list[LeftOut]:
        """An update came before its snapshot; nothing is new where that is known."""
        if name in self._withdrawn:
            return []
        return [told for one in streams for told in self.early.add(one, sample, received_ns)]

    def _is_left_behind(self, one: Subscription, carried: Carried) -> bool:
        begun = self.begun.get(carried.name_of(one))
        return begun is not None and one.symbol not in begun
