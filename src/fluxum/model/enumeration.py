"""The base of enumerations whose members are looked up in dictionaries and sets all the time."""

from enum import Enum

__all__ = ["Enumeration"]


class Enumeration(Enum):
    """An enumeration whose members hash by identity, as they compare.

    Enum hashes the name of a member, which is a call of Python at each look-up.
    """

    __hash__ = object.__hash__
