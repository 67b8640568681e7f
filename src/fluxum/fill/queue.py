"""How much of a resting order would have been filled, as far as sums by level can show it.

Market data with sums by level does not show where in a level's queue an order stands, so each
order has three places:

- *pessimistic*: quantity that left the level without a trade stood behind the order;
- *optimistic*: it stood ahead, and a taker that swept the level wanted all of the order too;
- *expected*: it left in proportion to what stood ahead and behind.

What would have happened lies between the first and the last, if other traders had not reacted to
the order. There is one exception: if an order was alone with the best price, market data has no
trace of a taker that wanted this price and found nothing (see `QueuePlace.was_alone`).

*Numbers.* All are integers: prices in ticks, quantities in lots. A `QueueSide` has one's own orders
of one side. Its prices are *keys*, of which the greater is the better: the ticks of a bid, the
negated ticks of an ask. A place is one integer too: below zero, the quantity that stands ahead;
above zero, the quantity that was filled. So a trade of `n` lots at the order's price adds `n`.

*Order of data.* A trade is given before the change of its level, and `settle` ends each frame of
the book. If a venue publishes trades and books apart, `apart` is the number of frames of the book
by which the two may differ, in either direction; the bounds are then wider.

*Several orders.* A trade that fills one order does not fill another: each of the three is one
history. The bounds hold for the sum of one's own orders; they hold for each one as long as no
order with a better place is canceled.
"""

from collections.abc import KeysView
from enum import Enum

__all__ = ["NO_KEY", "UNSEEN", "WORLDS", "QueuePlace", "QueueSide", "World"]

UNSEEN = -1
"""The quantity of a level that market data does not show."""
NO_KEY = -(1 << 62)
"""A key that is worse than every price."""
_FAR = -(1 << 62)


class World(Enum):
    """One of the three histories of fills."""

    PESSIMISTIC = "pessimistic"
    EXPECTED = "expected"
    OPTIMISTIC = "optimistic"


WORLDS = tuple(World)
"""The histories in the order of triples: index 0 is the pessimistic one."""


class QueuePlace:
    """One's own order in the queue of its level; made by `QueueSide.enter`, read only.

    `low`, `mid` and `high` are its pessimistic, expected and optimistic place, `low_max` and so on
    the most that can be filled there. `shown` is what others show at its price, UNSEEN if that is
    not known. `was_alone` is set once no other order has so good a price at the end of a frame.
    """

    __slots__ = (
        "before",
        "crossed",
        "debt",
        "displaced",
        "done",
        "early",
        "early_frames",
        "high",
        "high_max",
        "key",
        "low",
        "low_max",
        "mid",
        "mid_max",
        "order_id",
        "printed",
        "quantity",
        "reach",
        "shown",
        "was_alone",
        "young",
    )

    def __init__(
        self,
        order_id: int,
        key: int,
        quantity: int,
        shown: int,
        done: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        self.order_id = order_id
        self.key = key
        self.quantity = quantity
        self.low = self.mid = _FAR if shown == UNSEEN else -shown
        self.high = 0 if shown == UNSEEN else -shown
        self.shown = shown
        self.was_alone = False
        self.done = done  # filled at an earlier place, in each history
        self.low_max = max(quantity - done[0], 0)
        self.mid_max = max(quantity - done[1], 0)
        self.high_max = max(quantity - done[2], 0)
        self.printed = 0  # traded here, and not subtracted from the level yet
        self.displaced = 0  # others who still stand ahead here, as one's own orders traded for them
        self.debt = 0  # the same at better prices
        self.reach = NO_KEY  # the best key at which it traded at earlier places
        self.crossed = 0  # the most that the other side showed at this price or beyond it
        self.early = 0  # left the level, and may turn out to have traded
        self.early_frames = 0  # the frames for which it may
        self.before = 0  # the pessimistic place, had it not left
        self.young = 0  # frames for which a trade may be one of before it was entered

    @property
    def fills(self) -> tuple[int, int, int]:
        """The filled quantity: pessimistic, expected, optimistic."""
        low, mid, high = self.done
        return (
            low + self.low if self.low > 0 else low,
            mid + self.mid if self.mid > 0 else mid,
            high + self.high if self.high > 0 else high,
        )

    @property
    def ahead(self) -> tuple[int, int, int]:
        """The quantity that stands ahead: pessimistic, expected, optimistic."""
        return max(-self.low, 0), max(-self.mid, 0), max(-self.high, 0)

    def resize(self, quantity: int) -> None:
        """Take another total quantity; what is filled stays filled."""
        low, mid, high = self.done
        self.quantity = quantity
        self.low_max = max(quantity - low, self.low, 0)
        self.mid_max = max(quantity - mid, self.mid, 0)
        self.high_max = max(quantity - high, self.high, 0)


class QueueSide:
    """One's own resting orders of one side of one market.

    Fills, which are at the order's own price, are appended to `news` as (place, index in WORLDS,
    quantity); the caller reads and clears it. While `top` is NO_KEY nothing rests and no call is
    needed.
    """

    __slots__ = ("_apart", "_at", "_early", "_hits", "best", "news", "places", "top")

    def __init__(self, apart: int = 0) -> None:
        self.places: list[QueuePlace] = []
        """Best price first, then in the order they were entered; read only."""
        self.top = NO_KEY
        """The best key of the places."""
        self.best = NO_KEY
        """The best key that others showed at the end of the last frame."""
        self.news: list[tuple[QueuePlace, int, int]] = []
        self._at: dict[int, list[QueuePlace]] = {}
        self._apart = apart
        self._hits = 0  # frames for which a trade may explain that levels are gone
        self._early = 0  # frames for which some place is young or has `early`

    @property
    def keys(self) -> KeysView[int]:
        """The keys at which something rests."""
        return self._at.keys()

    # One's own orders

    def enter(
        self,
        order_id: int,
        key: int,
        quantity: int,
        shown: int,
        best: int = NO_KEY,
        done: tuple[int, int, int] = (0, 0, 0),
    ) -> QueuePlace:
        """Enter an order behind the quantity that others show at its price.

        `best` is the best key that others show on this side now, `done` what is filled already.
        """
        place = QueuePlace(order_id, key, quantity, shown, done)
        place.was_alone = key > best
        place.young = self._apart
        self._early = max(self._early, self._apart)
        self.best = best
        places = self.places
        index = len(places)
        while index and places[index - 1].key < key:
            index -= 1
        places.insert(index, place)
        self._at.setdefault(key, []).append(place)
        self.top = places[0].key
        return place

    def move(
        self,
        place: QueuePlace,
        key: int,
        quantity: int,
        shown: int,
        best: int = NO_KEY,
        taken: int = 0,
    ) -> QueuePlace:
        """Change an order so that it loses its place; returns the new one.

        That is so of another price and of a greater quantity. What is filled stays filled. If the
        order may have been filled before, its pessimistic fills are at most its old quantity.
        `taken` is what it took from the other side in between.
        """
        self.leave(place)
        low, mid, high = place.fills
        done = low + taken, mid + taken, high + taken
        new = self.enter(place.order_id, key, quantity, shown, best, done)
        if place.high == place.high_max:
            new.low_max = min(new.low_max, place.low_max - max(place.low, 0))
        # Those for whom one's own orders traded are still there, at those prices or worse ones.
        new.reach = max(place.reach, place.key if place.low > 0 else NO_KEY)
        new.displaced = place.displaced + place.debt + (low if key <= new.reach else 0)
        new.low -= new.displaced
        return new

    def leave(self, place: QueuePlace) -> None:
        """Remove an order that was canceled or filled."""
        places = self.places
        places.remove(place)
        here = self._at[place.key]
        here.remove(place)
        if not here:
            del self._at[place.key]
        self.top = places[0].key if places else NO_KEY

    def complete(self, place: QueuePlace) -> None:
        """Fill an order in all three histories."""
        self._put(place, place.low_max, place.mid_max, place.high_max)

    # Market data

    def trade(self, key: int, quantity: int) -> None:
        """Process a trade whose taker was of the other side."""
        if self.top == NO_KEY:
            return
        self._hits = self._apart + 1
        if key > self.top:
            return
        low = mid = high = quantity
        for place in self.places:
            if place.key < key:
                break
            left, before = low, (place.low, place.mid, place.high)
            if place.debt:
                paid = min(place.debt, left)
                place.debt -= paid
                left -= paid
                if place.key == key:
                    place.displaced += paid
            if place.key == key:
                self._trade_at(place, quantity, left, mid, high)
            elif place.young:
                self._put(place, place.low, max(place.mid, 0) + mid, place.high_max)
            else:
                # All that the level showed is gone: the trade went on to a worse price.
                position = max(place.low, min(-place.displaced, 0))
                self._put(place, position + left, max(place.mid, 0) + mid, place.high_max)
            low -= max(place.low, 0) - max(before[0], 0)
            mid -= max(place.mid, 0) - max(before[1], 0)
            high = max(high - max(place.high, 0) + max(before[2], 0), 0)
        if low < quantity and len(self.places) > 1:
            self._displace(key, quantity - low)

    def level(self, key: int, shown: int) -> None:
        """Process a level of this side: others show so much at this price."""
        places = self._at.get(key)
        if places is None:
            return
        for place in places:
            before = place.shown
            if before > 0:
                total = before - place.printed
                gone = total - shown
                if gone > 0:
                    self._cancel(place, gone, total)
            place.shown = shown
            place.printed = 0
            least = -shown
            if place.high < least:
                place.high = least
            if place.mid < least:
                place.mid = least
            least -= place.displaced
            if place.low < least:
                place.low = least

    def hide(self, key: int) -> None:
        """Process that market data does not show a level any more."""
        for place in self._at.get(key, ()):
            place.shown = UNSEEN
            place.printed = place.early = 0
            place.high = max(place.high, 0)

    def opposite(self, key: int, shown: int) -> None:
        """Process a level of the other side, with the key that its price has on this side."""
        if key > self.top or shown <= 0:
            return
        rest = shown
        for place in self.places:
            if place.key < key:
                break
            more = min(rest, shown - place.crossed)
            mid = place.mid
            if more > 0:
                place.crossed = shown
                mid = max(mid, 0) + more
            filled = max(place.mid, 0)
            self._put(place, place.low, mid, place.high_max)
            rest -= max(place.mid, 0) - filled

    def settle(self, best: int) -> None:
        """End a frame of the book; `best` is the best key that others show on this side."""
        self.best = best
        if self.top > best:
            for place in self.places:
                if place.key <= best:
                    break
                place.was_alone = True
                if self._hits and place.high < place.high_max:
                    # A taker swept every price as good as the order's, and may have wanted more.
                    self._put(place, place.low, place.mid, place.high_max)
        if self._hits:
            self._hits -= 1
        if self._early:
            self._early -= 1
            for place in self.places:
                if place.young:
                    place.young -= 1
                if place.early and place.early_frames:
                    place.early_frames -= 1
                else:
                    place.early = 0

    def lose(self) -> None:
        """Process a gap in the data: anything may have traded until levels are shown again."""
        self._hits = self._early = 0
        for place in self.places:
            place.shown = UNSEEN
            place.printed = place.early = place.crossed = 0
            self._put(place, place.low, place.mid, place.high_max)

    # Pieces

    def _trade_at(self, place: QueuePlace, quantity: int, low: int, mid: int, high: int) -> None:
        """Process a trade at an order's own price, of which so much is left in each history."""
        if place.young:
            low = 0
        else:
            place.printed += quantity
        position = place.low
        if place.early:
            # The level may have shown this trade before: then it did not trade twice.
            part = min(low, place.early)
            place.early -= part
            place.printed -= part
            place.before += part
            position = max(place.before, -(place.shown + place.displaced))
            place.before += low - part
            low -= part
        top = place.high + high
        if place.key > self.best and place.shown <= 0:
            top = place.high_max  # it was alone: the taker found nothing more
        self._put(place, position + low, place.mid + mid, top)

    def _cancel(self, place: QueuePlace, gone: int, total: int) -> None:
        """Process that a part of a level's total left without a trade."""
        if place.high < 0:
            place.high = min(place.high + gone, 0)
        if place.mid < 0:
            place.mid = min(place.mid + min(gone, -(place.mid * gone // total)), 0)
        if self._apart and place.low < 0:
            if not place.early:
                place.before = place.low
            place.early += gone
            place.early_frames = self._apart
            self._early = self._apart + 1

    def _displace(self, key: int, filled: int) -> None:
        """Note that one's own orders traded at a price for others, who stay ahead of the rest."""
        for place in self.places:
            if place.key < key:
                place.debt += filled
            elif place.key == key:
                place.displaced += filled

    def _put(self, place: QueuePlace, low: int, mid: int, high: int) -> None:
        """Set the three places, in order and within the quantity, and report the fills."""
        low = min(low, place.low_max)
        mid = min(max(mid, low), place.mid_max)
        high = min(max(high, mid), place.high_max)
        news = self.news
        if low > 0 and low > place.low:
            news.append((place, 0, low - max(place.low, 0)))
        if mid > 0 and mid > place.mid:
            news.append((place, 1, mid - max(place.mid, 0)))
        if high > 0 and high > place.high:
            news.append((place, 2, high - max(place.high, 0)))
        place.low, place.mid, place.high = low, mid, high
