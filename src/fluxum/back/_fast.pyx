# cython: language_level=3, wraparound=False, boundscheck=False, cdivision=True
"""The player of prepared tapes, compiled: what `fluxum.back.player` does, many times as fast.

Read `fluxum.back.player` first. A side of a book is one array of keys, worst first, and one of the
rows that rest there; a row becomes a level when it is read. An update's levels are made when they
are read as well.
"""

from decimal import Decimal

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
from fluxum.back.watching import DUE, END_NS, KIND_LEVEL, NO_KEY, TOUCHED, UNSEEN, Touch
from fluxum.back.rows import Rows, begin, set_status
from fluxum.book.book import Book
from fluxum.model.levels import Level
from fluxum.model.market import BookUpdate, Side

__all__ = ["FastPlayer", "KeyLadder", "RowLevels"]

cdef object _Level = Level, _Decimal = Decimal, _BookUpdate = BookUpdate
cdef object _Touch = Touch, _new_tuple = tuple.__new__
cdef object _DUE = DUE, _TOUCHED = TOUCHED
cdef long long _END_NS = END_NS, _NO_KEY = NO_KEY, _UNSEEN = UNSEEN
cdef int SNAPSHOT = KIND_SNAPSHOT, UPDATE = KIND_UPDATE, STATUS = KIND_STATUS
cdef int LEVEL = KIND_LEVEL
cdef int BUY_TRADE = KIND_BUY, SELL_TRADE = KIND_SELL, OTHER = KIND_OTHER
cdef enum:
    WATCHED_MAX = 64
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
    cdef public object depth
    cdef _Store _store
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
        self.depth = None
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


cdef class _Side:
    """One side of a market, and the keys that are watched there."""

    cdef KeyLadder ladder
    cdef long long[WATCHED_MAX] keys
    cdef bint[WATCHED_MAX] hit  # changed by this message
    cdef bint[WATCHED_MAX] unseen  # the book does not reach so deep
    cdef int count
    cdef long long top
    cdef int awake  # messages of the book that touch in any case; kept with the bids

    cdef int watch(self, keys) except -1:
        if len(keys) > WATCHED_MAX:
            raise ValueError(f"at most {WATCHED_MAX} keys of a side can be watched")
        self.count = 0
        self.top = _NO_KEY
        for key in keys:
            self.keys[self.count] = key
            self.hit[self.count] = False
            self.unseen[self.count] = self.shown(key) == _UNSEEN
            self.top = max(self.top, self.keys[self.count])
            self.count += 1
        return 0

    cdef long long shown(self, long long key):
        cdef KeyLadder ladder = self.ladder
        cdef Py_ssize_t at = ladder._find(key)
        if at < ladder._size and ladder._keys[at] == key:
            return ladder._store.quantity[ladder._at[at]]
        if at == 0 and ladder.depth is not None and ladder._size >= ladder.depth:
            return _UNSEEN
        return 0

    cdef int lay(self, Py_ssize_t first, Py_ssize_t end, Py_ssize_t depth) except -1:
        """Lay rows over the ladder, and note which are of a watched key."""
        cdef Py_ssize_t row
        cdef long long key
        cdef int at
        cdef _Store store = self.ladder._store
        for row in range(first, end):
            self.ladder._lay(row)
            if self.count:
                key = -store.price[row] if self.ladder._is_asks else store.price[row]
                for at in range(self.count):
                    if self.keys[at] == key:
                        self.hit[at] = True
        if depth >= 0:
            self.ladder._cut(depth)
        return 0

    cdef int note(self, int market, int number, bint is_all, list touches) except -1:
        """Add what a message changed at watched keys."""
        cdef int at
        cdef long long shown
        cdef bint is_unseen, is_cut
        for at in range(self.count):
            shown = self.shown(self.keys[at])
            is_cut = False
            if not (is_all or self.hit[at]):
                is_unseen = shown == _UNSEEN
                is_cut = is_unseen and not self.unseen[at]
                self.unseen[at] = is_unseen
            if is_all or self.hit[at] or is_cut:
                touches.append(touch_of(market, LEVEL, number, self.keys[at], shown))
            self.hit[at] = False
        return 0


cdef class FastPlayer:
    """Plays a file from its beginning to its end; see `fluxum.back.player.Player`."""

    cdef readonly list books
    cdef readonly long long now_ns
    cdef readonly Py_ssize_t frame
    cdef public long long alarm_ns
    cdef object _rows, _columns
    cdef _Store _store
    cdef const long long[::1] _frame_ns, _first, _row, _venue_ns, _checksum, _sequence, _extra
    cdef const unsigned char[::1] _kinds
    cdef const unsigned short[::1] _markets
    cdef const int[::1] _split
    cdef Py_ssize_t _frames, _event, _end, _ready
    cdef list _sides, _names, _evidence, _depths, _touches
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
        self.alarm_ns = _END_NS
        self.frame = self._ready = -1
        self._touches = []
        self._names = [(market.venue, market.name) for market in columns.markets]
        self.books = []
        self._sides = []
        for number, (venue, symbol) in enumerate(self._names):
            book = Book(
                venue,
                symbol,
                ladder=lambda side, _depth, market=number: KeyLadder(self._store, market, side),
            )
            self.books.append(book)
            self._sides.append(watched(book.bids))
            self._sides.append(watched(book.asks))
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
        cdef Py_ssize_t number
        while True:
            if self._ready >= 0:
                number = self._ready
                self._ready = -1
                return self._make(number)
            if self._event == self._end:
                number = self.frame + 1
                if number >= self._frames:
                    return _DUE if self.alarm_ns != _END_NS else None
                if self._frame_ns[number] >= self.alarm_ns:
                    return _DUE
                self.frame = number
                self.now_ns = self._frame_ns[number]
                self._end = self._first[number + 1]
                continue
            self._apply()
            if self._touches:
                return _TOUCHED

    def skip(self, long long until_ns):
        """Apply what is before an instant, and return none of it."""
        while self.frame + 1 < self._frames and self._frame_ns[self.frame + 1] < until_ns:
            self.frame += 1
            self.now_ns = self._frame_ns[self.frame]
            self._end = self._first[self.frame + 1]
            while self._event < self._end:
                self._apply()
            self._ready = -1
            self._touches.clear()

    def watch(self, int market, bids, asks):
        """Watch these keys of a market, and its trades; without keys the market is not watched."""
        (<_Side>self._sides[2 * market]).watch(bids)
        (<_Side>self._sides[2 * market + 1]).watch(asks)

    def wake(self, int market, int messages):
        """Have at least so many more messages of a market's book among the touches."""
        cdef _Side bids = self._sides[2 * market]
        bids.awake = max(bids.awake, messages)

    def touches(self):
        """What the last event had of watched markets, in its order; empty when read again."""
        touches, self._touches = self._touches, []
        return touches

    def best(self, int market, int side):
        """The best key of a side; NO_KEY while it is empty."""
        return best_of((<_Side>self._sides[2 * market + side]).ladder)

    def shown(self, int market, int side, long long key):
        """The quantity at a key, in units; UNSEEN if it is deeper than the book is known."""
        return (<_Side>self._sides[2 * market + side]).shown(key)

    def levels(self, int market, int side, long long worst):
        """The keys of a side and their quantities in units, best first, down to `worst`."""
        cdef KeyLadder ladder = (<_Side>self._sides[2 * market + side]).ladder
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
            self.now_ns,
            None if self._checksum[number] < 0 else self._checksum[number],
            None if self._sequence[number] < 0 else self._sequence[number],
        )

    cdef int _apply(self) except -1:
        cdef Py_ssize_t number = self._event
        cdef int kind = self._kinds[number], market = self._markets[number]
        cdef _Side bids, asks
        if kind != OTHER:
            bids = self._sides[2 * market]
            asks = self._sides[2 * market + 1]
            if kind == UPDATE or kind == SNAPSHOT:
                if kind == UPDATE:
                    self._lay(number, market, bids, asks)
                else:
                    self._begin(number, market, bids, asks)
                if bids.count or asks.count:
                    self._note(market, kind, bids, asks)
            elif is_watched(bids, asks) and not self._split[number]:
                price, quantity = self._rows.units(number)
                if kind == BUY_TRADE:
                    self._touches.append(touch_of(market, kind, 1, -price, quantity))
                else:
                    self._touches.append(touch_of(market, kind, 0, price, quantity))
        if (<bytes>self._delivers[kind])[market]:
            self._ready = number
        number += 1
        while number < self._end and self._kinds[number] == STATUS:
            market = self._markets[number]
            set_status(self.books[market], *self._rows.status(number))
            if is_watched(self._sides[2 * market], self._sides[2 * market + 1]):
                self._touches.append(touch_of(market, STATUS, 0, 0, 0))
            number += 1
        self._event = number
        return 0

    cdef int _note(self, int market, int kind, _Side bids, _Side asks) except -1:
        """Note what a message changed for those that watch."""
        cdef Py_ssize_t before = len(self._touches)
        bids.note(market, 0, kind == SNAPSHOT, self._touches)
        asks.note(market, 1, kind == SNAPSHOT, self._touches)
        if (
            len(self._touches) != before
            or bids.awake
            or kind == SNAPSHOT
            or crosses(bids, asks)
            or crosses(asks, bids)
        ):
            self._touches.append(touch_of(market, kind, 0, 0, 0))
        if bids.awake:
            bids.awake -= 1
        return 0

    cdef int _lay(self, Py_ssize_t number, int market, _Side bids, _Side asks) except -1:
        cdef Py_ssize_t first = self._row[number], end = self._row[number + 1]
        cdef Py_ssize_t split = first + self._split[number], depth = self._depths[market]
        if split > first:
            bids.lay(first, split, depth)
        if end > split:
            asks.lay(split, end, depth)
        received_ns = self.now_ns
        if self._extra[number]:
            received_ns = self._rows.fields(number).get("received_ns", received_ns)
        self._evidence[market].updated_ns = received_ns
        return 0

    cdef int _begin(self, Py_ssize_t number, int market, _Side bids, _Side asks) except -1:
        """A snapshot: rows without a quantity are skipped, as always."""
        extra = self._rows.fields(number)
        depth = extra.get("depth")
        self._depths[market] = -1 if depth is None else depth
        bids.ladder.clear()
        asks.ladder.clear()
        self._lay(number, market, bids, asks)
        ns = extra.get("received_ns", self.now_ns)
        begin(self.books[market], depth, extra.get("cut_at"), ns)
        return 0


cdef object touch_of(int market, int kind, int side, long long key, long long quantity):
    """A Touch; the call of a named tuple's class would be one of a function in Python."""
    return _new_tuple(_Touch, (market, kind, side, key, quantity))


cdef _Side watched(KeyLadder ladder):
    cdef _Side side = _Side.__new__(_Side)
    side.ladder = ladder
    side.top = _NO_KEY
    return side


cdef long long best_of(KeyLadder ladder) noexcept:
    return ladder._keys[ladder._size - 1] if ladder._size else _NO_KEY


cdef bint is_watched(_Side bids, _Side asks) noexcept:
    return bids.count > 0 or asks.count > 0


cdef bint crosses(_Side side, _Side other) noexcept:
    """Whether the best of the other side is as good as a watched key, or better."""
    return side.count > 0 and other.ladder._size > 0 and -best_of(other.ladder) <= side.top
