"""How Advanced Trade writes new trades, for `fluxum.venues.trade_scan`; see `native.TradeFrame`."""

from fluxum.model.market import Side
from fluxum.venues.coinbase.symbols import ADVANCED
from fluxum.venues.trade_form import Field, Holds, Hole, TradeForm

__all__ = ["FORM"]

# The wire has the maker's side.
_TAKERS = {'"BUY"': Side.SELL, '"SELL"': Side.BUY}

FORM = TradeForm(
    venue=ADVANCED,
    head=[
        b'{"channel":"market_trades","timestamp":"',
        Hole.TEXT,
        b'","sequence_num":',
        Hole.DUE,
        b',"events":[{"type":"update","trades":[',
    ],
    fields=[
        Field(name="product_id", holds=Holds.SYMBOL),
        Field(name="trade_id", holds=Holds.NUMBER, is_quoted=True),
        Field(name="price", holds=Holds.PRICE, is_quoted=True),
        Field(name="size", holds=Holds.QUANTITY, is_quoted=True),
        Field(name="time", holds=Holds.TIME),
        Field(name="side", holds=Holds.SIDE, tokens=_TAKERS),
    ],
    tail=b"]}]}",
    is_list=True,
    is_sorted=True,
)
