"""The members of a JSON object, each decoded when it is needed.

For frames that cannot be decoded as a whole: what of them can be read is read member by member.
"""

from collections.abc import Collection
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

__all__ = ["Members"]

_NULL = Raw(b"null")
_Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class Members:
    """One object; raises what a decoder raises for anything else.

    A member that is missing is null.
    """

    def __init__(self, raw: bytes | Raw) -> None:
        self._members = _decode_members(raw)

    @property
    def names(self) -> Collection[str]:
        """The names of all members."""
        return self._members

    def raw(self, name: str) -> Raw:
        """A member as it came."""
        return self._members.get(name, _NULL)

    def has(self, name: str) -> bool:
        """Whether a member is there and not null."""
        return bytes(self._members.get(name, _NULL)) != b"null"

    def text(self, name: str) -> str:
        """A text; raises MsgspecError."""
        return _decode_text(self._members.get(name, _NULL))

    def text_or_empty(self, name: str) -> str:
        """A text, empty for anything else."""
        try:
            return self.text(name)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return ""

    def count(self, name: str) -> int:
        """A whole number from zero on, of at most 63 bits; raises MsgspecError."""
        return _decode_count(self._members.get(name, _NULL))

    def rows(self, name: str) -> list[Raw]:
        """A list, its rows as they came; raises MsgspecError."""
        return _decode_rows(self._members.get(name, _NULL))


_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_count = msgspec.json.Decoder(_Count).decode
_decode_rows = msgspec.json.Decoder(list[Raw]).decode
