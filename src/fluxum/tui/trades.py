"""The last trades of a market, newest first."""

from fluxum.model.market import Side
from fluxum.tui.numbers import Widths, clock_text
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, fit, heading, stack
from fluxum.view.facts import MarketView, TradeView

__all__ = ["draw_trades", "trades_width"]

_TIME = 8
_BACKFILLED = " history"
_SIGNS = {Side.BUY: ("▲", Tone.BID), Side.SELL: ("▼", Tone.ASK)}


def trades_width(widths: Widths) -> int:
    """How many columns trades need, without the word for those from the venue's history."""
    return _TIME + widths.price.width + widths.quantity.width + 7


def draw_trades(market: MarketView, widths: Widths, width: int, height: int) -> list[Row]:
    """Time, side of the taker, price and quantity; if the time does not fit, it is left out."""
    seen = [(f"{market.trades_seen:,}", Tone.DIM)] if market.trades_seen else []
    rows = [_row(one, widths, width) for one in market.trades[: height - 1]]
    if not rows:
        rows = [fit([(" no trade yet", Tone.DIM)], width)]
    return [heading([("Trades", Tone.TITLE)], seen, width), *stack(rows, width, height - 1)]


def _row(trade: TradeView, widths: Widths, width: int) -> Row:
    sign, tone = _SIGNS[trade.side]
    has_time = width >= trades_width(widths)
    pieces: list[Piece] = [
        (f" {clock_text(trade.at_ns)}" if has_time else "", Tone.DIM),
        (f" {sign} {widths.price.text(trade.price)}", tone),
        (f"  {widths.quantity.text(trade.quantity)}", Tone.PLAIN),
    ]
    if trade.backfilled:
        has_word = width >= trades_width(widths) + len(_BACKFILLED)
        pieces.append((_BACKFILLED if has_word else " h", Tone.GAP))
    return fit(pieces, width)
