# cython: language_level=3, wraparound=False, boundscheck=False, cdivision=True
"""Frames of trades and books, compiled: what `decode` and `normalize` of a venue do, in one pass.

Read `fluxum.venues.trade_scan` and `book_scan` first: they are how this is reached. A frame of any other form is
given back as None, and the venue's own Python reads it. The parts are included, so that they are one module: functions
of one are compiled into the others.
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

include "_fast_json.pxi"
include "_fast_trades.pxi"
include "_fast_books.pxi"
