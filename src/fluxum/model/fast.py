"""Numbers and instants of every frame: read by compiled code if possible, else in Python.

Both do the same, which the tests prove by giving the same texts to both. Without a compiler the
facts are the same and take longer to make (docs/decisions/010).
"""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from msgspec import Raw

from fluxum.model.instant import parse_plausible
from fluxum.model.numbers import exact as plain_exact

__all__ = ["IS_COMPILED", "exact", "exact_raw", "instant", "plain_exact_raw", "recurring"]

_RECURRING_KEPT = 1 << 14


def plain_exact_raw(raw: Raw) -> Decimal:
    """A number that is not quoted on the wire; raises RemoteProtocolError that shows it."""
    return plain_exact(str(raw, "latin-1"))  # of any JSON value


exact: Callable[[str], Decimal]
"""A number that is not negative, from its text; raises RemoteProtocolError that shows it."""
exact_raw: Callable[[Raw], Decimal]
"""See `plain_exact_raw`."""
instant: Callable[[str], int | None]
"""The instant of RFC 3339 text, `None` for one that is not plausible; raises BadInput."""
try:
    from fluxum.model._fast import exact, exact_raw, instant
except ImportError:
    exact, exact_raw, instant = plain_exact, plain_exact_raw, parse_plausible

IS_COMPILED = exact is not plain_exact
recurring = lru_cache(_RECURRING_KEPT)(exact)
"""The number of a text that recurs, as four prices in five do within a short time."""
