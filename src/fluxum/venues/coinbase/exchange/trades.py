"""How the Exchange feed writes a match, for `fluxum.venues.trade_scan`; see `native.Match`."""

from fluxum.model.market import Side
from fluxum.venues.coinbase.symbols import EXCHANGE
from fluxum.venues.trade_form import Field, Holds, TradeForm

__all__ = ["FORM"]

# The wire has the maker's side.
_TAKERS = {'"buy"': Side.SELL, '"sell"': Side.BUY}

FORM = TradeForm(
    venue=EXCHANGE,
    head=[],
    fields=[
        Field(name="type", holds=Holds.TOKEN, tokens={'"match"': "match"}),
        Field(name="trade_id", holds=Holds.NUMBER),
        Field(name="maker_order_id", holds=Holds.TEXT, is_needed=False),
        Field(name="taker_order_id", holds=Holds.TEXT, is_needed=False),
        Field(name="side", holds=Holds.SIDE, tokens=_TAKERS),
        Field(name="size", holds=Holds.QUANTITY, is_quoted=True),
        Field(name="price", holds=Holds.PRICE, is_quoted=True),
        Field(name="product_id", holds=Holds.SYMBOL),
        Field(name="sequence", holds=Holds.WHOLE, is_needed=False),
        Field(name="time", holds=Holds.TIME),
    ],
    tail=b"",
    is_list=False,
)
