# cython: language_level=3, wraparound=False, cdivision=True
"""Numbers and instants of the wire, compiled: what `model.numbers` and `model.instant` do, faster.

Read `fluxum.model.fast` first: it is how this is reached. Text that is not of the common form is
given to the Python functions, which decide.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

from decimal import Decimal
from types import MemberDescriptorType

from fluxum.model.instant import parse_plausible
from fluxum.model.numbers import exact as plain_exact

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    object PyUnicode_DecodeLatin1(const char *letters, Py_ssize_t size, const char *errors)
    ctypedef struct PyTypeObject:
        object (*tp_alloc)(PyTypeObject *kind, Py_ssize_t count)

cdef extern from "structmember.h":
    ctypedef struct PyMemberDef:
        Py_ssize_t offset

cdef extern from *:
    ctypedef struct PyMemberDescrObject:
        PyMemberDef *d_member

__all__ = ["exact", "exact_raw", "instant"]

cdef object _Decimal = Decimal, _plain_exact = plain_exact, _parse_plausible = parse_plausible

cdef enum:
    PLAIN = 30  # a number of so many digits, with a point or without, is from 0 to 1e30
    SECONDS = 19  # the length of 2026-01-31T12:00:00
    FIRST_YEAR = 2010  # with the years until LAST_YEAR it is plausible
    LAST_YEAR = 2099

cdef long long[10] SCALES = [
    1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1
]
cdef int[12] DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
cdef int[12] BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]


cdef inline bint is_plain(const unsigned char *letters, Py_ssize_t length) noexcept:
    """Whether it is digits and at most one point: a number in the bounds of `exact`."""
    cdef Py_ssize_t at
    cdef int points = 0
    if not 0 < length <= PLAIN:
        return False
    for at in range(length):
        if letters[at] == c'.':
            points += 1
        elif not c'0' <= letters[at] <= c'9':
            return False
    return points < 2 and points < length


cpdef exact(text):
    """See `fluxum.model.numbers.exact`."""
    if (
        isinstance(text, str)
        and PyUnicode_IS_COMPACT_ASCII(text)
        and is_plain(PyUnicode_1BYTE_DATA(text), PyUnicode_GET_LENGTH(text))
    ):
        return _Decimal(text)
    return _plain_exact(text)


def exact_raw(raw):
    """See `fluxum.model.fast.plain_exact_raw`."""
    cdef Py_buffer view
    PyObject_GetBuffer(raw, &view, PyBUF_SIMPLE)
    try:
        text = PyUnicode_DecodeLatin1(<const char *>view.buf, view.len, NULL)
    finally:
        PyBuffer_Release(&view)
    return exact(text)


cdef int two(const unsigned char *letters) noexcept:
    """The number of two digits, negative for anything else."""
    if c'0' <= letters[0] <= c'9' and c'0' <= letters[1] <= c'9':
        return (letters[0] - c'0') * 10 + letters[1] - c'0'
    return -1


cdef long long nanoseconds(const unsigned char *text, Py_ssize_t length) noexcept:
    """The instant of `2026-01-31T12:00:00.123456Z`, negative for text of another form."""
    cdef int century, year, month, day, hour, minute, second, leaps
    cdef long long days, fraction = 0
    cdef Py_ssize_t at, digits
    if length > 0 and text[length - 1] == c'Z':
        length -= 1
    digits = length - SECONDS - 1
    if length < SECONDS or digits == 0 or digits > 9:
        return -1
    century, year, month, day = two(text), two(text + 2), two(text + 5), two(text + 8)
    hour, minute, second = two(text + 11), two(text + 14), two(text + 17)
    if century < 0 or year < 0 or not 1 <= month <= 12 or day < 1:
        return -1
    if not 0 <= hour < 24 or not 0 <= minute < 60 or not 0 <= second < 60:
        return -1
    if text[4] != c'-' or text[7] != c'-' or text[10] != c'T' or text[13] != c':' or text[16] != c':':
        return -1
    year += 100 * century
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return -1
    if day > DAYS[month - 1] + (month == 2 and year % 4 == 0):  # in these years every fourth
        return -1
    if digits > 0:
        if text[SECONDS] != c'.':
            return -1
        for at in range(SECONDS + 1, length):
            if not c'0' <= text[at] <= c'9':
                return -1
            fraction = fraction * 10 + text[at] - c'0'
        fraction *= SCALES[digits]
    leaps = (year - 1969) // 4 + (month > 2 and year % 4 == 0)
    days = (year - 1970) * 365 + leaps + BEFORE[month - 1] + day - 1
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * SCALES[0] + fraction


def instant(text):
    """See `fluxum.model.instant.parse_plausible`."""
    cdef long long found = -1
    if isinstance(text, str) and PyUnicode_IS_COMPACT_ASCII(text):
        found = nanoseconds(PyUnicode_1BYTE_DATA(text), PyUnicode_GET_LENGTH(text))
    return found if found >= 0 else _parse_plausible(text)


cdef class Places:
    """Where objects of a class keep their fields, for code that makes or reads many of them.

    Such a class has a plain object for each field, as its descriptors say. Writing them costs a
    fifth of a call. It is tried once: if an object that was made in this way has other values, or
    the class has other fields, then `called` makes the objects of the values, in order of `names`.
    """

    def __init__(self, kind, names, called):
        self.kind, self.names, self.called = kind, tuple(names), called
        self.count = len(self.names)
        self.are_known = self.count <= FIELDS_MAX and self.learn()

    cdef bint learn(self) except -1:
        cdef int at
        cdef PyObject *given[FIELDS_MAX]
        has = getattr(self.kind, "__struct_fields__", None) or self.kind.__slots__
        if set(has) != set(self.names):
            return False
        for at, name in enumerate(self.names):
            descriptor = self.kind.__dict__.get(name)
            if type(descriptor) is not MemberDescriptorType:
                return False
            self.at[at] = (<PyMemberDescrObject *>descriptor).d_member.offset
        self.are_known = True
        values = [object() for _ in self.names]
        for at in range(self.count):
            given[at] = <PyObject *>values[at]
        made = self.make(given)
        if type(made) is not self.kind:
            return False
        return all(getattr(made, name) is one for name, one in zip(self.names, values))

    cdef object make(self, PyObject **values):
        """An object with these values, whose types are right."""
        cdef PyTypeObject *kind = <PyTypeObject *>self.kind
        cdef char *place
        cdef int at
        if not self.are_known:
            return self.called(*[<object>values[at] for at in range(self.count)])
        made = kind.tp_alloc(kind, 0)
        place = <char *><PyObject *>made
        for at in range(self.count):
            Py_INCREF(<object>values[at])
            (<PyObject **>(place + self.at[at]))[0] = values[at]
        return made

    cdef object get(self, object one, int field):
        """The value of a field of an object of exactly this class."""
        if not self.are_known:
            return getattr(one, self.names[field])
        return <object>(<PyObject **>(<char *><PyObject *>one + self.at[field]))[0]
