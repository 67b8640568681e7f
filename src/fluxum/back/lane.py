"""One market of a back-test: its book in integers, one's own places in it, and what one has taken.

What one's own orders took is still on the tape. It is remembered, and not taken twice until the
level is gone. What a published trade took is not there for a taker either, although the book shows
it until its next message. The rules are those of `paper.market`.
"""

from collections.abc import Iterator
from decimal import Decimal

from fluxum.back.columns import KIND_BUY, KIND_SELL, KIND_STATUS
from fluxum.back.faithful import ReplayPlayer
from fluxum.back.player import Player
from fluxum.back.watching import BUY, KIND_LEVEL, NO_KEY, SELL, UNSEEN, Touch
from fluxum.bot.market import Market
from fluxum.fill.queue import QueueSide

__all__ = ["Lane"]

_KNOWN_MAX = 1 << 14


class Lane:
    """The book and the queues of one market; `apart` is that of QueueSide."""

    def __init__(
        self,
        player: Player | ReplayPlayer,
        number: int,
        market: Market,
        places: tuple[int, int],
        apart: int = 0,
    ) -> None:
        self.number = number
        self.market = market
        self.symbol = market.symbol
        self.venue = market.venue
        self.queues = (QueueSide(apart), QueueSide(apart))
        """One's own resting orders: buys, then sells."""
        self.is_lost = False
        """Whether market data is lost, so that anything may have traded."""
        self._player = player
        self._book = player.books[number]
        self.places = places
        """The decimal places of prices and of quantities."""
        self._price_places, self._quantity_places = places
        self._taken: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._printed: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._prices: dict[int, Decimal] = {}

    # Units

    def key(self, side: int, price: Decimal) -> int | None:
        """The key of a price among the orders of a side; `None` for one between two units."""
        units = price.scaleb(self._price_places)
        whole = int(units)
        return None if whole != units else whole if side == BUY else -whole

    def units(self, quantity: Decimal) -> int | None:
        """A quantity in units; `None` for one between two units."""
        units = quantity.scaleb(self._quantity_places)
        whole = int(units)
        return whole if whole == units else None

    def price(self, key: int) -> Decimal:
        """The price of a key."""
        units = abs(key)
        price = self._prices.get(units)
        if price is None:
            if len(self._prices) >= _KNOWN_MAX:
                self._prices.clear()
            price = self._prices[units] = Decimal(units).scaleb(-self._price_places)
        return price

    def quantity(self, units: int) -> Decimal:
        """Units as a quantity."""
        return Decimal(units).scaleb(-self._quantity_places)

    @property
    def twice_mid(self) -> int | None:
        """The sum of the best bid and ask, in units; `None` while the book cannot be trusted."""
        bid, ask = self._player.best(self.number, 0), self._player.best(self.number, 1)
        if bid == NO_KEY or ask == NO_KEY or not self._book.is_valid:
            return None
        return bid - ask

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
        taken, printed = self._taken[against], self._printed[against]
        for key, units in self._player.levels(self.number, against, worst):
            free = units - taken.get(key, 0) - printed.get(key, 0)
            if free > 0:
                yield key, free

    def take(self, side: int, key: int, units: int) -> None:
        """Remember that a taker of this side traded at a key of the other side."""
        taken = self._taken[1 - side]
        taken[key] = taken.get(key, 0) + units

    def watch(self) -> None:
        """Have the player watch where one's own orders rest, and where one has taken."""
        (bids, asks), (bids_taken, asks_taken) = self.queues, self._taken
        self._player.watch(
            self.number, bids.keys | bids_taken.keys(), asks.keys | asks_taken.keys()
        )
        self._wake()

    # Market data

    def touch(self, touch: Touch) -> None:
        """Process what the tape has of this market."""
        _, kind, side, key, quantity = touch
        if kind == KIND_LEVEL:
            self._level(side, key, quantity)
        elif kind in (KIND_BUY, KIND_SELL):
            printed = self._printed[side]
            printed[key] = printed.get(key, 0) + quantity
            self.queues[side].trade(key, quantity)
            self._player.wake(self.number, 1)
        elif kind == KIND_STATUS:
            self._status()
        else:
            self._settle()

    def _level(self, side: int, key: int, units: int) -> None:
        queue = self.queues[side]
        if units == UNSEEN:
            queue.hide(key)
            return
        if not units:
            self._taken[side].pop(key, None)
        queue.level(key, units)

    def resolve(self) -> None:
        """Decide what happened in a gap, before the levels of the book that ends it."""
        for queue in self.queues:
            queue.lose()
        bid, ask = self.best(BUY), self.best(SELL)
        if NO_KEY in (bid, ask):
            return
        for side, queue in enumerate(self.queues):
            twice = bid - ask if side == BUY else ask - bid
            for place in list(queue.places):
                if twice < 2 * place.key:
                    queue.complete(place)

    def _status(self) -> None:
        self.is_lost = not self._player.books[self.number].is_valid

    def _settle(self) -> None:
        """End a message of the book."""
        player, number, is_counting = self._player, self.number, False
        best = player.best(number, BUY), player.best(number, SELL)
        for side, queue in enumerate(self.queues):
            if self._printed[side]:
                self._printed[side].clear()
            top = queue.top
            if top == NO_KEY:
                continue
            if -best[1 - side] <= top:
                taken = self._taken[1 - side]
                for key, units in player.levels(number, 1 - side, -top):
                    queue.opposite(-key, units - taken.get(key, 0))
            queue.settle(best[side])
            is_counting = is_counting or queue.is_counting
        if is_counting:
            player.wake(number, 1)

    def _wake(self) -> None:
        """See the next message of the book in any case, if it may matter."""
        for queue in self.queues:
            if queue.top != NO_KEY and queue.is_counting:
                self._player.wake(self.number, 1)
