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

    cdef str _begin
    cdef tuple _keys, _later_keys  # of the first field that is written, and of those after it
    cdef object _writers

    def __cinit__(self, first, keys, writers):
        self._begin = "{" + ",".join(first)
        self._later_keys = tuple([f",{key}" for key in keys])
        self._keys = self._later_keys if first else tuple(keys)
        self._writers = writers

    def __call__(self, value):
        """The JSON object of a Struct of that kind."""
        cdef list parts = []
        self._write(value, parts)
        return "".join(parts)

    cdef int _write(self, value, list parts) except -1:
        cdef tuple fields = _astuple(value), keys = self._keys
        cdef Py_ssize_t at
        parts.append(self._begin)
        for at in range(len(fields)):
            one = fields[at]
            if one is None or one is False:
                continue
            kind = type(one)
            if kind is str:
                if not one:
                    continue
                parts.append(keys[at])
                if is_plain(one):
                    parts.append('"')
                    parts.append(one)
                    parts.append('"')
                else:
                    parts.append(self._writers[kind](one))
            elif kind is bytes or (not one and one in _EMPTY):
                continue
            else:
                parts.append(keys[at])
                if kind is tuple:
                    self._write_all(one, parts)
                else:
                    self._write_one(one, kind, parts)
            keys = self._later_keys
        parts.append("}")
        return 0

    cdef int _write_all(self, tuple values, list parts) except -1:
        cdef str mark = "["
        for one in values:
            parts.append(mark)
            self._write_one(one, type(one), parts)
            mark = ","
        parts.append("]")
        return 0

    cdef int _write_one(self, one, kind, list parts) except -1:
        writer = self._writers[kind]
        if type(writer) is FastStructText:
            (<FastStructText>writer)._write(one, parts)
        else:
            parts.append(writer(one))
        return 0
