# Updates of books: see `fluxum.venues.book_scan`.

cdef Places _of_updates = Places(BookUpdate, BookUpdate.__struct_fields__, BookUpdate)

cdef long long ORDERS_MAX = 1 << 53


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

    cdef bytes token
    cdef BookKind kind
    cdef bint is_quoted

    def __init__(self, holds, field=None):
        self.kind = BOOK_KINDS[holds]
        if field is not None:
            self.token = field.token
            is_text = self.kind in (BOOK_SYMBOL, BOOK_NAME, BOOK_TIME, BOOK_TEXT)
            self.is_quoted = field.is_quoted or is_text


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
    cdef list head, members, kept, tail
    cdef Names names
    cdef bytes opening, opening_ask, skipped, middle, closing, ending
    cdef bint has_text, has_orders, is_numbered
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
        self.kept = learned(form.fields, &self.names)
        self.venue = form.venue
        self.books = books
        self.head = [one if type(one) is bytes else BookMember(one) for one in form.head]
        self.tail = [one if type(one) is bytes else BookMember(one) for one in form.tail]
        self.members = [BookMember(one.holds, one) for one in form.fields]
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
        cdef Walk walk
        cdef BookMember member
        if at[0] != c'{':
            return NULL
        walk.expected = walk.seen = 0
        while True:
            at = next_member(at + 1, &self.names, &walk)  # behind the brace or the comma
            if at is NULL:
                return NULL
            if walk.place >= 0:
                member = <BookMember>self.members[walk.place]
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
        return at + 1 if walk.seen & self.names.needed == self.names.needed else NULL

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
