"""Every fact of a frame, given to each stream its data belong to.

Where the data of one product belong to several symbols, each has an event of its own. What may
belong to a stream that is unsure (see `owners`) is kept until its name is known.
"""

from collections.abc import Callable, Sequence

from msgspec import structs

from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.coinbase.books import Books
from fluxum.venues.coinbase.streams import Streams
from fluxum.venues.coinbase.topics import product_of_stream, symbol_of_stream
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.reading import Reading
from fluxum.venues.rows import LeftOutRows, Sides, WholeSides

__all__ = ["Delivery"]

_HELD_MAX = 1000
_ANY = Symbol("ANY/ANY")
_Make = Callable[[Symbol], Sequence[Event]]


class Delivery:
    """Gives facts to the streams of one link, and keeps those for unsure ones.

    `channel` is the wire's name of that of books.
    """

    def __init__(self, venue: str, streams: Streams, channel: str) -> None:
        self.books = Books(venue)
        self.held: dict[Subscription, list[Event]] = {}
        """What is kept for each unsure stream; only to be read."""
        self._venue = venue
        self._channel = channel
        self._streams = streams
        self._owners = streams.owners

    # Facts

    def give(
        self, channel: str, name: str, make: _Make, received_ns: int, *, is_answer: bool = True
    ) -> list[Event]:
        """The events of a fact; one that `is_answer` also acknowledges the streams' requests.

        Raises UnreadableStream for data that were never requested.
        """
        events: list[Event] = []
        for one in self._owners.of(channel, name):
            made = make(symbol_of_stream(one))
            if is_answer:
                events += self._streams.data(one, received_ns)
            events += made
        for one in self._owners.unsure(channel, name):
            self._hold(one, make(symbol_of_stream(one)))
        return events

    def owners(self, reading: Reading, name: str) -> Sequence[Subscription] | None:
        """The streams of a book's data; None for late data and such as were never requested."""
        try:
            owners = self._owners.of(self._channel, name)
        except UnreadableStream as error:
            reading.leave_out(LeftOutRows(1, str(error), ""), ())
            return None
        return owners if owners or self._owners.unsure(self._channel, name) else None

    # Books

    def begins(
        self, reading: Reading, name: str, owners: Sequence[Subscription], *, is_requested: bool
    ) -> bool:
        """Whether a book that has not begun begins with an update, as its snapshot precedes a tape.

        Elsewhere the update came too early and is left out. `is_requested` is true if the
        request for the book is known, so that its snapshot is still to come.
        """
        if not self._streams.subscriptions.is_passive:
            reading.events += self.books.early_delta(name, owners, reading.received_ns)
            return False
        if not is_requested:
            self.books.begin(name, owners)
        return not is_requested

    def snapshot(
        self,
        reading: Reading,
        name: str,
        owners: Sequence[Subscription],
        sides: WholeSides,
        venue_ns: int | None,
        sequence: int | None = None,
    ) -> None:
        """A whole book came: it begins."""
        received_ns = reading.received_ns

        def make(symbol: Symbol) -> Sequence[Event]:
            snapshot = BookSnapshot(
                venue=self._venue,
                symbol=symbol,
                bids=sides[0],
                asks=sides[1],
                venue_ns=venue_ns,
                received_ns=received_ns,
                sequence=sequence,
            )
            return (snapshot,)

        for one in owners:
            reading.events += self.books.early.settle(one, received_ns)
        self.drop(self._channel, name)
        reading.events += self.give(self._channel, name, make, received_ns)
        self.books.begin(name, owners)

    def update(
        self,
        reading: Reading,
        name: str,
        sides: Sides,
        venue_ns: int | None,
        sequence: int | None = None,
    ) -> None:
        """An update came of a book that has begun."""
        update = BookUpdate(
            self._venue, _ANY, *sides, venue_ns, reading.received_ns, None, sequence
        )
        for symbol in self.books.begun[name]:
            reading.events.append(structs.replace(update, symbol=symbol))
        for one in self._owners.unsure(self._channel, name):
            if one in self.held:
                self._hold(one, (structs.replace(update, symbol=symbol_of_stream(one)),))

    # What is kept

    def drop(self, channel: str, name: str) -> None:
        """Drop what is kept of this data: something replaces it or is missing."""
        for one in self._owners.unsure(channel, name):
            self.held.pop(one, None)

    def drop_all(self) -> None:
        """Drop all that is kept but trades: something is missing."""
        for one in [one for one in self.held if one.channel is not Channel.TRADE]:
            del self.held[one]

    def released(self, received_ns: int) -> list[Event]:
        """What was kept for streams that turned out to be those of the data.

        Books without a snapshot of their own, whose data flow already, begin anew.
        """
        if not self._owners.has_changed:
            return []
        self._owners.has_changed = False
        events: list[Event] = []
        for one in list(self.held):
            product = product_of_stream(one)
            name = self._owners.names.of(product)
            if name is None:
                continue
            held = self.held.pop(one)
            if name == product or self._streams.subscriptions.topic(one) is None:
                continue
            if one.channel is Channel.BOOK:
                self.books.join(name, symbol_of_stream(one))
            events += [*self._streams.data(one, received_ns), *held]
        for one in self.books.left_behind(self._owners):
            self._streams.resync(one)
        return events

    def _hold(self, one: Subscription, events: Sequence[Event]) -> None:
        held = self.held.setdefault(one, [])
        held += events
        if len(held) > _HELD_MAX:  # the name has been unknown for so long
            self._owners.names.accept(product_of_stream(one))
            self._owners.refresh()
