# cython: language_level=3, wraparound=False, boundscheck=False, cdivision=True
"""The player of prepared tapes, compiled: what `fluxum.back.player` does, many times as fast.

Read `fluxum.back.player` first. A side of a book is one array of keys, worst first, and one of the
rows that rest there; a row becomes a level when it is read. An update's levels are made when they
are read as well.

`FastQueue` is `fluxum.fill.queue.QueueSide` where trades and books come in order (`apart` is 0),
`FastContact` is `fluxum.back.contact.Contact`, and `FastMarks` is `fluxum.back.watching.Marks`; read
those first.
"""

from decimal import Decimal

cimport cython
from cpython.array cimport array, resize_smart
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memmove

from fluxum.back.columns import (
    KIND_BUY,
    KIND_OTHER,
    KIND_SELL,
    KIND_SNAPSHOT,
    KIND_STATUS,
    KIND_UPDATE,
)
from fluxum.back.contact import NO_KEY, UNSEEN
from fluxum.back.watching import AFTER_NS, DUE, END_NS
from fluxum.back.rows import Rows, begin, set_status
from fluxum.book.book import Book
from fluxum.book.proof import BookStatus
from fluxum.bot.direct import NOTHING
from fluxum.model.levels import Level
from fluxum.model.market import BookUpdate, Side

__all__ = ["FastContact", "FastPlayer", "FastQueue", "KeyLadder", "RowLevels"]

cdef object _Level = Level, _Decimal = Decimal, _BookUpdate = BookUpdate
cdef object _DUE = DUE, _VALID = BookStatus.VALID
cdef tuple _NOTHING = NOTHING, _EMPTY = ()
cdef long long _END_NS = END_NS, _NO_KEY = NO_KEY, _UNSEEN = UNSEEN
cdef long long FAR = -(1 << 62)
cdef int SNAPSHOT = KIND_SNAPSHOT, UPDATE = KIND_UPDATE, STATUS = KIND_STATUS
cdef int BUY_TRADE = KIND_BUY, SELL_TRADE = KIND_SELL, OTHER = KIND_OTHER
cdef enum:
    KNOWN_MAX = 65536

cdef long long[19] TENS
cdef int _power
TENS[0] = 1
for _power in range(18):
    TENS[_power + 1] = TENS[_power] * 10


cdef class _Store:
    """The rows of a file, and the prices of each market as decimals, by their units."""

    cdef const long long[::1] price, quantity
    cdef const signed char[::1] price_exponent, quantity_exponent
    cdef const int[::1] orders
    cdef list price_places, quantity_places, known

    def __cinit__(self, columns):
        self.price = columns.column("row_price")
        self.quantity = columns.column("row_quantity")
        self.price_exponent = columns.column("row_price_exponent")
        self.quantity_exponent = columns.column("row_quantity_exponent")
        self.orders = columns.column("row_orders")
        self.price_places = [market.price_places for market in columns.markets]
        self.quantity_places = [market.quantity_places for market in columns.markets]
        self.known = [{} for _ in columns.markets]

    cdef object level(self, Py_ssize_t row, int market):
        cdef int exponent = self.price_exponent[row]
        cdef int orders = self.orders[row]
        cdef dict known = self.known[market]
        key = (self.price[row], exponent)
        price = known.get(key)
        if price is None:
            if len(known) >= KNOWN_MAX:
                known.clear()
            price = known[key] = decimal(self.price[row], exponent, self.price_places[market])
        exponent = self.quantity_exponent[row]
        quantity = decimal(self.quantity[row], exponent, self.quantity_places[market])
        return _Level(price, quantity, None if orders < 0 else orders)


cdef object decimal(long long units, int exponent, int places):
    cdef int power = places + exponent
    if power > 18:
        return _Decimal(units // 10**power).scaleb(exponent)
    return _Decimal(units // TENS[power]).scaleb(exponent)


@cython.freelist(16)
@cython.no_gc  # what it has leads to no cycle
cdef class RowLevels:
    """The levels of one side of an update, made when one is read; equal to their tuple."""

    cdef _Store _store
    cdef Py_ssize_t _first, _end
    cdef int _market
    cdef tuple _made

    cdef tuple _all(self):
        cdef Py_ssize_t row
        if self._made is None:
            self._made = tuple(
                [self._store.level(row, self._market) for row in range(self._first, self._end)]
            )
        return self._made

    def __len__(self):
        return self._end - self._first

    def __iter__(self):
        return iter(self._all())

    def __getitem__(self, at):
        return self._all()[at]

    def __contains__(self, level):
        return level in self._all()

    def __reversed__(self):
        return reversed(self._all())

    def __eq__(self, other):
        if isinstance(other, RowLevels):
            return self._all() == (<RowLevels>other)._all()
        return self._all() == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self):
        return hash(self._all())

    def __repr__(self):
        return repr(self._all())


cdef RowLevels levels_of(_Store store, Py_ssize_t first, Py_ssize_t end, int market):
    cdef RowLevels levels = RowLevels.__new__(RowLevels)
    levels._store = store
    levels._first = first
    levels._end = end
    levels._market = market
    return levels


cdef class KeyLadder:
    """The levels of one side. Best means highest for bids, lowest for asks."""

    cdef readonly object side
    cdef _Store _store
    cdef Py_ssize_t _depth  # -1: all levels are kept
    cdef int _market
    cdef bint _is_asks
    cdef long long *_keys
    cdef long long *_at  # the row that rests at each key
    cdef Py_ssize_t _size, _room
    cdef long long _best_row
    cdef object _best

    def __cinit__(self, _Store store, int market, side):
        self._store = store
        self._market = market
        self.side = side
        self._depth = -1
        self._is_asks = side is Side.SELL
        self._best_row = -1

    def __dealloc__(self):
        PyMem_Free(self._keys)
        PyMem_Free(self._at)

    def __len__(self):
        return self._size

    def __iter__(self):
        return iter(self.top(self._size))

    @property
    def depth(self):
        """How many levels are kept; `None` is all."""
        return None if self._depth < 0 else self._depth

    @depth.setter
    def depth(self, depth):
        self._depth = -1 if depth is None else depth

    @property
    def prices(self):
        """All prices, ascending."""
        levels = [level.price for level in self.top(self._size)]
        return levels if self._is_asks else levels[::-1]

    @property
    def best(self):
        cdef long long row
        if not self._size:
            return None
        row = self._at[self._size - 1]
        if row != self._best_row:
            self._best = self._store.level(row, self._market)
            self._best_row = row
        return self._best

    def top(self, Py_ssize_t count):
        cdef Py_ssize_t at, end = max(self._size - count, 0)
        return [
            self._store.level(self._at[at], self._market)
            for at in range(self._size - 1, end - 1, -1)
        ]

    def at(self, price):
        cdef Py_ssize_t at
        cdef long long key
        units = price.scaleb(self._store.price_places[self._market])
        if units != units.to_integral_value() or not 0 <= units < _END_NS:
            return None
        key = -int(units) if self._is_asks else int(units)
        at = self._find(key)
        is_there = at < self._size and self._keys[at] == key
        return self._store.level(self._at[at], self._market) if is_there else None

    def reach(self, price):
        """How many levels are as good as this price or better."""
        units = price.scaleb(self._store.price_places[self._market])
        key = -units if self._is_asks else units
        return sum(1 for at in range(self._size) if self._keys[at] >= key)

    def crosses(self, KeyLadder asks):
        if not self._size or not asks._size:
            return False
        return self._keys[self._size - 1] >= -asks._keys[asks._size - 1]

    def clear(self):
        self._size = 0

    cdef Py_ssize_t _find(self, long long key) noexcept:
        """The first place that is as good as this or better."""
        cdef Py_ssize_t low = 0, high = self._size, middle
        while low < high:
            middle = (low + high) >> 1
            if self._keys[middle] < key:
                low = middle + 1
            else:
                high = middle
        return low

    cdef long long shown(self, long long key) noexcept:
        """The quantity at a key, in units; UNSEEN if it is deeper than the book is known."""
        cdef Py_ssize_t at = self._find(key)
        if at < self._size and self._keys[at] == key:
            return self._store.quantity[self._at[at]]
        return _UNSEEN if at == 0 and self._depth >= 0 and self._size >= self._depth else 0

    cdef bint is_in(self, long long key, Py_ssize_t first, Py_ssize_t end) noexcept:
        """Whether one of these rows is of a key."""
        cdef Py_ssize_t row
        cdef long long price = -key if self._is_asks else key
        for row in range(first, end):
            if self._store.price[row] == price:
                return True
        return False

    cdef int _lay(self, Py_ssize_t row) except -1:
        cdef long long price = self._store.price[row]
        cdef long long key = -price if self._is_asks else price
        cdef Py_ssize_t at = self._find(key), tail = self._size - at
        cdef bint is_there = at < self._size and self._keys[at] == key
        if self._store.quantity[row]:
            if not is_there:
                self._make_room()
                memmove(self._keys + at + 1, self._keys + at, tail * sizeof(long long))
                memmove(self._at + at + 1, self._at + at, tail * sizeof(long long))
                self._keys[at] = key
                self._size += 1
            self._at[at] = row
        elif is_there:
            memmove(self._keys + at, self._keys + at + 1, (tail - 1) * sizeof(long long))
            memmove(self._at + at, self._at + at + 1, (tail - 1) * sizeof(long long))
            self._size -= 1
        return 0

    cdef int _lay_all(self, Py_ssize_t first, Py_ssize_t end, Py_ssize_t depth) except -1:
        cdef Py_ssize_t row
        for row in range(first, end):
            self._lay(row)
        if depth >= 0:
            self._cut(depth)
        return 0

    cdef int _cut(self, Py_ssize_t depth) except -1:
        cdef Py_ssize_t excess = self._size - depth
        if excess > 0:
            memmove(self._keys, self._keys + excess, depth * sizeof(long long))
            memmove(self._at, self._at + excess, depth * sizeof(long long))
            self._size = depth
        return 0

    cdef int _make_room(self) except -1:
        cdef Py_ssize_t room
        cdef void *keys
        cdef void *at
        if self._size == self._room:
            room = 2 * self._room + 32
            keys = PyMem_Realloc(self._keys, room * sizeof(long long))
            if keys is NULL:
                raise MemoryError
            self._keys = <long long *>keys
            at = PyMem_Realloc(self._at, room * sizeof(long long))
            if at is NULL:
                raise MemoryError
            self._at = <long long *>at
            self._room = room
        return 0


@cython.overflowcheck(True)
cdef class FastPlace:
    """One's own order in the queue of its level; see `QueuePlace`."""

    cdef readonly object order_id
    cdef readonly long long key, quantity, shown, low, mid, high
    cdef readonly bint was_alone
    cdef long long[3] done
    cdef long long low_max, mid_max, high_max, printed, displaced, debt, reach, crossed

    def __cinit__(self, order_id, long long key, long long quantity, long long shown, tuple done):
        cdef bint is_seen = shown != _UNSEEN
        self.order_id = order_id
        self.key = key
        self.quantity = quantity
        self.shown = shown
        self.low = self.mid = -shown if is_seen else FAR
        self.high = -shown if is_seen else 0
        self.done[0], self.done[1], self.done[2] = done
        self.low_max = max(quantity - self.done[0], 0)
        self.mid_max = max(quantity - self.done[1], 0)
        self.high_max = max(quantity - self.done[2], 0)
        self.reach = _NO_KEY

    @property
    def fills(self):
        """The filled quantity: pessimistic, expected, optimistic."""
        return (
            self.done[0] + max(self.low, 0),
            self.done[1] + max(self.mid, 0),
            self.done[2] + max(self.high, 0),
        )

    @property
    def ahead(self):
        """The quantity that stands ahead: pessimistic, expected, optimistic."""
        return max(-self.low, 0), max(-self.mid, 0), max(-self.high, 0)

    def resize(self, long long quantity):
        """Take another total quantity; what is filled stays filled."""
        self.quantity = quantity
        self.low_max = max(max(quantity - self.done[0], self.low), 0)
        self.mid_max = max(max(quantity - self.done[1], self.mid), 0)
        self.high_max = max(max(quantity - self.done[2], self.high), 0)


@cython.overflowcheck(True)
cdef class FastQueue:
    """One's own resting orders of one side of one market; see `QueueSide`."""

    cdef readonly list places, news
    cdef readonly long long top, best
    cdef bint _is_hit

    def __cinit__(self):
        self.places = []
        self.news = []
        self.top = self.best = _NO_KEY

    def enter(
        self,
        order_id,
        long long key,
        long long quantity,
        long long shown,
        long long best=_NO_KEY,
        tuple done=(0, 0, 0),
    ):
        """Enter an order behind the quantity that others show at its price."""
        cdef FastPlace place = FastPlace(order_id, key, quantity, shown, done)
        cdef Py_ssize_t at = len(self.places)
        place.was_alone = key > best
        self.best = best
        while at and (<FastPlace>self.places[at - 1]).key < key:
            at -= 1
        self.places.insert(at, place)
        self.top = (<FastPlace>self.places[0]).key
        return place

    def move(
        self,
        FastPlace place,
        long long key,
        long long quantity,
        long long shown,
        long long best=_NO_KEY,
        long long taken=0,
    ):
        """Change an order so that it loses its place; returns the new one."""
        cdef FastPlace new
        cdef long long low, mid, high
        self.leave(place)
        low, mid, high = place.fills
        done = (low + taken, mid + taken, high + taken)
        new = self.enter(place.order_id, key, quantity, shown, best, done)
        if place.high == place.high_max:
            new.low_max = min(new.low_max, place.low_max - max(place.low, 0))
        new.reach = max(place.reach, place.key if place.low > 0 else _NO_KEY)
        new.displaced = place.displaced + place.debt + (low if key <= new.reach else 0)
        new.low -= new.displaced
        return new

    def leave(self, FastPlace place):
        """Remove an order that was canceled or filled."""
        self.places.remove(place)
        self.top = (<FastPlace>self.places[0]).key if self.places else _NO_KEY

    def complete(self, FastPlace place):
        """Fill an order in all three histories."""
        self.put(place, place.low_max, place.mid_max, place.high_max)

    cpdef int trade(self, long long key, long long quantity) except -1:
        """Process a trade whose taker was of the other side."""
        cdef FastPlace place
        cdef long long low = quantity, mid = quantity, high = quantity
        cdef long long left, paid, low_before, mid_before, high_before
        if self.top == _NO_KEY:
            return 0
        self._is_hit = True
        if key > self.top:
            return 0
        for place in self.places:
            if place.key < key:
                break
            left = low
            low_before = max(place.low, 0)
            mid_before = max(place.mid, 0)
            high_before = max(place.high, 0)
            if place.debt:
                paid = min(place.debt, left)
                place.debt -= paid
                left -= paid
                if place.key == key:
                    place.displaced += paid
            if place.key == key:
                self.trade_at(place, quantity, left, mid, high)
            else:
                left += max(place.low, min(-place.displaced, 0))
                self.put(place, left, mid_before + mid, place.high_max)
            low -= max(place.low, 0) - low_before
            mid -= max(place.mid, 0) - mid_before
            high = max(high - max(place.high, 0) + high_before, 0)
        if low < quantity and len(self.places) > 1:
            for place in self.places:
                if place.key < key:
                    place.debt += quantity - low
                elif place.key == key:
                    place.displaced += quantity - low
        return 0

    cpdef int level(self, long long key, long long shown) except -1:
        """Process a level of this side: others show so much at this price."""
        cdef FastPlace place
        cdef long long total
        for place in self.places:
            if place.key != key:
                continue
            if place.shown > 0:
                total = place.shown - place.printed
                if total > shown:
                    cancel(place, total - shown, total)
            place.shown = shown
            place.printed = 0
            place.high = max(place.high, -shown)
            place.mid = max(place.mid, -shown)
            place.low = max(place.low, -shown - place.displaced)
        return 0

    cpdef int hide(self, long long key) except -1:
        """Process that market data does not show a level any more."""
        cdef FastPlace place
        for place in self.places:
            if place.key == key:
                place.shown = _UNSEEN
                place.printed = 0
                place.high = max(place.high, 0)
        return 0

    cpdef int opposite(self, long long key, long long shown) except -1:
        """Process a level of the other side, with the key that its price has on this side."""
        cdef FastPlace place
        cdef long long rest = shown, more, mid, filled
        if key > self.top or shown <= 0:
            return 0
        for place in self.places:
            if place.key < key:
                break
            more = min(rest, shown - place.crossed)
            mid = place.mid
            filled = max(mid, 0)
            if more > 0:
                place.crossed = shown
                mid = filled + more
            self.put(place, place.low, mid, place.high_max)
            rest -= max(place.mid, 0) - filled
        return 0

    cpdef int settle(self, long long best) except -1:
        """End a frame of the book; `best` is the best key that others show on this side."""
        cdef FastPlace place
        self.best = best
        if self.top > best:
            for place in self.places:
                if place.key <= best:
                    break
                place.was_alone = True
                if self._is_hit and place.high < place.high_max:
                    self.put(place, place.low, place.mid, place.high_max)
        self._is_hit = False
        return 0

    cpdef int lose(self) except -1:
        """Process a gap in the data: anything may have traded until levels are shown again."""
        cdef FastPlace place
        self._is_hit = False
        for place in self.places:
            place.shown = _UNSEEN
            place.printed = place.crossed = 0
            self.put(place, place.low, place.mid, place.high_max)
        return 0

    cdef int trade_at(
        self, FastPlace place, long long quantity, long long low, long long mid, long long high
    ) except -1:
        """Process a trade at an order's own price, of which so much is left in each history."""
        cdef long long top = place.high + high
        place.printed += quantity
        if place.key > self.best and place.shown <= 0:
            top = place.high_max
        return self.put(place, place.low + low, place.mid + mid, top)

    cdef int put(self, FastPlace place, long long low, long long mid, long long high) except -1:
        """Set the three places, in order and within the quantity, and report the fills."""
        low = min(low, place.low_max)
        mid = min(max(mid, low), place.mid_max)
        high = min(max(high, mid), place.high_max)
        if low > 0 and low > place.low:
            self.news.append((place, 0, low - max(place.low, 0)))
        if mid > 0 and mid > place.mid:
            self.news.append((place, 1, mid - max(place.mid, 0)))
        if high > 0 and high > place.high:
            self.news.append((place, 2, high - max(place.high, 0)))
        place.low = low
        place.mid = mid
        place.high = high
        return 0


cdef int cancel(FastPlace place, long long gone, long long total) except -1:
    """Process that a part of a level's total left without a trade."""
    if place.high < 0:
        place.high = min(place.high + gone, 0)
    if place.mid < 0:  # in Python's numbers, as the product may be large
        expected = -(<object>place.mid * gone // total)
        place.mid = min(place.mid + min(gone, <long long>expected), 0)
    return 0


cdef class FastContact:
    """One market of a tape where it meets one's own orders; see `Contact`."""

    cdef readonly tuple queues, taken, printed
    cdef readonly bint is_lost
    cdef public object on_fill, on_loss
    cdef FastQueue _buys, _sells
    cdef KeyLadder _bids, _asks
    cdef dict _bids_taken, _asks_taken, _bids_printed, _asks_printed

    def __cinit__(self, KeyLadder bids, KeyLadder asks):
        self._bids, self._asks = bids, asks
        self._buys, self._sells = FastQueue(), FastQueue()
        self.queues = self._buys, self._sells
        self.taken = self._bids_taken, self._asks_taken = {}, {}
        self.printed = self._bids_printed, self._asks_printed = {}, {}

    cdef int trade(self, int side, long long key, long long units) except -1:
        """Process a trade that took from a side."""
        cdef dict printed = self._asks_printed if side else self._bids_printed
        cdef KeyLadder ladder = self._asks if side else self._bids
        if ladder._size:
            printed[key] = printed.get(key, 0) + units
        (self._sells if side else self._buys).trade(key, units)
        return self.tell()

    cdef int message(self, bint is_whole, Py_ssize_t first, Py_ssize_t split, Py_ssize_t end) except -1:
        """Process a message of the book, which is laid: these rows, or all of it."""
        if is_whole and self.is_lost:
            self.resolve()
            self.tell()
        self.side(self._buys, self._bids, self._bids_taken, is_whole, first, split)
        self.side(self._sells, self._asks, self._asks_taken, is_whole, split, end)
        if self._bids_printed:
            self._bids_printed.clear()
        if self._asks_printed:
            self._asks_printed.clear()
        settle(self._buys, self._bids, self._asks, self._asks_taken)
        settle(self._sells, self._asks, self._bids, self._bids_taken)
        return self.tell()

    cdef int status(self, bint is_valid) except -1:
        """Process that the status of the book has changed."""
        self.is_lost = not is_valid
        if self.is_lost and self.on_loss is not None:
            self.on_loss()
        return 0

    cdef int tell(self) except -1:
        if (self._buys.news or self._sells.news) and self.on_fill is not None:
            self.on_fill()
        return 0

    cdef int side(
        self,
        FastQueue queue,
        KeyLadder ladder,
        dict taken,
        bint is_whole,
        Py_ssize_t first,
        Py_ssize_t end,
    ) except -1:
        """Process what is shown now at the keys of one side."""
        cdef FastPlace place
        cdef long long key, units, last = _NO_KEY
        for place in queue.places:
            key = place.key
            if key == last:
                continue
            last = key
            units = ladder.shown(key)
            if units == _UNSEEN:
                queue.hide(key)
            elif is_whole or ladder.is_in(key, first, end):
                queue.level(key, units)
        if taken:
            for at in list(taken):
                key = at
                if (is_whole or ladder.is_in(key, first, end)) and not ladder.shown(key):
                    del taken[at]
        return 0

    cdef int resolve(self) except -1:
        """Decide what happened in a gap, before the levels of the book that ends it."""
        cdef FastPlace place
        cdef long long bid = best_of(self._bids), ask = best_of(self._asks)
        self._buys.lose()
        self._sells.lose()
        if bid == _NO_KEY or ask == _NO_KEY:
            return 0
        for place in list(self._buys.places):
            if bid - ask < 2 * place.key:
                self._buys.complete(place)
        for place in list(self._sells.places):
            if ask - bid < 2 * place.key:
                self._sells.complete(place)
        return 0


cdef int settle(FastQueue queue, KeyLadder ladder, KeyLadder other, dict taken) except -1:
    """End a message of the book for one side."""
    cdef Py_ssize_t at = other._size
    cdef long long top = queue.top
    if top == _NO_KEY:
        return 0
    while at and other._keys[at - 1] >= -top:
        at -= 1
        units = other._store.quantity[other._at[at]] - taken.get(other._keys[at], 0)
        queue.opposite(-other._keys[at], units)
    return queue.settle(best_of(ladder))


cdef class FastMarks:
    """Twice the mids so long after instants; see `Marks`."""

    cdef FastPlayer _player
    cdef array _at_ns, _markets, _mids  # three mids for each instant
    cdef long long _last_ns
    cdef int _last_market
    cdef long long[3] _after_ns
    cdef Py_ssize_t[3] _taken
    cdef Py_ssize_t _size

    def __cinit__(self, FastPlayer player):
        self._player = player
        self._at_ns, self._markets, self._mids = array("q"), array("i"), array("q")
        self._last_ns = self._last_market = -1
        self._after_ns[0], self._after_ns[1], self._after_ns[2] = AFTER_NS

    def add(self, int market, long long at_ns):
        """The number of an instant, which is none before the last one."""
        cdef Py_ssize_t at = self._size
        cdef int number
        if self._last_ns != at_ns or self._last_market != market:
            self._last_ns, self._last_market = at_ns, market
            resize_smart(self._at_ns, at + 1)
            resize_smart(self._markets, at + 1)
            resize_smart(self._mids, 3 * at + 3)
            self._at_ns.data.as_longlongs[at] = at_ns
            self._markets.data.as_ints[at] = market
            for number in range(3):
                self._mids.data.as_longlongs[3 * at + number] = _NO_KEY
            self._size += 1
            self._player.marks_ns = min(self._player.marks_ns, at_ns + self._after_ns[0])
        return self._size - 1

    def of(self, Py_ssize_t number):
        """The marks of an instant; `None` until they are due, and without a valid book then."""
        found = self._mids[3 * number : 3 * number + 3]
        return [None if one == _NO_KEY else one for one in found]

    cdef int take(self, long long now_ns) except -1:
        """Take what is due, from the books as they are."""
        cdef long long *at_ns = self._at_ns.data.as_longlongs
        cdef long long due_ns = _END_NS
        cdef Py_ssize_t at
        cdef int number
        for number in range(3):
            at = self._taken[number]
            while at < self._size and at_ns[at] + self._after_ns[number] <= now_ns:
                self._mids.data.as_longlongs[3 * at + number] = self._player.twice(
                    self._markets.data.as_ints[at]
                )
                at += 1
            self._taken[number] = at
            if at < self._size:
                due_ns = min(due_ns, at_ns[at] + self._after_ns[number])
        self._player.marks_ns = due_ns
        return 0


cdef class FastPlayer:
    """Plays a file from its beginning to its end; see `fluxum.back.player.Player`."""

    cdef readonly list books
    cdef readonly long long now_ns
    cdef readonly Py_ssize_t frame
    cdef public long long alarm_ns, marks_ns
    cdef object _now  # `now_ns` as a number of Python, which is made once for each frame
    cdef readonly FastMarks marks
    cdef readonly list contacts
    cdef object _rows, _columns
    cdef dict _data  # what the next was made of
    cdef bytes _is_direct  # by market: whether its updates are given to the strategy
    cdef _Store _store
    cdef const long long[::1] _frame_ns, _first, _row, _venue_ns, _checksum, _sequence, _extra
    cdef const unsigned char[::1] _kinds
    cdef const unsigned short[::1] _markets
    cdef const int[::1] _split
    cdef Py_ssize_t _frames, _event, _end, _ready
    cdef list _sides, _names, _evidence, _depths
    cdef list _delivers  # by kind, bytes by market

    def __cinit__(self, columns, delivers=None):
        cdef int number
        self._columns = columns
        self._rows = Rows(columns)
        self._store = _Store(columns)
        self._frame_ns = columns.column("frame_ns")
        self._first = columns.column("frame_event")
        self._kinds = columns.column("event_kind")
        self._markets = columns.column("event_market")
        self._row = columns.column("event_row")
        self._split = columns.column("event_split")
        self._venue_ns = columns.column("event_venue_ns")
        self._checksum = columns.column("event_checksum")
        self._sequence = columns.column("event_sequence")
        self._extra = columns.column("event_extra")
        self._frames = columns.frames
        self.alarm_ns = self.marks_ns = _END_NS
        self.marks = FastMarks(self)
        self.frame = self._ready = -1
        self._names = [(market.venue, market.name) for market in columns.markets]
        self.books = []
        self._sides = []
        self.contacts = []
        for number, (venue, symbol) in enumerate(self._names):
            book = Book(
                venue,
                symbol,
                ladder=lambda side, _depth, market=number: KeyLadder(self._store, market, side),
            )
            self.books.append(book)
            self._sides.append(book.bids)
            self._sides.append(book.asks)
            self.contacts.append(FastContact(book.bids, book.asks))
        self._evidence = [book.evidence for book in self.books]
        self._depths = [-1] * len(self.books)
        count = max(len(self.books), 1)
        self._delivers = [
            bytes([delivers is None or bool(delivers(kind, market)) for market in range(count)])
            for kind in range(OTHER + 1)
        ]

    @property
    def next_ns(self):
        cdef Py_ssize_t number = self.frame + 1
        return self._frame_ns[number] if number < self._frames else _END_NS

    def next(self):
        """Apply the next event and return it, or a signal; `None` at the end."""
        return self._make_ready() if self._advance() else self._signal()

    def feed(self, direct):
        """As `next`, but give data to the strategy as long as it intends nothing; see `Direct`."""
        cdef Py_ssize_t count = 0, number
        cdef long long now_ns = direct.view.now_ns, received_ns
        cdef dict markets = direct.markets
        if not markets:
            return self.next()
        if markets is not self._data:
            wanted = markets.get(_BookUpdate, ())
            self._is_direct = bytes([name in wanted for name in self._names])
            self._data = markets
        view, on_event = direct.view, direct.on_event
        while True:
            if not self._advance():
                event = self._signal()
                break
            number = self._ready
            event = self._make_ready()
            if self._kinds[number] == UPDATE and self._is_direct[self._markets[number]]:
                pass
            elif type(event) is _BookUpdate or not is_in(markets, event):
                break
            count += 1
            received_ns = event.received_ns if self._extra[number] else self.now_ns
            if received_ns > now_ns:
                now_ns = received_ns
                view.now_ns = self._now if now_ns == self.now_ns else now_ns
            try:
                found = on_event(event, view)
            except Exception as error:
                direct.found = error
                break
            if found is _EMPTY:
                continue
            if found or type(found) not in _NOTHING:
                direct.found = found
                break
        direct.given(count)
        return event

    cdef bint _advance(self) except -1:
        """Apply what comes, up to an event that is delivered; false at the end, or by the alarm."""
        cdef Py_ssize_t number
        while self._ready < 0:
            if self._event != self._end:
                self._apply()
                continue
            number = self.frame + 1
            if number >= self._frames or self._frame_ns[number] >= self.alarm_ns:
                return False
            self._begin_frame(number)
        return True

    cdef object _signal(self):
        return None if self.frame + 1 >= self._frames and self.alarm_ns == _END_NS else _DUE

    cdef object _make_ready(self):
        """The event that is ready, which is given once."""
        cdef Py_ssize_t number = self._ready
        self._ready = -1
        return self._make(number)

    def skip(self, long long until_ns):
        """Apply what is before an instant, and return none of it."""
        while self.frame + 1 < self._frames and self._frame_ns[self.frame + 1] < until_ns:
            self._begin_frame(self.frame + 1)
            while self._event < self._end:
                self._apply()
            self._ready = -1

    def best(self, int market, int side):
        """The best key of a side; NO_KEY while it is empty."""
        return best_of(<KeyLadder>self._sides[2 * market + side])

    def twice_mid(self, int market):
        """The sum of the best bid and ask, in units; `None` while the book cannot be trusted."""
        cdef long long twice = self.twice(market)
        return None if twice == _NO_KEY else twice

    cdef long long twice(self, int market) except? -1:
        """The same; NO_KEY while the book cannot be trusted."""
        cdef long long bid = best_of(<KeyLadder>self._sides[2 * market])
        cdef long long ask = best_of(<KeyLadder>self._sides[2 * market + 1])
        if bid == _NO_KEY or ask == _NO_KEY or self._evidence[market].status is not _VALID:
            return _NO_KEY
        return bid - ask

    def shown(self, int market, int side, long long key):
        """The quantity at a key, in units; UNSEEN if it is deeper than the book is known."""
        return (<KeyLadder>self._sides[2 * market + side]).shown(key)

    def levels(self, int market, int side, long long worst):
        """The keys of a side and their quantities in units, best first, down to `worst`."""
        cdef KeyLadder ladder = self._sides[2 * market + side]
        cdef Py_ssize_t at = ladder._size
        found = []
        while at and ladder._keys[at - 1] >= worst:
            at -= 1
            found.append((ladder._keys[at], self._store.quantity[ladder._at[at]]))
        return found

    cdef object _make(self, Py_ssize_t number):
        """An event; an update, as nearly all are, without a detour."""
        cdef Py_ssize_t first, split
        cdef int market
        if self._kinds[number] != UPDATE or self._extra[number]:
            return self._rows.event(number, self.now_ns)
        market = self._markets[number]
        first = self._row[number]
        split = first + self._split[number]
        venue, symbol = <tuple>self._names[market]
        return _BookUpdate(
            venue,
            symbol,
            levels_of(self._store, first, split, market) if split > first else (),
            levels_of(self._store, split, self._row[number + 1], market)
            if split < self._row[number + 1]
            else (),
            None if self._venue_ns[number] < 0 else self._venue_ns[number],
            self._now,
            None if self._checksum[number] < 0 else self._checksum[number],
            None if self._sequence[number] < 0 else self._sequence[number],
        )

    cdef int _begin_frame(self, Py_ssize_t number) except -1:
        cdef long long now_ns = self._frame_ns[number]
        if now_ns >= self.marks_ns:
            self.marks.take(now_ns)
        self.frame = number
        self._now = self.now_ns = now_ns
        self._end = self._first[number + 1]
        return 0

    cdef int _apply(self) except -1:
        cdef Py_ssize_t number = self._event, row = self._row[number]
        cdef int kind = self._kinds[number], market = self._markets[number]
        if kind == UPDATE or kind == SNAPSHOT:
            if kind == SNAPSHOT:
                self._begin(number, market)
            else:
                self._lay(number, market)
            (<FastContact>self.contacts[market]).message(
                kind == SNAPSHOT, row, row + self._split[number], self._row[number + 1]
            )
        elif kind != OTHER and not self._split[number]:
            (<FastContact>self.contacts[market]).trade(
                kind == BUY_TRADE,
                -self._store.price[row] if kind == BUY_TRADE else self._store.price[row],
                self._store.quantity[row],
            )
        if (<bytes>self._delivers[kind])[market]:
            self._ready = number
        number += 1
        while number < self._end and self._kinds[number] == STATUS:
            market = self._markets[number]
            set_status(self.books[market], *self._rows.status(number))
            (<FastContact>self.contacts[market]).status(self.books[market].is_valid)
            number += 1
        self._event = number
        return 0

    cdef int _lay(self, Py_ssize_t number, int market) except -1:
        cdef Py_ssize_t first = self._row[number], end = self._row[number + 1]
        cdef Py_ssize_t split = first + self._split[number], depth = self._depths[market]
        if split > first:
            (<KeyLadder>self._sides[2 * market])._lay_all(first, split, depth)
        if end > split:
            (<KeyLadder>self._sides[2 * market + 1])._lay_all(split, end, depth)
        received_ns = self._now
        if self._extra[number]:
            received_ns = self._rows.fields(number).get("received_ns", received_ns)
        self._evidence[market].updated_ns = received_ns
        return 0

    cdef int _begin(self, Py_ssize_t number, int market) except -1:
        """A snapshot: rows without a quantity are skipped, as always."""
        extra = self._rows.fields(number)
        depth = extra.get("depth")
        self._depths[market] = -1 if depth is None else depth
        (<KeyLadder>self._sides[2 * market]).clear()
        (<KeyLadder>self._sides[2 * market + 1]).clear()
        self._lay(number, market)
        ns = extra.get("received_ns", self.now_ns)
        begin(self.books[market], depth, extra.get("cut_at"), ns)
        return 0


cdef long long best_of(KeyLadder ladder) noexcept:
    return ladder._keys[ladder._size - 1] if ladder._size else _NO_KEY


cdef bint is_in(dict markets, event) except -1:
    """Whether an event, or a signal, is of one of these markets."""
    wanted = markets.get(type(event))
    return wanted is not None and (event.venue, event.symbol) in wanted
