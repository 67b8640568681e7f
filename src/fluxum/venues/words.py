"""A venue's words for what Fluxum has names for, read and written with one table.

Every list of words is open: a word that is not in its table is OTHER, and is kept beside it.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import TypeVar

from fluxum.errors import RemoteProtocolError

__all__ = ["Words"]

One = TypeVar("One", bound=Enum)


class Words(Mapping[One, str]):
    """The word that is written for each member of an enum, and the members by their words.

    `also` are further words, which are read alone. `other` is what any other word is. Raises
    ValueError if a word is for two.
    """

    def __init__(
        self,
        words: Mapping[One, str],
        also: Mapping[str, One] | None = None,
        *,
        other: One | None = None,
    ) -> None:
        written = {word: one for one, word in words.items()}
        self.by_word: Mapping[str, One] = {**written, **(also or {})}
        self.written = words
        """The word of each member; a look-up here costs no call."""
        self._other = other
        if len(self.by_word) != len(words) + len(also or {}):
            raise ValueError(f"each word once was expected, was {[*words.values(), *(also or ())]}")

    def __getitem__(self, one: One) -> str:
        """The word that is written for a member."""
        return self.written[one]

    def __iter__(self) -> Iterator[One]:
        """The members that have a word to write."""
        return iter(self.written)

    def __len__(self) -> int:
        """How many members have a word to write."""
        return len(self.written)

    def known(self, word: str) -> tuple[One, str]:
        """The member of a word and empty text, or `other` and the word."""
        one = self.by_word.get(word)
        if one is not None:
            return one, ""
        assert self._other is not None, "an open list has its OTHER"
        return self._other, word

    def read(self, word: str) -> One:
        """The member of a word; raises RemoteProtocolError for another word."""
        one = self.by_word.get(word)
        if one is None:
            expected = " or ".join(self.by_word)
            raise RemoteProtocolError(f"{expected} was expected, was {word[:40]!r}")
        return one
