"""Arbitrage of one symbol between venues."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.bot import BotEvent, Intent, Leg, Market, Strategy, Together, View, Want

__all__ = ["Arbitrage"]


class Arbitrage(Strategy, kw_only=True):
    """Buys where it is cheap and sells where it is dear, if both are proved and pay the fees."""

    symbol: str
    venues: tuple[str, ...]
    size_max: Decimal
    edge_bps: Decimal = Decimal(2)
    age_max_ms: int = 500
    unhedged_s: Decimal = Decimal("0.5")

    def wants(self) -> Sequence[Want]:
        """The book of the symbol at every venue."""
        return [Want(Market(venue, self.symbol), "book") for venue in self.venues]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        """Two legs at once, unless earlier ones are on their way."""
        if view.in_flight(self.symbol):
            return ()
        book = view.consolidated(self.symbol)
        cross = book.cross(net_of_fees=True, age_max_ms=self.age_max_ms)
        if cross is None or cross.edge_bps < self.edge_bps:
            return ()
        buy = Market(cross.buy_venue, cross.buy_market)
        sell = Market(cross.sell_venue, cross.sell_market)
        size = min(cross.quantity, self.size_max, view.can_buy(buy), view.can_sell(sell))
        if size <= 0:
            return ()
        legs = (Leg(buy, "buy", size, cross.ask), Leg(sell, "sell", size, cross.bid))
        return [Together(legs, self.unhedged_s)]
