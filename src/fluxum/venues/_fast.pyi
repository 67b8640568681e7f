from collections.abc import Mapping

from fluxum.model.instrument import Symbol
from fluxum.model.market import Trade
from fluxum.venues.trade_form import TradeForm

__all__ = ["CompiledScanner", "ScannedTrades"]

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
        only: Symbol | None = None,
        last: dict[str, int] | None = None,
    ) -> None: ...
    def scan(
        self, frames: list[bytes], at: int, received_ns: int, due: int = 0, /
    ) -> ScannedTrades | None: ...
