"""The books of one link at either of Coinbase's feeds, by the name their data come under.

A book begins with its snapshot. Where the data of one product belong to several symbols, each has
a book of its own.
"""

from collections.abc import Iterable

from fluxum.model.event import Channel, LeftOut, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.owners import Owners
from fluxum.venues.early_deltas import EarlyDeltas

__all__ = ["Books"]


class Books:
    """Which books have begun, and which lack something."""

    def __init__(self, venue: str) -> None:
        self.begun: dict[str, tuple[Symbol, ...]] = {}
        """The symbols whose books are whole and in step, by name; for the frame path."""
        self.missed: dict[str, int] = {}
        """The names of which an update could not be read at all, and the number it had."""
        self.early = EarlyDeltas(venue)
        self._withdrawn: set[str] = set()

    def begin(self, name: str, streams: Iterable[Subscription]) -> None:
        """A snapshot came: the books of these streams are whole."""
        self.begun[name] = tuple(one.symbol for one in streams if one.symbol is not None)
        self.missed.pop(name, None)
        self._withdrawn.discard(name)

    def join(self, name: str, symbol: Symbol) -> None:
        """One more symbol's book goes on with the same data."""
        self.begun[name] = (*self.begun.get(name, ()), symbol)

    def left_behind(self, owners: Owners) -> list[Subscription]:
        """The accepted streams whose data flow already, but without a snapshot of their own."""
        begun = self.begun
        return [
            one
            for one in owners.accepted(Channel.BOOK)
            if one.symbol not in begun.get(owners.name_of(one), (one.symbol,))
        ]

    def leave(self, symbol: Symbol) -> None:
        """A symbol's stream ended."""
        for name, symbols in list(self.begun.items()):
            rest = tuple(one for one in symbols if one != symbol)
            if rest:
                self.begun[name] = rest
            elif symbols:
                del self.begun[name]

    def withdraw(self, name: str) -> None:
        """A book is out of step, which was published; nothing of it goes on."""
        self.begun.pop(name, None)
        self.missed.pop(name, None)
        self._withdrawn.add(name)

    def withdraw_all(self, names: Iterable[str]) -> None:
        """All books are out of step, which was published."""
        for name in (*self.begun, *names):
            self.withdraw(name)

    def miss(self, name: str, number: int) -> None:
        """An update could not be read: the next one does not follow on."""
        if self.begun.pop(name, None) is not None or name in self.missed:
            self.missed[name] = number

    def early_delta(
        self, name: str, streams: Iterable[Subscription], received_ns: int
    ) -> list[LeftOut]:
        """An update came before its snapshot; no event where the book was withdrawn."""
        if name in self._withdrawn:
            return []
        sample = f"an update of {name}"
        return [event for one in streams for event in self.early.add(one, sample, received_ns)]
