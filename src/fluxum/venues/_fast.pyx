# cython: language_level=3, wraparound=False, boundscheck=False, cdivision=True
"""Frames of trades and books, compiled: what `decode` and `normalize` of a venue do, in one pass.

Read `fluxum.venues.trade_scan` and `book_scan` first: they are how this is reached. A frame of any other form is
given back as None, and the venue's own Python reads it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.string cimport memcmp, memcpy, strncmp

from fluxum.book._fast cimport WireRow, levels_of_rows, wire_row
from fluxum.model._fast cimport Places

from decimal import Decimal

from fluxum.errors import BadInput
from fluxum.model.fast import instant
from fluxum.model.market import BookUpdate, Trade
from fluxum.venues.book_form import BookHolds
from fluxum.venues.trade_form import Holds, Hole

cdef extern from "Python.h":
    const void *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

__all__ = ["CompiledBookScanner", "CompiledScanner", "ScannedBooks", "ScannedTrades"]

cdef object _Decimal = Decimal, _instant = instant
cdef object _A_SYMBOL = Hole.SYMBOL
cdef object _A_TEXT = Hole.TEXT, _DUE = Hole.DUE
cdef object _false = False
cdef tuple NAMES = (
    "venue", "symbol", "side", "price", "quantity", "trade_id", "sequence", "order_type",
    "venue_ns", "received_ns", "backfilled",
)
cdef Places _of_trades = Places(
    Trade, NAMES, lambda *values: Trade(**dict(zip(NAMES, values)))
)
cdef Places _of_updates = Places(BookUpdate, BookUpdate.__struct_fields__, BookUpdate)

cdef enum:
    LENGTH = 30  # of a number that is read here; what is longer is read by `exact`
    WHOLE = 18  # digits of a whole number
    NANOS_WHOLE = 19  # digits of nanoseconds that are plausible
    TO_POINT = 20  # characters of 2026-01-31T12:00:00.
    REMEMBERED = 4096  # prices, by their text
    FIELDS = 24  # that a row can have

cdef long long ORDERS_MAX = 1 << 53

cdef enum Kind:
    SYMBOL, SIDE, PRICE, QUANTITY, NUMBER, ID, WHOLE_ID, OTHER_ID, WORD, TIME, MILLIS, NANOS
    WHOLE_NUMBER, TEXT, TOKEN, UNNUMBERED, NO_MEMBER

cdef dict KINDS = {
    Holds.SYMBOL: SYMBOL,
    Holds.SIDE: SIDE,
    Holds.PRICE: PRICE,
    Holds.QUANTITY: QUANTITY,
    Holds.NUMBER: NUMBER,
    Holds.ID: ID,
    Holds.WHOLE_ID: WHOLE_ID,
    Holds.OTHER_ID: OTHER_ID,
    Holds.WORD: WORD,
    Holds.TIME: TIME,
    Holds.MILLIS: MILLIS,
    Holds.NANOS: NANOS,
    Holds.WHOLE: WHOLE_NUMBER,
    Holds.TEXT: TEXT,
    Holds.TOKEN: TOKEN,
    Holds.UNNUMBERED: UNNUMBERED,
    Holds.ABSENT: NO_MEMBER,
}

cdef long long[10] SCALES = [
    1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1
]
cdef long long FIRST_MS = 1_230_940_800_000, LAST_MS = 4_102_444_800_000  # as plausible_millis
cdef long long FIRST_NS = FIRST_MS * 1_000_000, LAST_NS = LAST_MS * 1_000_000

cdef struct Remembered:
    PyObject *price
    Py_ssize_t length
    char[LENGTH] text

cdef Remembered[REMEMBERED] _prices
cdef list _kept = [None] * REMEMBERED  # what keeps them alive


cdef inline const char *text_end(const char *at) noexcept:
    """Behind the plain letters that begin here: no quote, no escape, no control, ASCII alone."""
    while 32 <= <unsigned char>at[0] < 127 and at[0] != c'"' and at[0] != c'\\':
        at += 1
    return at


cdef inline const char *number_end(const char *at, bint *is_some) noexcept:
    """Behind the plain number that begins here, NULL if none does; `is_some` if it is not zero."""
    cdef const char *start = at
    cdef char letters = 0
    if at[0] == c'0' and c'0' <= at[1] <= c'9':
        return NULL
    while c'0' <= at[0] <= c'9':
        letters |= at[0] ^ c'0'
        at += 1
    if at == start:
        return NULL
    if at[0] == c'.':
        at += 1
        if not c'0' <= at[0] <= c'9':
            return NULL
        while c'0' <= at[0] <= c'9':
            letters |= at[0] ^ c'0'
            at += 1
    is_some[0] = letters != 0
    return at if at - start <= LENGTH else NULL


cdef inline const char *whole_end(const char *at, long long *value) noexcept:
    """Behind the whole number that begins here, NULL if none does."""
    cdef const char *start = at
    cdef long long found = 0
    if at[0] == c'0' and c'0' <= at[1] <= c'9':
        return NULL
    while c'0' <= at[0] <= c'9' and at - start <= WHOLE:
        found = found * 10 + (at[0] - c'0')
        at += 1
    value[0] = found
    return at if 0 < at - start <= WHOLE else NULL


cdef inline const char *nanos_end(const char *at, long long *value) noexcept:
    """Behind plausible nanoseconds since the epoch, NULL if none begin here."""
    cdef const char *start = at
    cdef long long found = 0
    if not c'1' <= at[0] <= c'4':  # so that nineteen digits fit
        return NULL
    while c'0' <= at[0] <= c'9' and at - start < NANOS_WHOLE:
        found = found * 10 + (at[0] - c'0')
        at += 1
    value[0] = found
    return at if FIRST_NS <= found < LAST_NS and not c'0' <= at[0] <= c'9' else NULL


cdef inline const char *behind(const char *at, bytes letters) noexcept:
    """Behind these letters, NULL if others are there or `at` is NULL."""
    cdef Py_ssize_t length = PyBytes_GET_SIZE(letters)
    if at is NULL or strncmp(at, PyBytes_AS_STRING(letters), length) != 0:
        return NULL
    return at + length


cdef const char *any_end(const char *at) noexcept:
    """Behind a member that is not read: plain text, a plain number, true, false or null."""
    cdef bint is_some
    if at[0] == c'"':
        at = text_end(at + 1)
        return at + 1 if at[0] == c'"' else NULL
    if at[0] == c't':
        return at + 4 if strncmp(at, b"true", 4) == 0 else NULL
    if at[0] == c'f':
        return at + 5 if strncmp(at, b"false", 5) == 0 else NULL
    if at[0] == c'n':
        return at + 4 if strncmp(at, b"null", 4) == 0 else NULL
    return number_end(at + 1 if at[0] == c'-' else at, &is_some)


cdef inline bint is_same(str known, const char *text, Py_ssize_t length) noexcept:
    """Whether a text of ASCII is known."""
    return (
        PyUnicode_GET_LENGTH(known) == length
        and memcmp(PyUnicode_1BYTE_DATA(known), text, length) == 0
    )


cdef object remembered_price(const char *text, Py_ssize_t length):
    """The decimal of a plain number; prices recur within a short time."""
    cdef unsigned int place = 2166136261
    cdef Py_ssize_t at
    cdef Remembered *kept
    for at in range(length):
        place = (place ^ <unsigned char>text[at]) * 16777619
    place = (place ^ (place >> 16)) % REMEMBERED
    kept = &_prices[place]
    if kept.price is not NULL and kept.length == length and memcmp(kept.text, text, length) == 0:
        return <object>kept.price
    price = _Decimal(PyUnicode_DecodeLatin1(text, length, NULL))
    _kept[place] = price
    kept.price, kept.length = <PyObject *>price, length
    memcpy(kept.text, text, length)
    return price


cdef object made(
    object venue, object symbol, object side, object price, object quantity, object trade_id,
    object sequence, object order_type, object venue_ns, object received_ns
):
    """A trade of values whose types are right."""
    cdef PyObject *given[11]
    given[0] = <PyObject *>venue
    given[1] = <PyObject *>symbol
    given[2] = <PyObject *>side
    given[3] = <PyObject *>price
    given[4] = <PyObject *>quantity
    given[5] = <PyObject *>trade_id
    given[6] = <PyObject *>sequence
    given[7] = <PyObject *>order_type
    given[8] = <PyObject *>venue_ns
    given[9] = <PyObject *>received_ns
    given[10] = <PyObject *>_false
    return _of_trades.make(given)


cdef class Seconds:
    """Reads instants; the second that was read last comes again for many frames."""

    cdef char[TO_POINT] second  # with its point
    cdef long long second_ns

    def __cinit__(self):
        self.second_ns = -1

    cdef long long instant(self, const char *text, Py_ssize_t length) except -2:
        """The instant of RFC 3339 text with a fraction; negative for any other text."""
        cdef long long fraction = 0
        cdef Py_ssize_t at, digits = length - TO_POINT - 1
        if not 0 < digits <= 9 or text[length - 1] != c'Z' or text[TO_POINT - 1] != c'.':
            return -1
        for at in range(TO_POINT, length - 1):
            if not c'0' <= text[at] <= c'9':
                return -1
            fraction = fraction * 10 + (text[at] - c'0')
        fraction *= SCALES[digits]
        if self.second_ns < 0 or memcmp(text, self.second, TO_POINT) != 0:
            try:
                found = _instant(PyUnicode_DecodeLatin1(text, length, NULL))
            except BadInput:
                return -1
            if found is None:
                return -1
            self.second_ns = <long long>found - fraction
            memcpy(self.second, text, TO_POINT)
        return self.second_ns + fraction


cdef class Member:
    """One member of a row: how it is written, and what it is."""

    cdef bytes name
    cdef const char *letters
    cdef Py_ssize_t length
    cdef Kind kind
    cdef bint is_quoted
    cdef list tokens
    cdef list values

    def __init__(self, field):
        self.name = b'"%s":' % field.name.encode("ascii")
        self.letters = PyBytes_AS_STRING(self.name)
        self.length = PyBytes_GET_SIZE(self.name)
        self.kind = KINDS[field.holds]
        self.is_quoted = field.is_quoted or self.kind in (SYMBOL, ID, WORD, TIME, TEXT)
        self.tokens = [one.encode("ascii") for one in field.tokens]
        self.values = list(field.tokens.values())


cdef class ScannedTrades(list):
    """See `fluxum.venues.trade_scan.ScannedTrades`."""

    cdef readonly object symbol, received_ns
    cdef readonly bint is_unbroken
    cdef readonly long long first, last, latest_ns
    cdef readonly Py_ssize_t frames
    cdef bint is_numbered
    cdef str name
    # The frame that is being read: where it begins, and its numbers as far as they were read.
    cdef Py_ssize_t begun
    cdef long long begun_first, begun_last, begun_latest_ns
    cdef object begun_symbol
    cdef str begun_name
    cdef bint is_rising, is_falling, is_by_one

    def __cinit__(self):
        self.is_unbroken = True
        self.first = self.last = self.latest_ns = -1

    cdef int begin(self) except -1:
        self.begun = len(self)
        self.begun_symbol, self.begun_name = self.symbol, self.name
        self.begun_latest_ns = self.latest_ns
        self.is_rising = self.is_falling = self.is_by_one = True
        return 0

    cdef int add(
        self, object trade, object symbol, str name, long long number, long long instant_ns
    ) except -1:
        if len(self) > self.begun:
            self.is_rising = self.is_rising and number > self.begun_last
            self.is_falling = self.is_falling and number < self.begun_last
            self.is_by_one = self.is_by_one and -1 <= number - self.begun_last <= 1
        else:
            self.begun_first = number
        self.is_by_one = self.is_by_one and number >= 0
        self.begun_symbol, self.begun_name, self.begun_last = symbol, name, number
        self.begun_latest_ns = max(self.begun_latest_ns, instant_ns)
        self.append(trade)
        return 0

    cdef bint keep(self, bint is_sorted) except -1:
        """The frame is of the form: it counts, unless its trades have to be sorted."""
        if is_sorted and not self.is_rising:
            if not self.is_falling:
                return False
            self[self.begun:] = self[self.begun:][::-1]
            self.begun_first, self.begun_last = self.begun_last, self.begun_first
            self.is_rising = True
        if self.is_numbered:
            if self.symbol is None:
                self.first = self.begun_first
            elif self.begun_first != self.last + 1:
                self.is_unbroken = False
            self.is_unbroken = self.is_unbroken and self.is_rising and self.is_by_one
        self.symbol, self.name = self.begun_symbol, self.begun_name
        self.last, self.latest_ns = self.begun_last, self.begun_latest_ns
        self.frames += 1
        return True

    cdef int undo(self) except -1:
        del self[self.begun:]
        return 0


cdef class CompiledScanner:
    """See `fluxum.venues.trade_scan.TradeScanner`."""

    cdef object venue
    cdef ScannedTrades spare  # of the last frame that was of another form
    cdef dict symbols, last
    cdef list head, members
    cdef bytes start, tail
    cdef bint is_list, is_sorted, is_numbered
    cdef unsigned int needed
    cdef str word  # the order type that was read last
    cdef Seconds seconds

    def __init__(self, form, symbols, last=None):
        if len(form.fields) > FIELDS:
            raise BadInput(f"a row of at most {FIELDS} fields was expected, was {len(form.fields)}")
        self.venue = form.venue
        self.last = last
        self.symbols = symbols
        self.head = list(form.head)
        self.start = self.head[0] if self.head else b"{"
        self.tail = form.tail
        self.is_list, self.is_sorted = form.is_list, form.is_sorted
        self.is_numbered = any(one.holds is Holds.NUMBER for one in form.fields)
        self.members = [Member(one) for one in form.fields]
        self.needed = sum(1 << at for at, one in enumerate(form.fields) if one.is_needed)
        self.word = ""
        self.seconds = Seconds()

    def scan(self, list frames, Py_ssize_t at, received_ns, long long due=0):
        """See `fluxum.venues.trade_scan.TradeScan`."""
        cdef ScannedTrades found = None, trades
        cdef Py_ssize_t count = len(frames)
        if not self.symbols:
            return None
        frame = frames[at]
        if type(frame) is not bytes or strncmp(
            PyBytes_AS_STRING(frame), PyBytes_AS_STRING(self.start), PyBytes_GET_SIZE(self.start)
        ) != 0:
            return None
        trades = self.spare
        if trades is None:
            trades = ScannedTrades.__new__(ScannedTrades)
        self.spare = None
        trades.received_ns, trades.is_numbered = received_ns, self.is_numbered
        while at < count and trades.is_unbroken:
            if not self.frame(frames[at], trades, due + trades.frames):
                break
            found = trades
            at += 1
        if found is None:
            self.spare = trades
        return found

    cdef bint frame(self, frame, ScannedTrades trades, long long due) except -1:
        """Add the trades of a frame; false, and nothing is added, if it is of another form."""
        cdef const char *at
        cdef const char *end
        cdef Py_ssize_t length
        cdef long long number
        if type(frame) is not bytes:
            return False
        at = PyBytes_AS_STRING(frame)
        end = at + PyBytes_GET_SIZE(frame)
        symbol = None
        for part in self.head:
            if type(part) is bytes:
                length = PyBytes_GET_SIZE(part)
                if strncmp(at, PyBytes_AS_STRING(part), length) != 0:
                    return False
                at += length
            elif part is _A_SYMBOL:
                length = text_end(at) - at
                symbol = self.symbols.get(PyUnicode_DecodeLatin1(at, length, NULL))
                if symbol is None:
                    return False
                at += length
            elif part is _A_TEXT:
                at = text_end(at)
            else:
                at = whole_end(at, &number)
                if at is NULL or (part is _DUE and number != due):
                    return False
        trades.begin()
        while True:
            at = self.row(at, symbol, trades)
            if at is NULL or at[0] != c',' or not self.is_list:
                break
            at += 1
        if at is not NULL:
            length = PyBytes_GET_SIZE(self.tail)
            if strncmp(at, PyBytes_AS_STRING(self.tail), length) == 0 and at + length == end:
                if trades.keep(self.is_sorted):
                    if self.last is not None:
                        self.last[trades.name] = trades.last
                    return True
        trades.undo()
        return False

    cdef const char *row(self, const char *at, object symbol, ScannedTrades trades) except? NULL:
        cdef Py_ssize_t count = len(self.members), expected = 0, tries, place
        cdef unsigned int seen = 0
        cdef long long number = 0
        cdef bint is_some = False
        cdef const char *end
        cdef Member member
        cdef bytes token
        cdef object side = None, price = None, quantity = None, trade_id = None, other_id = None
        cdef object sequence = None, order_type = "", venue_ns
        cdef str name = None
        cdef long long numbered = -1
        cdef bint is_numbered = True
        cdef long long instant_ns = -1
        if at[0] != c'{':
            return NULL
        while True:
            at += 1  # behind the brace or the comma
            member = None
            for tries in range(count):
                place = expected + tries
                if place >= count:
                    place -= count
                member = <Member>self.members[place]
                if strncmp(at, member.letters, member.length) == 0:
                    break
                member = None
            if member is None:  # the venue may add others at any time
                if at[0] != c'"':
                    return NULL
                at = text_end(at + 1)
                if at[0] != c'"' or at[1] != c':':
                    return NULL
                at = any_end(at + 2)
                if at is NULL:
                    return NULL
            else:
                if seen & (1 << place):
                    return NULL
                seen |= 1 << place
                expected = place + 1
                at += member.length
                if member.kind == NO_MEMBER:
                    return NULL
                if member.kind == TOKEN or member.kind == SIDE or member.kind == UNNUMBERED:
                    for tries in range(len(member.tokens)):
                        token = <bytes>member.tokens[tries]
                        if strncmp(at, PyBytes_AS_STRING(token), PyBytes_GET_SIZE(token)) == 0:
                            break
                    else:
                        return NULL
                    at += PyBytes_GET_SIZE(token)
                    if member.kind == SIDE:
                        side = member.values[tries]
                    elif member.kind == UNNUMBERED:
                        is_numbered = False
                else:
                    if member.is_quoted:
                        if at[0] != c'"':
                            return NULL
                        at += 1
                    if member.kind == PRICE or member.kind == QUANTITY:
                        end = number_end(at, &is_some)
                        if end is NULL or not is_some:
                            return NULL
                        if member.kind == PRICE:
                            price = remembered_price(at, end - at)
                        else:
                            quantity = _Decimal(PyUnicode_DecodeLatin1(at, end - at, NULL))
                    elif member.kind in (NUMBER, WHOLE_ID, OTHER_ID, MILLIS, WHOLE_NUMBER):
                        end = whole_end(at, &number)
                        if end is NULL:
                            return NULL
                        if member.kind == WHOLE_NUMBER:
                            pass
                        elif member.kind == OTHER_ID:
                            other_id = PyUnicode_DecodeLatin1(at, end - at, NULL)
                        elif member.kind != MILLIS:
                            trade_id = PyUnicode_DecodeLatin1(at, end - at, NULL)
                            if member.kind == NUMBER:
                                numbered = number
                        elif FIRST_MS <= number < LAST_MS:
                            instant_ns = number * 1_000_000
                        else:
                            return NULL
                    elif member.kind == NANOS:
                        end = nanos_end(at, &instant_ns)
                        if end is NULL:
                            return NULL
                    elif member.kind == TIME:
                        end = text_end(at)
                        instant_ns = self.seconds.instant(at, end - at)
                        if instant_ns < 0:
                            return NULL
                    else:
                        end = text_end(at)
                        if member.kind == TEXT:
                            pass
                        elif member.kind == SYMBOL:
                            name = trades.begun_name
                            if name is not None and is_same(name, at, end - at):
                                symbol = trades.begun_symbol
                            else:
                                name = PyUnicode_DecodeLatin1(at, end - at, NULL)
                                symbol = self.symbols.get(name)
                                if symbol is None:
                                    return NULL
                        elif member.kind == ID:
                            trade_id = PyUnicode_DecodeLatin1(at, end - at, NULL)
                        else:
                            if not is_same(self.word, at, end - at):
                                self.word = PyUnicode_DecodeLatin1(at, end - at, NULL)
                            order_type = self.word
                    at = end
                    if member.is_quoted:
                        if at[0] != c'"':
                            return NULL
                        at += 1
            if at[0] == c'}':
                break
            if at[0] != c',':
                return NULL
        if seen & self.needed != self.needed or symbol is None or (trades.begun_symbol is not None and symbol is not trades.begun_symbol):
            return NULL
        if numbered >= 0 and is_numbered:
            sequence = numbered
        if trade_id is None:
            trade_id = other_id
        venue_ns = None if instant_ns < 0 else instant_ns
        trade = made(
            self.venue, symbol, side, price, quantity, trade_id, sequence, order_type, venue_ns,
            trades.received_ns,
        )
        trades.add(trade, symbol, name, numbered if is_numbered else -1, instant_ns)
        return at + 1


cdef class ScannedBooks(list):
    """See `fluxum.venues.book_scan.ScannedBooks`."""

    @property
    def frames(self):
        return len(self)


cdef enum BookKind:
    BOOK_SYMBOL, BOOK_NAME, BIDS, ASKS, CHECKSUM, BOOK_TIME, BOOK_MILLIS, BOOK_NANOS, BOOK_TOKEN
    BOOK_WHOLE, BOOK_TEXT, ABSENT, LAST, BEFORE, FIRST, OVERLAPPING, NEXT, SIDES, BOOK_DUE

cdef dict BOOK_KINDS = {
    BookHolds.SYMBOL: BOOK_SYMBOL,
    BookHolds.NAME: BOOK_NAME,
    BookHolds.BIDS: BIDS,
    BookHolds.ASKS: ASKS,
    BookHolds.CHECKSUM: CHECKSUM,
    BookHolds.TIME: BOOK_TIME,
    BookHolds.MILLIS: BOOK_MILLIS,
    BookHolds.NANOS: BOOK_NANOS,
    BookHolds.TOKEN: BOOK_TOKEN,
    BookHolds.WHOLE: BOOK_WHOLE,
    BookHolds.TEXT: BOOK_TEXT,
    BookHolds.ABSENT: ABSENT,
    BookHolds.LAST: LAST,
    BookHolds.BEFORE: BEFORE,
    BookHolds.FIRST: FIRST,
    BookHolds.OVERLAPPING: OVERLAPPING,
    BookHolds.NEXT: NEXT,
    BookHolds.SIDES: SIDES,
    BookHolds.DUE: BOOK_DUE,
}


cdef class BookMember:
    """One member of the object of a frame, or a part of its head or tail that changes."""

    cdef bytes name, token
    cdef BookKind kind
    cdef bint is_quoted

    def __init__(self, name, holds, is_quoted=False, token=b""):
        self.name = b'"%s":' % name.encode("ascii") if name else b""
        self.kind, self.token = BOOK_KINDS[holds], token
        self.is_quoted = is_quoted
        if name and self.kind in (BOOK_SYMBOL, BOOK_NAME, BOOK_TIME, BOOK_TEXT):
            self.is_quoted = True


cdef class Followed:
    """One book of a run: whose it is, and the numbers that its frames have come to."""

    cdef object source, symbol
    cdef str name
    cdef long long last, before
    cdef Py_ssize_t frames


cdef class CompiledBookScanner:
    """See `fluxum.venues.book_scan.BookScan`."""

    cdef object venue
    cdef object books
    cdef list head, members, tail
    cdef bytes opening, opening_ask, skipped, middle, closing, ending
    cdef bint has_text, has_orders, is_numbered
    cdef unsigned int needed
    cdef Seconds seconds
    # The run that is being read: its books by their names on the wire, and the one of last.
    cdef dict run
    cdef str key
    cdef Followed book
    # The frame that is being read.
    cdef object bids, asks, checksum
    cdef long long due, first, overlapping, before, last, instant_ns
    cdef list bid_rows, ask_rows

    def __init__(self, form, books):
        if len(form.fields) > FIELDS:
            raise BadInput(f"at most {FIELDS} fields were expected, were {len(form.fields)}")
        self.venue = form.venue
        self.books = books
        self.head = [one if type(one) is bytes else BookMember("", one) for one in form.head]
        self.tail = [one if type(one) is bytes else BookMember("", one) for one in form.tail]
        self.members = [
            BookMember(one.name, one.holds, one.is_quoted, one.token) for one in form.fields
        ]
        self.needed = sum(1 << at for at, one in enumerate(form.fields) if one.is_needed)
        self.is_numbered = any(
            one.holds is BookHolds.LAST or one.holds is BookHolds.NEXT for one in form.fields
        )
        level = form.level
        self.opening, self.middle, self.closing = level.before, level.between, level.behind
        self.ending, self.has_text, self.has_orders = level.last, level.has_text, bool(level.last)
        self.opening_ask, self.skipped = level.before_ask, level.skipped
        self.seconds = Seconds()

    def scan(self, list frames, Py_ssize_t at, received_ns, long long due=0):
        """The updates of the frames from `at` on; None if that frame is of another form."""
        cdef ScannedBooks found = None
        cdef Followed book
        if not self.books:
            return None
        self.run = self.key = None  # since the last run its subscriptions may have ended
        self.due = due
        while at < len(frames):
            update = self.update(frames[at], received_ns)
            if update is None:
                break
            if found is None:
                found = ScannedBooks.__new__(ScannedBooks)
            found.append(update)
            at += 1
            self.due += 1
        if found is not None and self.is_numbered:
            for book in self.run.values():
                if book.frames:
                    book.source.followed(book.last, book.before, book.frames)
        return found

    cdef object update(self, frame, received_ns):
        """The update of a frame, None for one of another form."""
        cdef const char *at
        cdef PyObject *given[8]
        cdef object venue_ns, sequence = None
        cdef Followed book
        if type(frame) is not bytes:
            return None
        self.bids = self.asks = self.checksum = None
        self.first = self.overlapping = self.before = self.last = self.instant_ns = -1
        at = self.parts(self.head, PyBytes_AS_STRING(frame))
        if at is not NULL:
            at = self.members_of(at)
        if at is not NULL:
            at = self.parts(self.tail, at)
        if at is NULL or at != PyBytes_AS_STRING(frame) + PyBytes_GET_SIZE(frame):
            return None
        book = self.book
        if self.is_numbered:
            if self.first >= 0 and self.first != book.last + 1:
                return None
            if self.overlapping > book.last or (self.before >= 0 and self.before != book.last):
                return None
            if self.last <= book.last:
                return None
            book.before, book.last = book.last, self.last
            book.frames += 1
        if self.last >= 0:
            sequence = self.last
        venue_ns = None if self.instant_ns < 0 else self.instant_ns
        given[0] = <PyObject *>self.venue
        given[1] = <PyObject *>book.symbol
        given[2] = <PyObject *>self.bids
        given[3] = <PyObject *>self.asks
        given[4] = <PyObject *>venue_ns
        given[5] = <PyObject *>received_ns
        given[6] = <PyObject *>self.checksum
        given[7] = <PyObject *>sequence
        return _of_updates.make(given)

    cdef const char *parts(self, list parts, const char *at) except? NULL:
        """Behind the parts of a head or tail, NULL if they are others."""
        cdef Py_ssize_t length
        for part in parts:
            if type(part) is bytes:
                length = PyBytes_GET_SIZE(part)
                if strncmp(at, PyBytes_AS_STRING(part), length) != 0:
                    return NULL
                at += length
            else:
                at = self.value(at, <BookMember>part)
                if at is NULL:
                    return NULL
        return at

    cdef const char *members_of(self, const char *at) except? NULL:
        """Behind the object with the levels, NULL if it is another one."""
        cdef Py_ssize_t count = len(self.members), expected = 0, tries, place = 0
        cdef unsigned int seen = 0
        cdef BookMember member
        if at[0] != c'{':
            return NULL
        while True:
            at += 1  # behind the brace or the comma
            member = None
            for tries in range(count):
                place = expected + tries
                if place >= count:
                    place -= count
                member = <BookMember>self.members[place]
                if strncmp(at, PyBytes_AS_STRING(member.name), PyBytes_GET_SIZE(member.name)) == 0:
                    break
                member = None
            if member is None:  # the venue may add others at any time
                if at[0] != c'"':
                    return NULL
                at = text_end(at + 1)
                if at[0] != c'"' or at[1] != c':':
                    return NULL
                at = any_end(at + 2)
            else:
                if seen & (1 << place):
                    return NULL
                seen |= 1 << place
                expected = place + 1
                at += PyBytes_GET_SIZE(member.name)
                if member.is_quoted:
                    if at[0] != c'"':
                        return NULL
                    at = self.value(at + 1, member)
                    if at is NULL or at[0] != c'"':
                        return NULL
                    at += 1
                else:
                    at = self.value(at, member)
            if at is NULL:
                return NULL
            if at[0] == c'}':
                break
            if at[0] != c',':
                return NULL
        return at + 1 if seen & self.needed == self.needed else NULL

    cdef const char *value(self, const char *at, BookMember member) except? NULL:
        """Read what a member holds; behind it, NULL if it is none."""
        cdef const char *end
        cdef long long number = 0
        cdef BookKind kind = member.kind
        if kind == BIDS or kind == ASKS or kind == SIDES:
            if kind != ASKS:
                self.bid_rows = []
            if kind != BIDS:
                self.ask_rows = []
            end = self.levels(at, kind)
            if kind != ASKS:
                self.bids = levels_of_rows(self.bid_rows) if self.bid_rows else ()
            if kind != BIDS:
                self.asks = levels_of_rows(self.ask_rows) if self.ask_rows else ()
            return end
        if kind == BOOK_TOKEN:
            number = PyBytes_GET_SIZE(member.token)
            return at + number if strncmp(at, PyBytes_AS_STRING(member.token), number) == 0 else NULL
        if kind == ABSENT:
            return NULL
        if kind in (BOOK_SYMBOL, BOOK_NAME, BOOK_TEXT, BOOK_TIME):
            end = text_end(at)
            if kind == BOOK_SYMBOL:
                if self.key is None or not is_same(self.key, at, end - at):
                    self.key = PyUnicode_DecodeLatin1(at, end - at, NULL)
                    self.book = self.followed(self.key)
                if self.book is None:
                    return NULL
            elif kind == BOOK_NAME:
                if self.book is None or not is_same(self.book.name, at, end - at):
                    return NULL
            elif kind == BOOK_TIME:
                self.instant_ns = self.seconds.instant(at, end - at)
                if self.instant_ns < 0:
                    return NULL
            return end
        if kind == BOOK_NANOS:
            return nanos_end(at, &self.instant_ns)
        end = whole_end(at, &number)
        if end is NULL or kind == BOOK_WHOLE:
            return end
        if kind == CHECKSUM:
            self.checksum = number
        elif kind == BOOK_MILLIS:
            if not FIRST_MS <= number < LAST_MS:
                return NULL
            self.instant_ns = number * 1_000_000
        elif kind == BEFORE:
            self.before = number
        elif kind == OVERLAPPING:
            self.overlapping = number
        if kind == FIRST or kind == NEXT:
            self.first = number
        if kind == LAST or kind == NEXT or kind == BOOK_DUE:
            self.last = number
        return NULL if kind == BOOK_DUE and number != self.due else end

    cdef Followed followed(self, str key):
        """The book of a name on the wire, None if its frames are not to be scanned."""
        cdef Followed book
        if self.run is None:
            self.run = {}
        book = <Followed>self.run.get(key)
        if book is not None:
            return book
        found = self.books.get(key)
        if found is None:
            return None
        book = Followed.__new__(Followed)
        if self.is_numbered:
            last = found.due()
            if last is None or last < 0:
                return None
            book.source, book.symbol, book.name = found, found.symbol, found.name
            book.last = last
        elif type(found) is tuple:
            if len(found) != 1:
                return None
            book.symbol = found[0]
        else:
            book.symbol = found
        self.run[key] = book
        return book

    cdef const char *levels(self, const char *at, BookKind kind) except? NULL:
        """Read a list of levels of one side, or of both."""
        cdef const char *price
        cdef const char *price_end
        cdef const char *quantity
        cdef const char *quantity_end
        cdef long long orders = -1
        cdef bint is_some = False
        cdef list rows = self.ask_rows if kind == ASKS else self.bid_rows
        cdef WireRow row
        if at[0] != c'[':
            return NULL
        at += 1
        if at[0] == c']':
            return at + 1
        while True:
            price = behind(at, self.opening)
            if kind == SIDES:
                rows = self.bid_rows
                if price is NULL:
                    price = behind(at, self.opening_ask)
                    rows = self.ask_rows
                if price is not NULL and PyBytes_GET_SIZE(self.skipped):
                    price = behind(text_end(price), self.skipped)
            if price is NULL:
                return NULL
            price_end = number_end(price, &is_some)
            quantity = behind(price_end, self.middle)
            if quantity is NULL:
                return NULL
            quantity_end = number_end(quantity, &is_some)
            at = behind(quantity_end, self.closing)
            if at is not NULL and self.has_orders:
                at = whole_end(at, &orders)
                at = behind(at, self.ending) if orders <= ORDERS_MAX else NULL
            if at is NULL:
                return NULL
            row = wire_row(
                price, price_end - price, quantity, quantity_end - quantity, self.has_text, orders
            )
            if row is None:
                return NULL
            rows.append(row)
            if at[0] == c']':
                return at + 1
            if at[0] != c',':
                return NULL
            at += 1
