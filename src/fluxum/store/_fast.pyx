# cython: language_level=3, wraparound=False, boundscheck=False, cdivision=True
"""Rows that become columns, compiled: what `fluxum.store.buffers` does, many times as fast.

Read `fluxum.store.buffers` first. The values of a column are kept as Arrow has them. A decimal is
read from its text as a number of 1e-12, that of a level from the letters of its frame: neither a
decimal nor a text is made for it. Numbers written in another way than with digits, a point and an exponent, and those of
more than 18 digits, are given to `tables.units`, which decides.
"""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memchr, memcpy, memset

from fluxum.book._fast cimport WireRow
from fluxum.model._fast cimport Places

from fluxum.model.levels import Levels
from fluxum.model.market import BookSnapshot, BookUpdate, Side
from fluxum.store.arrow import arrow
from fluxum.store.tables import COMMON, SCALE, TABLES, Kind, schema, units

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    object PyBytes_FromStringAndSize(const char *letters, Py_ssize_t size)
    char *PyBytes_AS_STRING(object held)
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1

cdef extern from *:
    """
    typedef __int128 fluxum_units;
    """
    ctypedef long long Units "fluxum_units"  # its real size is C's business

__all__ = ["FastBuffer"]

cdef object _Levels = Levels, _BookSnapshot = BookSnapshot, _Side = Side, _units = units
cdef object _BookUpdate = BookUpdate
cdef Places _of_updates = Places(BookUpdate, BookUpdate.__struct_fields__, BookUpdate)
cdef Places _of_levels = Places(Levels, ("rows", "_made"), lambda rows, _: Levels(rows))
cdef object _BID = "bid", _ASK = "ask", _SNAPSHOT = "snapshot", _UPDATE = "update"

cdef enum Held:
    WHOLE
    MONEY
    RATIO
    WORD
    TEXT
    TRUTH

cdef enum:
    COLUMNS_MAX = 24
    DIGITS_MAX = 18
    ROOM = 1024

cdef enum:  # the columns of levels, in their order
    RECEIVED_NS, VENUE_NS, EPOCH, NUMBER, FRAME, KIND
    SIDE, PRICE, QUANTITY, ORDERS  # a level's own; the others are of its message
    SEQUENCE, CHECKSUM, DEPTH, CUT_AT, GENERATION, PROVED, LEVEL_COLUMNS

cdef enum:  # the fields of an update, in their order
    OF_VENUE, OF_SYMBOL, OF_BIDS, OF_ASKS, OF_VENUE_NS, OF_RECEIVED_NS, OF_CHECKSUM, OF_SEQUENCE

assert BookUpdate.__struct_fields__ == (
    "venue", "symbol", "bids", "asks", "venue_ns", "received_ns", "checksum", "sequence"
)

cdef int DECIMALS = SCALE
cdef dict HELD = {
    Kind.RISING: WHOLE, Kind.INT: WHOLE, Kind.FEW: WHOLE, Kind.MONEY: MONEY, Kind.PRICE: MONEY,
    Kind.RATIO: RATIO, Kind.WORD: WORD, Kind.TEXT: TEXT, Kind.NAME: TEXT, Kind.BOOL: TRUTH,
}
cdef dict WIDTHS = {WHOLE: 8, MONEY: 16, RATIO: 16, WORD: 4, TEXT: 0, TRUTH: 1}
cdef long long[DIGITS_MAX + 1] TENS
cdef int _power
TENS[0] = 1
for _power in range(DIGITS_MAX):
    TENS[_power + 1] = TENS[_power] * 10


cdef inline bint read(object text, Units *found) noexcept:
    """Read a number that is exact in units; false for any other text."""
    cdef const unsigned char *at
    if not PyUnicode_IS_COMPACT_ASCII(text):
        return False
    at = PyUnicode_1BYTE_DATA(text)
    return read_letters(at, at + PyUnicode_GET_LENGTH(text), found)


cdef bint read_letters(
    const unsigned char *at, const unsigned char *end, Units *found
) noexcept:
    """Read the number of these letters, if it is exact in units."""
    cdef long long value = 0
    cdef int digits = 0, decimals = 0, power = 0
    cdef bint is_negative = False, is_small = False, has_point = False, has_digit = False
    if at < end and at[0] == c'-':
        is_negative = True
        at += 1
    while at < end:
        if c'0' <= at[0] <= c'9':
            value = value * 10 + (at[0] - c'0')
            decimals += has_point
            digits += value != 0
            if digits > DIGITS_MAX or decimals > 99:
                return False
            has_digit = True
        elif at[0] == c'.' and not has_point:
            has_point = True
        else:
            break
        at += 1
    if not has_digit:
        return False
    if at < end:
        if at[0] != c'E' or end - at < 3 or end - at > 4 or at[1] not in (c'-', c'+'):
            return False
        is_small = at[1] == c'-'
        at += 2
        while at < end:
            if not c'0' <= at[0] <= c'9':
                return False
            power = power * 10 + (at[0] - c'0')
            at += 1
    power = DECIMALS - decimals + (-power if is_small else power)
    if value == 0:
        found[0] = 0
        return True
    while power < 0 and value % 10 == 0:
        value //= 10
        power += 1
    if not 0 <= power <= DIGITS_MAX:
        return False
    found[0] = <Units>value * TENS[power]
    if is_negative:
        found[0] = -found[0]
    return True


cdef struct Column:
    Held held
    Py_ssize_t width
    char *values
    char *valid  # a byte a row


cdef object bits(const char *bytes_, Py_ssize_t count):
    """A bit for each byte that is not 0."""
    cdef Py_ssize_t at
    held = PyBytes_FromStringAndSize(NULL, (count + 7) >> 3)
    cdef char *made = PyBytes_AS_STRING(held)
    memset(made, 0, (count + 7) >> 3)
    for at in range(count):
        if bytes_[at]:
            made[at >> 3] |= <char>(1 << (at & 7))
    return held


cdef class FastBuffer:
    """See `fluxum.store.buffers.Buffer`; the rows are kept column by column."""

    cdef Column[COLUMNS_MAX] columns
    cdef int count
    cdef bint is_levels
    cdef Py_ssize_t rows, room
    cdef list words  # of each column: its words and their numbers
    cdef list texts  # of each column: its texts
    cdef tuple names
    cdef object schema

    def __cinit__(self, str table):
        cdef int at
        kinds = {**({} if table == "coverage" else COMMON), **TABLES[table]}
        assert len(kinds) <= COLUMNS_MAX
        self.count = len(kinds)
        self.names = tuple(kinds)
        self.is_levels = table == "book_level"
        if self.is_levels:
            assert self.names == (
                "received_ns", "venue_ns", "epoch", "n", "frame", "kind",
                "side", "price", "quantity", "orders",
                "sequence", "checksum", "depth", "cut_at", "generation", "proved",
            )
        self.words = [{} for _ in kinds]
        self.texts = [[] for _ in kinds]
        for at, kind in enumerate(kinds.values()):
            self.columns[at].held = HELD[kind]
            self.columns[at].width = WIDTHS[self.columns[at].held]
        self.schema = schema(table)

    def __dealloc__(self):
        self.free()

    cdef void free(self) noexcept:
        """Give all memory of the columns back: of many tables few are busy at a time."""
        cdef int at
        for at in range(self.count):
            PyMem_Free(self.columns[at].values)
            PyMem_Free(self.columns[at].valid)
            self.columns[at].values = self.columns[at].valid = NULL
        self.rows = self.room = 0

    def __len__(self):
        return self.rows

    cdef int reserve(self, Py_ssize_t more) except -1:
        """Make room for so many rows behind the others."""
        cdef Py_ssize_t room
        cdef int at
        cdef char *moved
        if self.rows + more <= self.room:
            return 0
        room = max(ROOM, self.room + (self.room >> 1), self.rows + more)
        for at in range(self.count):
            if self.columns[at].width:
                moved = <char *>PyMem_Realloc(
                    self.columns[at].values, room * self.columns[at].width
                )
                if moved is NULL:
                    raise MemoryError
                self.columns[at].values = moved
            moved = <char *>PyMem_Realloc(self.columns[at].valid, room)
            if moved is NULL:
                raise MemoryError
            self.columns[at].valid = moved
        self.room = room
        return 0

    cdef bint decimal(self, Column *column, Py_ssize_t row, object value) except -1:
        """Put a number, or the text of one; false if it does not fit."""
        cdef Units *place = <Units *>column.values + row
        column.valid[row] = 1
        if read(value if type(value) is str else str(value), place):
            return True
        found = _units(value, is_rounded=column.held == RATIO)
        if found is None:
            return False
        made = found.to_bytes(sizeof(Units), "little", signed=True)
        memcpy(place, PyBytes_AS_STRING(made), sizeof(Units))
        return True

    cdef bint set(self, int at, Py_ssize_t row, object value) except -1:
        """Put a value into a row behind the others; false if it does not fit."""
        cdef Column *column = &self.columns[at]
        cdef int overflow = 0
        cdef Held held = column.held
        if held == TEXT:
            (<list>self.texts[at]).append(value)
        elif value is None:
            column.valid[row] = 0
            memset(column.values + row * column.width, 0, column.width)
        elif held == WHOLE:
            column.valid[row] = 1
            (<long long *>column.values)[row] = PyLong_AsLongLongAndOverflow(value, &overflow)
            return not overflow
        elif held == WORD:
            words = <dict>self.words[at]
            number = words.get(value)
            if number is None:
                number = words[value] = len(words)
            column.valid[row] = 1
            (<int *>column.values)[row] = number
        elif held == TRUTH:
            column.valid[row] = 1
            column.values[row] = value is True
        else:
            return self.decimal(column, row, value)
        return True

    cdef int undo(self, Py_ssize_t row) except -1:
        """Forget a row that was begun behind the others."""
        cdef int at
        cdef list texts
        for at in range(self.count):
            texts = self.texts[at]
            if len(texts) > row:
                del texts[row:]
        return 0

    def add(self, list rows):
        """See `Buffer.add`."""
        cdef int at
        self.reserve(len(rows))
        for row in rows:
            for at in range(self.count):
                if not self.set(at, self.rows, row[at]):
                    raise OverflowError(f"{self.names[at]} is {row[at]}")
            self.rows += 1

    def put(
        self, event, long long epoch, long long number, long long frame, generation, is_proved
    ):
        """See `Buffer.put`."""
        if self.is_levels:
            return self.put_book(event, epoch, number, frame, generation, is_proved)
        return self.put_event(event, epoch, number, frame)

    cdef int put_event(
        self, object event, long long epoch, long long number, long long frame
    ) except -1:
        cdef Py_ssize_t row = self.rows
        cdef int at
        self.reserve(1)
        for at in range(self.count):
            if at == 2 or at == 3 or at == 4:
                self.columns[at].valid[row] = 1
                (<long long *>self.columns[at].values)[row] = (
                    epoch if at == 2 else number if at == 3 else frame
                )
                continue
            if not self.set(at, row, getattr(event, <str>self.names[at])):
                self.undo(row)
                return 0
        self.rows += 1
        return 1

    cdef bint put_wire(self, Py_ssize_t row, WireRow wire) except -1:
        """Put price, quantity and orders of the row of a frame; false if they do not fit."""
        cdef const unsigned char *text = <const unsigned char *>wire.text
        cdef const unsigned char *middle = text + wire.price_length
        cdef const unsigned char *end = middle + wire.quantity_length
        cdef Column *price = &self.columns[PRICE]
        cdef Column *quantity = &self.columns[QUANTITY]
        if not (
            read_letters(text, middle, <Units *>price.values + row)
            and read_letters(middle, end, <Units *>quantity.values + row)
        ):
            return self.put_row(row, wire)
        price.valid[row] = quantity.valid[row] = 1
        self.whole(&self.columns[ORDERS], row, max(wire.orders, 0), wire.orders >= 0)
        return True

    cdef bint put_row(self, Py_ssize_t row, object level) except -1:
        """Put what a `Row` or `DigitedRow` holds; false if it does not fit."""
        orders = level[2] if len(level) == 3 else None
        return (
            self.decimal(&self.columns[PRICE], row, level[0])
            and self.decimal(&self.columns[QUANTITY], row, level[1])
            and self.set(ORDERS, row, None if type(orders) is bytes else orders)
        )

    cdef Py_ssize_t put_side(self, Py_ssize_t row, object side, object levels) except -2:
        """Put what is a level's own, for all of a side; the row behind them, -1 if one is unfit."""
        cdef bint is_wire = type(levels) is _Levels
        for level in _of_levels.get(levels, 0) if is_wire else levels:
            self.set(SIDE, row, side)
            if type(level) is WireRow:
                if not self.put_wire(row, <WireRow>level):
                    return -1
            elif is_wire:
                if not self.put_row(row, level):
                    return -1
            elif not (
                self.decimal(&self.columns[PRICE], row, level.price)
                and self.decimal(&self.columns[QUANTITY], row, level.quantity)
                and self.set(ORDERS, row, level.orders)
            ):
                return -1
            row += 1
        return row

    cdef inline void whole(
        self, Column *column, Py_ssize_t row, long long value, bint is_some
    ) noexcept:
        (<long long *>column.values)[row] = value
        column.valid[row] = is_some

    cdef Py_ssize_t put_book(
        self, object event, long long epoch, long long number, long long frame,
        object generation, object is_proved,
    ) except -1:
        cdef Py_ssize_t first = self.rows, row = first
        if type(event) is _BookUpdate:
            bids, asks = _of_updates.get(event, OF_BIDS), _of_updates.get(event, OF_ASKS)
            received_ns = _of_updates.get(event, OF_RECEIVED_NS)
            venue_ns = _of_updates.get(event, OF_VENUE_NS)
            sequence = _of_updates.get(event, OF_SEQUENCE)
            checksum = _of_updates.get(event, OF_CHECKSUM)
            kind, depth, cut_at = _UPDATE, None, None
        else:
            bids, asks, sequence, checksum = event.bids, event.asks, event.sequence, event.checksum
            received_ns, venue_ns = event.received_ns, event.venue_ns
            kind, depth, cut_at = _SNAPSHOT, event.depth, event.cut_at
        self.reserve(len(bids) + len(asks) + 1)
        row = self.put_side(row, _BID, bids)
        if row >= 0:
            row = self.put_side(row, _ASK, asks)
        if row < 0:
            return 0
        if row == first:
            for at in range(SIDE, ORDERS + 1):
                self.set(at, row, None)
            row += 1
        self.whole(&self.columns[EPOCH], first, epoch, True)
        self.whole(&self.columns[NUMBER], first, number, True)
        self.whole(&self.columns[FRAME], first, frame, True)
        self.set(KIND, first, kind)
        self.set(PROVED, first, is_proved)
        if not (
            self.set(RECEIVED_NS, first, received_ns)
            and self.set(VENUE_NS, first, venue_ns)
            and self.set(SEQUENCE, first, sequence)
            and self.set(CHECKSUM, first, checksum)
            and self.set(DEPTH, first, depth)
            and self.set(CUT_AT, first, cut_at)
            and self.set(GENERATION, first, generation)
        ):
            return 0
        if row > first + 1:
            self.repeat(first, row)
        self.rows = row
        return row - first

    cdef void repeat(self, Py_ssize_t first, Py_ssize_t end) noexcept:
        """Put what is of a message into the rows behind its first as well."""
        cdef int at
        cdef Py_ssize_t copy
        cdef Column *column
        for at in range(LEVEL_COLUMNS):
            if SIDE <= at <= ORDERS:
                continue
            column = &self.columns[at]
            if column.width == 8:
                for copy in range(first + 1, end):
                    (<long long *>column.values)[copy] = (<long long *>column.values)[first]
            elif column.width == 4:
                for copy in range(first + 1, end):
                    (<int *>column.values)[copy] = (<int *>column.values)[first]
            else:
                memset(column.values + first, column.values[first], end - first)
            memset(column.valid + first, column.valid[first], end - first)

    def take(self):
        """See `Buffer.take`."""
        pa = arrow()
        arrays = [self.array(pa, at, field.type) for at, field in enumerate(self.schema)]
        self.clear()
        return pa.record_batch(arrays, schema=self.schema)

    def clear(self):
        """See `Buffer.clear`."""
        cdef int at
        for at in range(self.count):
            (<dict>self.words[at]).clear()
            (<list>self.texts[at]).clear()
        self.free()

    cdef object array(self, object pa, int at, object kind):
        cdef Column *column = &self.columns[at]
        if column.held == TEXT:
            return pa.array(self.texts[at], kind)
        nulls = None
        if memchr(column.valid, 0, self.rows) is not NULL:
            nulls = pa.py_buffer(bits(column.valid, self.rows))
        if column.held == TRUTH:
            values = bits(column.values, self.rows)
        else:
            values = PyBytes_FromStringAndSize(column.values, self.rows * column.width)
        form = kind if column.held != WORD else kind.index_type
        made = pa.Array.from_buffers(form, self.rows, [nulls, pa.py_buffer(values)])
        if column.held == WORD:
            words = [one.value if type(one) is _Side else one for one in self.words[at]]
            words = pa.array(words, kind.value_type)
            return pa.DictionaryArray.from_arrays(made, words)
        return made
