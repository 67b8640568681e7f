"""A market maker that leans against what it holds."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.bot import BotEvent, CancelAll, Intent, Level, Market, Note, Quote, Strategy, View, Want

__all__ = ["Maker"]


class Maker(Strategy, kw_only=True):
    """Quotes around the middle and leans against what it holds."""

    market: Market
    size: Decimal
    held_max: Decimal
    half_spread_bps: Decimal = Decimal(4)
    lean_bps: Decimal = Decimal(6)

    def wants(self) -> Sequence[Want]:
        """The book of its market."""
        return [Want(self.market, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        """Quote both sides, or the one that brings the position back; none without a book."""
        book = view.book(self.market)
        if not book.is_valid or book.mid is None:
            return [CancelAll(self.market)]
        held = view.position(self.market)
        fair = book.mid * (1 - held / self.held_max * self.lean_bps / 10_000)
        half = book.mid * self.half_spread_bps / 10_000
        return [
            Quote(
                self.market,
                bid=Level(fair - half, self.size) if held < self.held_max else None,
                ask=Level(fair + half, self.size) if held > -self.held_max else None,
            ),
            Note("fair", fair),
        ]
