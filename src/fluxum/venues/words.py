"""A venue's words for what Fluxum has names for. Every list of words is open.

A word that is not in its table is OTHER, and is kept beside it.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

__all__ = ["known", "turned"]

One = TypeVar("One", bound=Enum)


def known(words: Mapping[str, One], word: str, other: One) -> tuple[One, str]:
    """What a word is for and empty text, or `other` and the word."""
    one = words.get(word)
    return (other, word) if one is None else (one, "")


def turned(words: Mapping[One, str]) -> dict[str, One]:
    """A table of words by the words; raises ValueError if a word is for two."""
    found = {word: one for one, word in words.items()}
    if len(found) != len(words):
        raise ValueError(f"each word once was expected, was {list(words.values())}")
    return found
