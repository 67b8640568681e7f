"""Deprecated names: each works for a while, and warns when it is used (docs/versioning.md).

A public name that was renamed is a line of `RENAMED`. A function that goes away is decorated:

    @Deprecated("fluxum.old", instead="fluxum.new", gone_in="0.5.0")
    def old() -> None: ...

A command or an option writes `str(Deprecated(...))` to stderr.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from warnings import warn

from msgspec import Struct

__all__ = ["RENAMED", "Deprecated"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Deprecated(Struct, frozen=True):
    """A deprecated name, what to use instead, and the version from which on it is gone."""

    name: str
    instead: str
    gone_in: str

    def __str__(self) -> str:
        """The text of the warning."""
        return f"{self.name} is deprecated and will be gone in {self.gone_in}: use {self.instead}"

    def warn(self) -> None:
        """Warn with a `DeprecationWarning` at the line that called the caller of this."""
        warn(str(self), DeprecationWarning, stacklevel=3)

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """The same function, which warns at each call."""

        @wraps(function)
        def warning(*arguments: _P.args, **options: _P.kwargs) -> _R:
            self.warn()
            return function(*arguments, **options)

        return warning


RENAMED: dict[str, Deprecated] = {}
"""Old public names of `fluxum`, each with the public name that has its place."""
