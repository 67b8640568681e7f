# cython: language_level=3, wraparound=False
"""Canonical texts of Structs, compiled: what `bot.struct_text.PlainStructText` does, faster.

Read `fluxum.bot.struct_text` first, which says what is left out; `fluxum.bot.fast` is how this is
reached.
"""

from msgspec.structs import astuple

__all__ = ["FastStructText"]

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef object _astuple = astuple
cdef tuple _EMPTY = ("", ())


cdef inline bint is_plain(object text) noexcept:
    """Whether it is ASCII of which JSON escapes nothing."""
    cdef const unsigned char *letters
    cdef Py_ssize_t at
    if not PyUnicode_IS_COMPACT_ASCII(text):
        return False
    letters = PyUnicode_1BYTE_DATA(text)
    for at in range(PyUnicode_GET_LENGTH(text)):
        if letters[at] < 32 or letters[at] > 126 or letters[at] == 34 or letters[at] == 92:
            return False
    return True


cdef class FastStructText:
    """Writes Structs of one kind; see `PlainStructText`."""

    cdef list _first
    cdef tuple _keys
    cdef object _writers

    def __cinit__(self, first, keys, writers):
        self._first = list(first)
        self._keys = tuple(keys)
        self._writers = writers

    def __call__(self, value):
        """The JSON object of a Struct of that kind."""
        cdef tuple fields = _astuple(value)
        cdef list parts = list(self._first)
        cdef Py_ssize_t at
        cdef str key
        for at in range(len(fields)):
            one = fields[at]
            if one is None or one is False:
                continue
            kind = type(one)
            if kind is str:
                if not one:
                    continue
                key = <str>self._keys[at]
                if is_plain(one):
                    parts.append(f'{key}"{<str>one}"')
                    continue
            elif kind is bytes or (not one and one in _EMPTY):
                continue
            parts.append(<str>self._keys[at] + <str>self._writers[kind](one))
        return "{" + ",".join(parts) + "}"
