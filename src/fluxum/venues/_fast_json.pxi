# What both scanners read of JSON: plain texts and numbers, names of members, instants.

cdef object _Decimal = Decimal, _instant = instant

cdef enum:
    LENGTH = 30  # of a number that is read here; what is longer is read by `exact`
    WHOLE = 18  # digits of a whole number
    NANOS_WHOLE = 19  # digits of nanoseconds that are plausible
    TO_POINT = 20  # characters of 2026-01-31T12:00:00.
    FIELDS = 24  # that an object can have

cdef long long[10] SCALES = [
    1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1
]
cdef long long FIRST_MS = 1_230_940_800_000, LAST_MS = 4_102_444_800_000  # as plausible_millis
cdef long long FIRST_NS = FIRST_MS * 1_000_000, LAST_NS = LAST_MS * 1_000_000


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


cdef struct Name:
    const char *letters  # with its quotes and its colon
    Py_ssize_t length

cdef struct Names:
    Name[FIELDS] each
    Py_ssize_t count
    unsigned int needed  # a bit of each

cdef struct Walk:
    Py_ssize_t place  # of the member that was found, negative if it is not described
    Py_ssize_t expected  # of the member that comes next, as far as the venue keeps its order
    unsigned int seen  # a bit of each


cdef list learned(fields, Names *names):
    """The names of the members of an object, which have to be kept as long as `names`."""
    if len(fields) > FIELDS:
        raise BadInput(f"at most {FIELDS} fields were expected, were {len(fields)}")
    cdef list kept = [b'"%s":' % one.name.encode("ascii") for one in fields]
    cdef Py_ssize_t at
    names.count, names.needed = len(kept), 0
    for at in range(names.count):
        names.each[at].letters = PyBytes_AS_STRING(kept[at])
        names.each[at].length = PyBytes_GET_SIZE(kept[at])
        if fields[at].is_needed:
            names.needed |= 1u << at
    return kept


cdef inline const char *next_member(const char *at, const Names *names, Walk *walk) noexcept:
    """Behind the name of the next member, or behind all of one that is not described.

    NULL if there is none, or one that is described comes twice. The venue may add others at any
    time.
    """
    cdef Py_ssize_t tries, place = walk.expected
    for tries in range(names.count):
        if place >= names.count:
            place = 0
        if strncmp(at, names.each[place].letters, names.each[place].length) == 0:
            if walk.seen & (1u << place):
                return NULL
            walk.seen |= 1u << place
            walk.place, walk.expected = place, place + 1
            return at + names.each[place].length
        place += 1
    walk.place = -1
    if at[0] != c'"':
        return NULL
    at = text_end(at + 1)
    return any_end(at + 2) if at[0] == c'"' and at[1] == c':' else NULL


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


