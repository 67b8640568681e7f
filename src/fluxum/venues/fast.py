"""The scanners of frames, if they are compiled: read `trade_scan` and `book_scan`.

There is nothing in their place without a compiler: a venue's own Python reads all frames then
(docs/decisions/040).
"""

from typing import TYPE_CHECKING

__all__ = [
    "IS_COMPILED",
    "CompiledBookScanner",
    "CompiledScanner",
    "ScannedBooks",
    "ScannedTrades",
]

if TYPE_CHECKING:
    from fluxum.venues._fast import (
        CompiledBookScanner,
        CompiledScanner,
        ScannedBooks,
        ScannedTrades,
    )

    IS_COMPILED: bool
else:
    try:
        from fluxum.venues._fast import (
            CompiledBookScanner,
            CompiledScanner,
            ScannedBooks,
            ScannedTrades,
        )

        IS_COMPILED = True
    except ImportError:
        IS_COMPILED = False
        CompiledBookScanner = CompiledScanner = None

        class ScannedTrades(list):
            """There are none without a compiler."""

        class ScannedBooks(list):
            """There are none without a compiler."""
