"""What other compiled rooms use of this one."""

from cpython.object cimport PyObject

cdef enum:
    FIELDS_MAX = 12  # of a class whose objects are made by `Places`


cdef class Places:
    cdef object kind, called
    cdef tuple names
    cdef Py_ssize_t count
    cdef Py_ssize_t[FIELDS_MAX] at
    cdef bint are_known
    cdef bint learn(self) except -1
    cdef object make(self, PyObject **values)
    cdef object get(self, object one, int field)
