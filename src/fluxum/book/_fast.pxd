"""What other compiled rooms use of this one."""

cdef extern from *:
    """
    typedef unsigned __int128 fluxum_price;
    """
    ctypedef unsigned long long Price "fluxum_price"  # its real size is C's business

cdef enum:
    DECIMALS = 18  # of a price
    LENGTH = 30  # of a number that is read here; what is longer is read by `exact`


cdef class WireRow:
    cdef Price price
    cdef bint is_some, has_text
    cdef long long orders  # negative if there is no number of them
    cdef Py_ssize_t price_length, quantity_length, digits_length
    cdef char[2 * LENGTH] text
    cdef char[2 * LENGTH] digits


cdef WireRow wire_row(
    const char *price, Py_ssize_t price_length, const char *quantity, Py_ssize_t quantity_length,
    bint has_text, long long orders
)
cdef object levels_of_rows(list rows)
