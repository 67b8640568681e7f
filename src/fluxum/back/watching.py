"""The books of a tape's markets in units, and what follows them: contacts, prices after fills."""

from array import array
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final, Protocol

from fluxum.back.contact import BUY, NO_KEY, UNSEEN, Contact
from fluxum.book.book import Book
from fluxum.book.ladder import Ladder

__all__ = ["AFTER_NS", "DUE", "END_NS", "Marked", "Marks", "Signal", "Watching"]

END_NS = (1 << 63) - 1
"""Later than every frame."""
AFTER_NS = (1_000_000_000, 10_000_000_000, 60_000_000_000)
"""How long after a fill its marks are taken."""


class Signal:
    """What a player returns instead of an event."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        """Its name."""
        return self._name


DUE: Final = Signal("DUE")
"""The next frame was received at `alarm_ns` or later; it is not applied yet."""


class Marked(Protocol):
    """Whose mids are marks."""

    marks_ns: int
    """When the next mark is due."""

    def twice_mid(self, market: int) -> int | None:
        """The sum of the best bid and ask, in units; `None` while the book cannot be trusted."""
        ...


class Marks:
    """Twice the mids so long after instants; a player takes those that are due before a frame.

    They are columns, as there are as many as fills: three for each instant, NO_KEY while there is
    none.
    """

    def __init__(self, player: Marked) -> None:
        self._player = player
        self._last = -1, -1
        self._at_ns = array("q")
        self._markets = array("i")
        self._mids = tuple(array("q") for _ in AFTER_NS)
        self._taken = [0] * len(AFTER_NS)

    def add(self, market: int, at_ns: int) -> int:
        """The number of an instant, which is none before the last one."""
        if self._last != (market, at_ns):
            self._last = market, at_ns
            self._at_ns.append(at_ns)
            self._markets.append(market)
            for mids in self._mids:
                mids.append(NO_KEY)
            self._player.marks_ns = min(self._player.marks_ns, at_ns + AFTER_NS[0])
        return len(self._at_ns) - 1

    def of(self, number: int) -> list[int | None]:
        """The marks of an instant; `None` until they are due, and without a valid book then."""
        found = [mids[number] for mids in self._mids]
        return [None if one == NO_KEY else one for one in found]

    def take(self, now_ns: int) -> None:
        """Take what is due, from the books as they are."""
        due_ns = END_NS
        for number, (after_ns, mids) in enumerate(zip(AFTER_NS, self._mids, strict=True)):
            at = self._taken[number]
            while at < len(mids) and self._at_ns[at] + after_ns <= now_ns:
                twice = self._player.twice_mid(self._markets[at])
                mids[at] = NO_KEY if twice is None else twice
                at += 1
            self._taken[number] = at
            if at < len(mids):
                due_ns = min(due_ns, self._at_ns[at] + after_ns)
        self._player.marks_ns = due_ns


class Watching:
    """The books of some markets; `units` are the decimal places of their prices and quantities."""

    def __init__(self, books: Sequence[Book], units: Sequence[tuple[int, int]]) -> None:
        self.books = books
        """A book of each market, in the order of the file; read only."""
        self.contacts = [Contact(self, number) for number in range(len(books))]
        """Where one's own orders meet each market."""
        self.marks = Marks(self)
        self.marks_ns = END_NS
        """When the next mark is due; kept by `marks`."""
        self._units = units

    def best(self, market: int, side: int) -> int:
        """The best key of a side; NO_KEY while it is empty."""
        level = self._ladder(market, side).best
        return NO_KEY if level is None else self._key(level.price, market, side)

    def twice_mid(self, market: int) -> int | None:
        """The sum of the best bid and ask, in units; `None` while the book cannot be trusted."""
        bid, ask = self.best(market, 0), self.best(market, 1)
        if NO_KEY in (bid, ask) or not self.books[market].is_valid:
            return None
        return bid - ask

    def levels(self, market: int, side: int, worst: int) -> list[tuple[int, int]]:
        """The keys of a side and their quantities in units, best first, down to `worst`."""
        places = self._units[market][1]
        found: list[tuple[int, int]] = []
        for level in self._ladder(market, side):
            key = self._key(level.price, market, side)
            if key < worst:
                break
            found.append((key, int(level.quantity.scaleb(places))))
        return found

    def shown(self, market: int, side: int, key: int) -> int:
        """The quantity at a key, in units; UNSEEN if it is deeper than the book is known."""
        ladder = self._ladder(market, side)
        price_places, places = self._units[market]
        price = Decimal(abs(key)).scaleb(-price_places)
        level = ladder.at(price)
        if level is not None:
            return int(level.quantity.scaleb(places))
        is_cut = ladder.depth is not None and len(ladder) >= ladder.depth
        return UNSEEN if is_cut and ladder.reach(price) == len(ladder) else 0

    # Pieces

    def _note(self, market: int, changed: Collection[tuple[int, int]], *, is_update: bool) -> None:
        """Note what a message changed: sides and keys, or all by a snapshot."""
        self.contacts[market].message(changed if is_update else None)

    def _ladder(self, market: int, side: int) -> Ladder:
        book = self.books[market]
        return book.bids if side == BUY else book.asks

    def _key(self, price: Decimal, market: int, side: int) -> int:
        units = int(price.scaleb(self._units[market][0]))
        return units if side == BUY else -units
