from collections.abc import Mapping

from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate, Trade
from fluxum.venues.book_form import BookForm
from fluxum.venues.trade_form import TradeForm

__all__ = ["CompiledBookScanner", "CompiledScanner", "ScannedBooks", "ScannedTrades"]

class ScannedTrades(list[Trade]):
    symbol: Symbol
    received_ns: int
    is_unbroken: bool
    first: int
    last: int
    latest_ns: int
    frames: int

class CompiledScanner:
    def __init__(
        self,
        form: TradeForm,
        symbols: Mapping[str, Symbol],
        last: dict[str, int] | None = None,
    ) -> None: ...
    def scan(
        self, frames: list[bytes], at: int, received_ns: int, due: int = 0, /
    ) -> ScannedTrades | None: ...

class ScannedBooks(list[BookUpdate]):
    frames: int

class CompiledBookScanner:
    def __init__(self, form: BookForm, books: Mapping[str, object]) -> None: ...
    def scan(
        self, frames: list[bytes], at: int, received_ns: int, due: int = 0, /
    ) -> ScannedBooks | None: ...
