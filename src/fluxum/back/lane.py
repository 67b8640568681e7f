"""One market of a back-test: its units as decimals, and its book as one's own orders meet it."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from fluxum.back.contact import BUY, NO_KEY
from fluxum.back.faithful import ReplayPlayer
from fluxum.back.player import Player
from fluxum.bot.market import Market

__all__ = ["Lane"]

_KNOWN_MAX = 1 << 14


class _Numbers(dict[int, Decimal]):
    """Units as numbers of so many decimal places; those that were asked for are kept."""

    def __init__(self, places: int) -> None:
        self._places = places

    def __missing__(self, units: int) -> Decimal:
        if len(self) >= _KNOWN_MAX:
            self.clear()
        number = self[units] = Decimal(units).scaleb(-self._places)
        return number


class _Units(dict[Decimal, int | None]):
    """The opposite; `None` for a number between two units."""

    def __init__(self, places: int) -> None:
        self._places = places

    def __missing__(self, number: Decimal) -> int | None:
        if len(self) >= _KNOWN_MAX:
            self.clear()
        units = number.scaleb(self._places)
        whole = int(units)
        found = self[number] = whole if whole == units else None
        return found


class Lane:
    """One market that a strategy wants; `number` is that of the player."""

    def __init__(
        self,
        player: Player | ReplayPlayer,
        number: int,
        market: Market,
        places: tuple[int, int],
    ) -> None:
        self.number = number
        self.market = market
        self.symbol = market.symbol
        self.venue = market.venue
        self.contact = player.contacts[number]
        self.queues = self.contact.queues
        """One's own resting orders: buys, then sells."""
        self._player = player
        self.marks = partial(player.marks.add, number)
        """The number of an instant whose marks are taken, by the instant; see `watching.Marks`."""
        self.places = places
        """The decimal places of prices and of quantities."""
        self._price_places, quantity_places = places
        self._prices, self._quantities = _Numbers(self._price_places), _Numbers(quantity_places)
        self._price_units, self._quantity_units = (
            _Units(self._price_places),
            _Units(quantity_places),
        )

    # Units

    def key(self, side: int, price: Decimal) -> int | None:
        """The key of a price among the orders of a side; `None` for one between two units."""
        units = self._price_units[price]
        return units if units is None or side == BUY else -units

    def units(self, quantity: Decimal) -> int | None:
        """A quantity in units; `None` for one between two units."""
        return self._quantity_units[quantity]

    def price(self, key: int) -> Decimal:
        """The price of a key."""
        return self._prices[abs(key)]

    def quantity(self, units: int) -> Decimal:
        """Units as a quantity."""
        return self._quantities[units]

    @property
    def twice_mid(self) -> int | None:
        """The sum of the best bid and ask, in units; `None` while the book cannot be trusted."""
        return self._player.twice_mid(self.number)

    def mid(self, twice: int | None) -> Decimal | None:
        """The mid of twice as much in units."""
        return None if twice is None else Decimal(twice).scaleb(-self._price_places) / 2

    # Orders

    def best(self, side: int) -> int:
        """The best key that others show on a side."""
        return self._player.best(self.number, side)

    def shown(self, side: int, key: int) -> int:
        """What others show at a key."""
        return self._player.shown(self.number, side, key)

    def offered(self, side: int, limit: int | None) -> Iterator[tuple[int, int]]:
        """What a taker of this side can trade with, best first: key, and units not taken yet."""
        against = 1 - side
        worst = NO_KEY if limit is None else -limit
        taken, printed = self.contact.taken[against], self.contact.printed[against]
        for key, units in self._player.levels(self.number, against, worst):
            free = units - taken.get(key, 0) - printed.get(key, 0)
            if free > 0:
                yield key, free

    def take(self, side: int, key: int, units: int) -> None:
        """Remember that a taker of this side traded at a key of the other side."""
        taken = self.contact.taken[1 - side]
        taken[key] = taken.get(key, 0) + units

    # Time

    def marked(self, number: int) -> list[Decimal | None]:
        """The mids so long after an instant, each once it is due."""
        return [self.mid(mark) for mark in self._player.marks.of(number)]

    @property
    def now_ns(self) -> int:
        """When the frame that the player applied last was received."""
        return self._player.now_ns

    def wake_at(self, ns: int) -> None:
        """Have the player stop before the frames of an instant, if it would not stop before."""
        self._player.alarm_ns = min(self._player.alarm_ns, ns)
