"""Every fact of a frame, given to each stream its data belongs to.

Where the data of one product belongs to several symbols, each has an event of its own. What may
belong to a stream that is not sure of it (see `carried`) is kept until that is known.
"""

from collections.abc import Callable, Sequence

from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.books import Books
from fluxum.venues.coinbase.carried import Carried
from fluxum.venues.coinbase.symbols import format_symbol

__all__ = ["Delivery"]

_HELD_MAX = 1000
_Make = Callable[[Symbol], Sequence[Event]]


class Delivery:
    """Gives facts to the streams of one link, and keeps what is for unsure ones."""

    def __init__(self, carried: Carried) -> None:
        self._carried = carried
        self.held: dict[Subscription, list[Event]] = {}
        """What is kept; look, do not change."""

    def give(
        self, channel: str, name: str, make: _Make, received_ns: int, *, is_answer: bool
    ) -> list[Event]:
        """The events of a fact; one that `is_answer` also answers the request for its stream.

        Raises UnaskedError for data of no stream.
        """
        events: list[Event] = []
        for one in self._carried.owners(channel, name):
            made = make(_symbol(one))
            if is_answer:
                events += self._carried.settle(one, received_ns)
            events += made
        for one in self._carried.unsure(channel, name):
            self._hold(one, make(_symbol(one)))
        return events

    def follow(self, channel: str, name: str, make: _Make) -> None:
        """Keep what follows on a snapshot that is kept."""
        for one in self._carried.unsure(channel, name):
            if one in self.held:
                self._hold(one, make(_symbol(one)))

    def drop(self, channel: str, name: str) -> None:
        """What is kept of this data is worth nothing any more."""
        for one in self._carried.unsure(channel, name):
            self.held.pop(one, None)

    def drop_all(self) -> None:
        """Nothing that is kept is worth anything any more, but for trades."""
        for one in [one for one in self.held if one.channel is not Channel.TRADE]:
            del self.held[one]

    def released(self, books: Books, received_ns: int) -> list[Event]:
        """What was kept for streams that turned out to be those of the data."""
        told: list[Event] = []
        for one in list(self.held):
            product = format_symbol(_symbol(one))
            name = self._carried.names.of(product)
            if name is None:
                continue
            events = self.held.pop(one)
            if name == product or not self._carried.has(one):
                continue
            if one.channel is Channel.BOOK:
                books.join(name, _symbol(one))
            told += [*self._carried.settle(one, received_ns), *events]
        return told

    def _hold(self, one: Subscription, events: Sequence[Event]) -> None:
        held = self.held.setdefault(one, [])
        held += events
        if len(held) > _HELD_MAX:  # nothing has settled it for so long
            self._carried.names.accept(format_symbol(_symbol(one)))
            self._carried.refresh()


def _symbol(one: Subscription) -> Symbol:
    assert one.symbol is not None
    return one.symbol
