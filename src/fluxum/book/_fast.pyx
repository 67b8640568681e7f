# cython: language_level=3, wraparound=False, cdivision=True
"""One side of a book, compiled: what `fluxum.book.ladder` does, several times as fast.

Read `fluxum.book.fast` first: it is how this is reached, and says what is there without it.

Places are kept in one array by their prices in units of 1e-18, worst first, so that what changes
near the best moves little. What rests at a place is kept as it came, a level or the row of a
frame, and a row becomes a level when it is read. Of a row's quantity no more is looked at than
whether it is a number, and zero.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from libc.string cimport memcpy, memmove

from fluxum.model._fast cimport Places

from zlib import crc32

from fluxum.book.proof import BookStatus
from fluxum.errors import RemoteProtocolError
from fluxum.model.levels import Level, Levels, level_of
from fluxum.model.market import BookUpdate, Side
from fluxum.model.numbers import exact

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    object PyUnicode_DecodeLatin1(const char *letters, Py_ssize_t size, const char *errors)
    object PyBytes_FromStringAndSize(const char *letters, Py_ssize_t size)
    int PyList_SetSlice(object items, Py_ssize_t low, Py_ssize_t high, PyObject *others) except -1

__all__ = ["FastLadder", "WireRow", "changes", "digited", "follow"]

cdef object _Level = Level, _Levels = Levels, _level_of = level_of
cdef object _exact = exact, _crc32 = crc32, _VALID = BookStatus.VALID
cdef Places _of_levels = Places(Levels, ("rows", "_made"), lambda rows, _: Levels(rows))
cdef Places _of_updates = Places(BookUpdate, BookUpdate.__struct_fields__, BookUpdate)

cdef enum:
    JOINED = 32  # levels a side of a checksum that is computed here

cdef enum Field:  # of an update, in their order
    VENUE, SYMBOL, BIDS, ASKS, VENUE_NS, RECEIVED_NS, CHECKSUM, SEQUENCE

assert BookUpdate.__struct_fields__ == (
    "venue", "symbol", "bids", "asks", "venue_ns", "received_ns", "checksum", "sequence"
)

cdef unsigned long long[DECIMALS + 1] TENS
cdef int _power
TENS[0] = 1
for _power in range(DECIMALS):
    TENS[_power + 1] = TENS[_power] * 10


cdef bint read(object text, Price *digits, Py_ssize_t *decimals) noexcept:
    """Read a number of digits and at most one point; false for any other text."""
    cdef Py_ssize_t length, at, point = -1
    cdef const unsigned char *letters
    cdef unsigned char letter
    cdef Price value = 0
    if not isinstance(text, str) or not PyUnicode_IS_COMPACT_ASCII(text):
        return False
    length = PyUnicode_GET_LENGTH(text)
    if length > LENGTH:
        return False
    letters = PyUnicode_1BYTE_DATA(text)
    for at in range(length):
        letter = letters[at]
        if c'0' <= letter <= c'9':
            value = value * 10 + (letter - c'0')
        elif letter == c'.' and point < 0:
            point = at
        else:
            return False
    digits[0] = value
    decimals[0] = 0 if point < 0 else length - point - 1
    return length > (point >= 0)


cdef Price price_of(object text) except? 0:
    """A price in units of 1e-18; raises RemoteProtocolError for text that is none."""
    cdef Price digits = 0
    cdef Py_ssize_t decimals = 0
    # What is written otherwise, as 1e5 or -0, is read by `exact` and once more without that.
    if read(text, &digits, &decimals) or read(format(abs(_exact(text)), "f"), &digits, &decimals):
        while decimals > DECIMALS and digits % 10 == 0:
            digits, decimals = digits // 10, decimals - 1
        if decimals <= DECIMALS and digits < 100 * <Price>TENS[DECIMALS] * TENS[decimals]:
            return digits * TENS[DECIMALS - decimals]
    raise RemoteProtocolError(
        f"a price below 1e20 of at most {DECIMALS} decimals was expected, was {text!r}"
    )


cdef int is_some(object text) except -1:
    """Whether a quantity is more than zero; raises RemoteProtocolError for text that is none."""
    cdef Price digits = 0
    cdef Py_ssize_t decimals = 0
    return digits != 0 if read(text, &digits, &decimals) else bool(_exact(text))


def changes(rows):
    """Levels of a frame's rows, which are proved to hold numbers; raises RemoteProtocolError."""
    if not rows:
        return ()
    for row in rows:
        price_of(row[0])
        is_some(row[1])
    return _Levels(rows)


cdef object text_of(object raw):
    cdef Py_buffer view
    PyObject_GetBuffer(raw, &view, PyBUF_SIMPLE)
    try:
        return PyUnicode_DecodeLatin1(<const char *>view.buf, view.len, NULL)
    finally:
        PyBuffer_Release(&view)


cdef Py_ssize_t add_digits(object text, char *digits) noexcept:
    """The digits of a plain number without its leading zeros, and how many they are."""
    cdef const unsigned char *letters = PyUnicode_1BYTE_DATA(text)
    cdef Py_ssize_t at, count = 0
    for at in range(PyUnicode_GET_LENGTH(text)):
        if letters[at] != c'.' and (count or letters[at] != c'0'):
            digits[count] = letters[at]
            count += 1
    return count


def digited(levels):
    """See `fluxum.book.fast.digited`."""
    cdef Price price = 0, quantity = 0
    cdef Py_ssize_t decimals = 0, count
    cdef char[2 * LENGTH] digits
    cdef list rows = []
    for level in levels:
        price_text, quantity_text = text_of(level.price), text_of(level.qty)
        if not read(price_text, &price, &decimals) or decimals > DECIMALS:
            return None
        if not read(quantity_text, &quantity, &decimals):
            return None
        if not quantity:
            rows.append((price_text, quantity_text))
            continue
        count = add_digits(price_text, digits)
        count += add_digits(quantity_text, digits + count)
        rows.append((price_text, quantity_text, PyBytes_FromStringAndSize(digits, count)))
    return _Levels(rows)


@cython.final
@cython.freelist(512)
cdef class WireRow:
    """A row of a scanned frame in one piece: a `Row` or `DigitedRow`, and the place of its price."""

    def __len__(self):
        return 3 if self.orders >= 0 or (self.has_text and self.is_some) else 2

    def __getitem__(self, Py_ssize_t at):
        if at == 0:
            return PyUnicode_DecodeLatin1(self.text, self.price_length, NULL)
        if at == 1:
            return PyUnicode_DecodeLatin1(self.text + self.price_length, self.quantity_length, NULL)
        if at == 2 and self.orders >= 0:
            return self.orders
        if at == 2 and self.has_text and self.is_some:
            return PyBytes_FromStringAndSize(self.digits, self.digits_length)
        raise IndexError(f"a row has {len(self)} members, asked for {at}")

    def __reduce__(self):
        return tuple, (tuple(self),)


cdef WireRow wire_row(
    const char *price, Py_ssize_t price_length, const char *quantity, Py_ssize_t quantity_length,
    bint has_text, long long orders
):
    """A row of two plain numbers of at most `LENGTH` letters; None for a price without a place."""
    cdef WireRow row = WireRow.__new__(WireRow)
    cdef Py_ssize_t at, point = price_length
    cdef Py_ssize_t count = 0
    cdef Price value = 0
    cdef char letter
    memcpy(row.text, price, price_length)
    memcpy(row.text + price_length, quantity, quantity_length)
    row.price_length, row.quantity_length = price_length, quantity_length
    row.has_text, row.orders = has_text, orders
    for at in range(price_length):
        letter = price[at]
        if letter == c'.':
            point = at + 1
            continue
        value = value * 10 + (letter - c'0')
        if count or letter != c'0':
            row.digits[count] = letter
            count += 1
    if price_length - point > DECIMALS:
        return None
    if value >= 100 * <Price>TENS[DECIMALS] * TENS[price_length - point]:
        return None
    row.price = value * TENS[DECIMALS - (price_length - point)]
    row.digits_length = count
    for at in range(quantity_length):
        letter = quantity[at]
        if letter != c'.' and (row.digits_length > count or letter != c'0'):
            row.digits[row.digits_length] = letter
            row.digits_length += 1
    row.is_some = row.digits_length > count
    if not has_text:
        row.digits_length = 0
    return row


cdef object levels_of_rows(list rows):
    """Levels of rows in their order."""
    cdef PyObject *given[2]
    given[0], given[1] = <PyObject *>rows, <PyObject *>None
    return _of_levels.make(given)


cdef class FastLadder:
    """The levels of one side. Best means highest for bids, lowest for asks."""

    cdef readonly object side
    cdef public object depth
    cdef public object joined_text
    cdef bint _is_asks
    cdef Price *_prices  # those of asks inverted: the best is the greatest on either side
    cdef Py_ssize_t _room
    cdef list _rests

    def __cinit__(self, side, depth=None):
        self.side = side
        self.depth = depth
        self.joined_text = None
        self._is_asks = side is Side.SELL
        self._rests = []

    def __dealloc__(self):
        PyMem_Free(self._prices)

    def __len__(self):
        return len(self._rests)

    def __iter__(self):
        cdef Py_ssize_t at = len(self._rests)
        while at > 0:
            at = min(at, <Py_ssize_t>len(self._rests)) - 1
            yield self._level(at)

    @property
    def best(self):
        cdef Py_ssize_t count = len(self._rests)
        return self._level(count - 1) if count else None

    def top(self, Py_ssize_t count):
        cdef Py_ssize_t size = len(self._rests), at
        return [self._level(at) for at in range(size - 1, max(size - count, 0) - 1, -1)]

    def at(self, price):
        cdef Price key
        cdef Py_ssize_t at
        try:
            key = self._key(str(price))
        except RemoteProtocolError:  # a reader may ask for any price
            return None
        at = self._find(key)
        is_there = at < len(self._rests) and self._prices[at] == key
        return self._level(at) if is_there else None

    def reach(self, price):
        return len(self._rests) - self._find(self._key(str(price)))

    def crosses(self, FastLadder asks):
        return self._crosses(asks)

    cdef bint _crosses(self, FastLadder asks) noexcept:
        cdef Py_ssize_t bid = len(self._rests), ask = len(asks._rests)
        if not bid or not ask:
            return False
        return self._prices[bid - 1] >= ~asks._prices[ask - 1]

    def put(self, level):
        before = self.at(level.price)
        self.lay((level,))
        return before

    def lay(self, changes):
        self.joined_text = None
        if type(changes) is not _Levels:
            for level in changes:
                self._set(self._key(str(level.price)), level, bool(level.quantity))
            return
        self._lay(changes)

    def replace(self, levels):
        cdef Py_ssize_t size
        cdef Price key
        self.clear()
        ordered = [level for level in levels if level.quantity]
        ordered.sort(key=_price_of, reverse=self._is_asks)
        for level in ordered:
            key = self._key(str(level.price))
            size = len(self._rests)
            if size and self._prices[size - 1] == key:
                self._rests[size - 1] = level
            else:
                self._insert(size, key, level)

    def cut(self):
        cdef Py_ssize_t size = len(self._rests), at
        if self.depth is None or size <= self.depth:
            return []
        dropped = [self._level(at) for at in range(size - <Py_ssize_t>self.depth)]
        self.trim()
        return dropped

    def trim(self):
        self._trim()

    def clear(self):
        self._rests.clear()
        self.joined_text = None

    def joined(self, Py_ssize_t count):
        cdef Py_ssize_t size = len(self._rests), at
        if self.joined_text is None:
            self.joined_text = b"".join(
                [_text(self._rests[at]) for at in range(size - 1, max(size - count, 0) - 1, -1)]
            )
        return self.joined_text

    cdef int _lay(self, object levels) except -1:
        cdef WireRow wire
        cdef object row
        for row in _of_levels.get(levels, 0):
            if type(row) is WireRow:
                wire = <WireRow>row
                self._set(~wire.price if self._is_asks else wire.price, wire, wire.is_some)
            else:
                self._set(self._key(row[0]), row, is_some(row[1]))
        return 0

    cdef int _trim(self) except -1:
        cdef Py_ssize_t size = len(self._rests), excess
        if self.depth is None or size <= self.depth:
            return 0
        self.joined_text = None
        excess = size - <Py_ssize_t>self.depth
        memmove(self._prices, self._prices + excess, (size - excess) * sizeof(Price))
        PyList_SetSlice(self._rests, 0, excess, NULL)
        return 0

    cdef Py_ssize_t _gather(self, char *to, Py_ssize_t count) except -2:
        """Write the checksum texts of the best levels, best first; -1 if one is too long."""
        cdef Py_ssize_t at, size = len(self._rests), length = 0
        cdef WireRow wire
        cdef bytes text
        for at in range(size - 1, max(size - count, 0) - 1, -1):
            rest = self._rests[at]
            if type(rest) is WireRow:
                wire = <WireRow>rest
                memcpy(to + length, wire.digits, wire.digits_length)
                length += wire.digits_length
            else:
                text = _text(rest)
                if PyBytes_GET_SIZE(text) > 2 * LENGTH:
                    return -1
                memcpy(to + length, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
                length += PyBytes_GET_SIZE(text)
        return length

    cdef Price _key(self, object text) except? 0:
        cdef Price price = price_of(text)
        return ~price if self._is_asks else price

    cdef Py_ssize_t _find(self, Price key) noexcept:
        """The first place that is as good as this or better."""
        cdef Py_ssize_t low = 0, high = len(self._rests), middle
        while low < high:
            middle = (low + high) >> 1
            if self._prices[middle] < key:
                low = middle + 1
            else:
                high = middle
        return low

    cdef int _set(self, Price key, object rest, bint stays) except -1:
        cdef Py_ssize_t at = self._find(key), size = len(self._rests)
        cdef bint is_there = at < size and self._prices[at] == key
        if stays and is_there:
            self._rests[at] = rest
        elif stays:
            self._insert(at, key, rest)
        elif is_there:
            memmove(self._prices + at, self._prices + at + 1, (size - at - 1) * sizeof(Price))
            del self._rests[at]
        return 0

    cdef int _insert(self, Py_ssize_t at, Price key, object rest) except -1:
        cdef Py_ssize_t size = len(self._rests), room
        cdef void *grown
        if size == self._room:
            room = 2 * size + 32
            grown = PyMem_Realloc(self._prices, room * sizeof(Price))
            if grown is NULL:
                raise MemoryError
            self._prices, self._room = <Price *>grown, room
        self._rests.insert(at, rest)
        memmove(self._prices + at + 1, self._prices + at, (size - at) * sizeof(Price))
        self._prices[at] = key
        return 0

    cdef object _level(self, Py_ssize_t at):
        rest = self._rests[at]
        if type(rest) is not _Level:
            rest = self._rests[at] = _level_of(rest)
        return rest


cdef object _text(object rest):
    """What a checksum reads of a level, which need not be made for that."""
    if type(rest) is _Level:
        return rest.text
    if type(rest) is WireRow:
        return PyBytes_FromStringAndSize((<WireRow>rest).digits, (<WireRow>rest).digits_length)
    return rest[2] if len(rest) == 3 and isinstance(rest[2], bytes) else b""


def _price_of(level):
    return level.price


cdef bint has_checksum(FastLadder bids, FastLadder asks, Py_ssize_t count, object expected) except -1:
    """Whether the CRC32 over the best levels of both sides is the one that is expected."""
    cdef char[4 * JOINED * LENGTH] joined
    cdef Py_ssize_t of_asks = asks._gather(joined, count), of_bids
    if of_asks < 0:
        return False
    of_bids = bids._gather(joined + of_asks, count)
    if of_bids < 0:
        return False
    return _crc32(PyBytes_FromStringAndSize(joined, of_asks + of_bids)) == expected


cdef class Stretch:
    """Updates of one book that passed one after another, noted in its evidence at their end."""

    cdef object evidence, symbol, last, checksum, sequence
    cdef FastLadder bids, asks
    cdef Py_ssize_t passed

    cdef bint begin(self, object book, object symbol) except -1:
        """Whether the book is as nearly always: live, valid, without a flaw."""
        self.symbol = None
        if book is None or type(book.bids) is not FastLadder:
            return False
        self.evidence = evidence = book.evidence
        if not evidence.live or evidence.status is not _VALID or evidence.flaw:
            return False
        self.symbol, self.bids, self.asks = symbol, book.bids, book.asks
        self.passed, self.last, self.checksum, self.sequence = 0, None, None, None
        return True

    cdef int lay(self, object update) except -1:
        self.lay_side(self.bids, _of_updates.get(update, BIDS))
        self.lay_side(self.asks, _of_updates.get(update, ASKS))
        return 0

    cdef int lay_side(self, FastLadder ladder, object levels) except -1:
        if type(levels) is _Levels:
            ladder.joined_text = None
            ladder._lay(levels)
        elif levels:
            ladder.lay(levels)
        else:
            return 0
        ladder._trim()
        return 0

    cdef int note(self) except -1:
        if self.symbol is None or not self.passed:
            return 0
        evidence, last = self.evidence, self.last
        evidence.updated_ns = evidence.proved_ns = last.received_ns
        evidence.venue_ns = last.venue_ns
        evidence.checks += self.passed
        if self.checksum is not None:
            evidence.checksum = self.checksum
        if self.sequence is not None:
            evidence.sequence = self.sequence
        return 0


def follow(dict books, scanned, Py_ssize_t at, Py_ssize_t joined):
    """See `fluxum.book.fast.follow`."""
    if not isinstance(scanned, list):
        raise TypeError(f"a list of updates was expected, was {type(scanned).__name__}")
    cdef list updates = <list>scanned
    cdef Py_ssize_t begun = at, count = len(updates)
    cdef Stretch stretch = Stretch.__new__(Stretch)
    cdef bint is_applied = False
    while at < count:
        update = updates[at]
        symbol = _of_updates.get(update, SYMBOL)
        if symbol is not stretch.symbol:
            stretch.note()
            if not stretch.begin(books.get(symbol), symbol):
                break
        checksum, sequence = _of_updates.get(update, CHECKSUM), _of_updates.get(update, SEQUENCE)
        if joined < 0:
            checksum = None
        if not 0 < joined <= JOINED if checksum is not None else sequence is None:
            break
        stretch.lay(update)
        if checksum is not None:
            if not has_checksum(stretch.bids, stretch.asks, joined, checksum):
                is_applied = True
                break
            stretch.checksum = checksum
        else:
            stretch.sequence = sequence
        if stretch.bids._crosses(stretch.asks):
            is_applied = True
            break
        stretch.passed += 1
        stretch.last = update
        at += 1
    stretch.note()
    return at - begun, is_applied
