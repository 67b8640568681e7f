"""The arguments of a command as a client sent them to a simulated venue, read one by one.

A venue reads only the names it has. What makes no sense is the venue's own error, which `refused`
makes of the name of the argument.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from fluxum.errors import VenueRefused
from fluxum.venues.order_offers import NameRule

__all__ = ["Arguments"]

Word = TypeVar("Word", bound=Enum)

_NUMBER = re.compile(r"\d{1,30}(\.\d{1,30})?")


class Arguments:
    """Names and values; a value that is left out, None or empty is not given."""

    def __init__(self, given: Mapping[str, object], refused: Callable[[str], VenueRefused]) -> None:
        self._given = given
        self._refused = refused

    def has(self, name: str) -> bool:
        """Whether a value is given."""
        return self._given.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """A text, or a number as text."""
        value = self._given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise self._refused(name)
        return default if value in (None, "") else str(value)

    def name(self, name: str, rule: NameRule) -> str:
        """The client order id of an order, empty if it has none."""
        text = self.text(name)
        if text and not rule.allows(text):
            raise self._refused(name)
        return text

    def flag(self, name: str) -> bool:
        """Whether a value is true, be it a boolean, a number or a word."""
        return self._given.get(name) in (True, "true", "True", "1")

    def number(self, name: str) -> Decimal | None:
        """A plain number of at least zero, None if it is not given."""
        text = self.text(name)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise self._refused(name)
        return Decimal(text)

    def needed(self, name: str) -> Decimal:
        """A plain number of at least zero that has to be given."""
        number = self.number(name)
        if number is None:
            raise self._refused(name)
        return number

    def word(self, words: Mapping[Word, str], name: str, default: str = "") -> Word:
        """What one of the venue's words is for."""
        text = self.text(name, default)
        for one, word in words.items():
            if word == text:
                return one
        raise self._refused(name)

    def word_or_none(self, words: Mapping[Word, str], name: str, none: str = "") -> Word | None:
        """The same, None where no word is given, or the one for none."""
        return None if self.text(name, none) == none else self.word(words, name)

    def one_of(self, words: frozenset[str] | set[str], name: str, default: str = "") -> str:
        """One of some words."""
        text = self.text(name, default)
        if text not in words:
            raise self._refused(name)
        return text
