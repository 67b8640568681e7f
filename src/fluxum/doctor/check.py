"""One check: what was looked at, how it is, and what to do if it is not well."""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

__all__ = ["Check", "Diagnosis", "Figure", "Outcome"]

Figure = str | int | float | bool | None
"""A value that a check measured."""


class Outcome(Enum):
    """OK: nothing to do. WARNING: it works, or not for long. FAILED: something does not work."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(Struct, frozen=True, kw_only=True, tag="check"):
    """The result of one check.

    `exchange` is empty for a check of this machine. `result` is for people, `figures` for
    programs; units are in the names. `advice` is what to do, empty if nothing.
    """

    exchange: str = ""
    name: str
    outcome: Outcome
    result: str
    advice: str = ""
    figures: Mapping[str, Figure] = {}


class Diagnosis(Struct, frozen=True):
    """All checks, in the order they ended."""

    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome."""
        found = {one.outcome for one in self.checks}
        worst = (one for one in (Outcome.FAILED, Outcome.WARNING) if one in found)
        return next(worst, Outcome.OK)
