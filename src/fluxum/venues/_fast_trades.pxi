# Frames of trades: see `fluxum.venues.trade_scan`.

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


cdef enum:
    REMEMBERED = 4096  # prices, by their text

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


cdef struct Remembered:
    PyObject *price
    Py_ssize_t length
    char[LENGTH] text

cdef Remembered[REMEMBERED] _prices
cdef list _kept = [None] * REMEMBERED  # what keeps them alive


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


cdef class Member:
    """One member of a row: what it is, and how that is written."""

    cdef Kind kind
    cdef bint is_quoted
    cdef list tokens
    cdef list values

    def __init__(self, field):
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
    """See `fluxum.venues.trade_scan.TradeScan`."""

    cdef object venue
    cdef ScannedTrades spare  # of the last frame that was of another form
    cdef dict symbols, last
    cdef list head, members, kept
    cdef Names names
    cdef bytes start, tail
    cdef bint is_list, is_sorted, is_numbered
    cdef str word  # the order type that was read last
    cdef Seconds seconds

    def __init__(self, form, symbols, last=None):
        self.kept = learned(form.fields, &self.names)
        self.venue = form.venue
        self.last = last
        self.symbols = symbols
        self.head = list(form.head)
        self.start = self.head[0] if self.head else b"{"
        self.tail = form.tail
        self.is_list, self.is_sorted = form.is_list, form.is_sorted
        self.is_numbered = any(one.holds is Holds.NUMBER for one in form.fields)
        self.members = [Member(one) for one in form.fields]
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
        cdef Walk walk
        cdef Py_ssize_t tries
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
        walk.expected = walk.seen = 0
        while True:
            at = next_member(at + 1, &self.names, &walk)  # behind the brace or the comma
            if at is NULL:
                return NULL
            if walk.place >= 0:
                member = <Member>self.members[walk.place]
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
        if walk.seen & self.names.needed != self.names.needed or symbol is None:
            return NULL
        if trades.begun_symbol is not None and symbol is not trades.begun_symbol:
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


