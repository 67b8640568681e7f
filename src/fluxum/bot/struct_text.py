"""How the canonical text of a Struct is put together; `bot/_fast.pyx` does the same, faster. Pure.

What is `None`, false, empty text or an empty tuple is left out, and so are bytes, which have no
text.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

__all__ = ["PlainStructText"]

_EMPTY = ("", ())


class PlainStructText:
    """Writes Structs of one kind. `first` are texts that come before its fields, `keys` theirs.

    `writers` has how values are written, by their type.
    """

    def __init__(
        self,
        first: Sequence[str],
        keys: Sequence[str],
        writers: Mapping[type, Callable[[Any], str]],
    ) -> None:
        self._first = list(first)
        self._keys = tuple(keys)
        self._writers = writers

    def __call__(self, value: Struct) -> str:
        """The JSON object of a Struct of that kind."""
        writers = self._writers
        parts = [
            key + writers[type(one)](one)
            for key, one in zip(self._keys, structs.astuple(value), strict=True)
            if one is not None
            and one is not False
            and (one or one not in _EMPTY)
            and type(one) is not bytes
        ]
        return "{" + ",".join(self._first + parts) + "}"
