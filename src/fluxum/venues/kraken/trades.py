"""How Kraken writes new trades, for `fluxum.venues.trade_scan`; see `native.TradeFrame`."""

from fluxum.model.market import Side
from fluxum.venues.kraken.normalize import VENUE
from fluxum.venues.trade_form import Field, Holds, TradeForm

__all__ = ["TRADES"]

TRADES = TradeForm(
    venue=VENUE,
    head=[b'{"channel":"trade","type":"update","data":['],
    fields=[
        Field(name="symbol", holds=Holds.SYMBOL),
        Field(name="side", holds=Holds.SIDE, tokens={'"buy"': Side.BUY, '"sell"': Side.SELL}),
        Field(name="price", holds=Holds.PRICE),
        Field(name="qty", holds=Holds.QUANTITY),
        Field(name="ord_type", holds=Holds.WORD),
        Field(name="trade_id", holds=Holds.NUMBER),
        Field(name="timestamp", holds=Holds.TIME),
    ],
    tail=b"]}",
    is_list=True,
)
