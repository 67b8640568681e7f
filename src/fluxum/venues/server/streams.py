"""What the simulated streams of every venue need: how far one client's stream has come."""

from fluxum.model.instrument import Symbol
from fluxum.venues.server.contract import MarketView

__all__ = ["TradeCursor", "last_trade_id"]


class TradeCursor:
    """The last trade of one market that one client's stream was published up to.

    `last_id` is its id, zero before the first trade. Ids of a simulated market count up by one.
    """

    def __init__(self, view: MarketView, symbol: Symbol) -> None:
        self._view = view
        self._symbol = symbol
        self.last_id = last_trade_id(view, symbol)

    def advance(self) -> int:
        """Go on to the last trade there is; return how many trades that passes."""
        before, self.last_id = self.last_id, last_trade_id(self._view, self._symbol)
        return self.last_id - before


def last_trade_id(view: MarketView, symbol: Symbol) -> int:
    """The id of a market's last trade, zero before the first."""
    trades = view.trades(symbol, 1)
    return int(trades[0].trade_id) if trades else 0
