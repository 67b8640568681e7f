"""How OKX writes new trades, for `fluxum.venues.trade_scan`; see `native.TradeFrame`.

Quantities are of one asset: contracts, whose sizes are converted, are read in Python.
"""

from fluxum.model.market import Side
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.trade_form import Field, Holds, Hole, TradeForm

__all__ = ["TRADES"]

TRADES = TradeForm(
    venue=VENUE,
    head=[b'{"arg":{"channel":"trades","instId":"', Hole.SYMBOL, b'"},"data":['],
    fields=[
        Field(name="instId", holds=Holds.TEXT),
        Field(name="tradeId", holds=Holds.ID),
        Field(name="px", holds=Holds.PRICE, is_quoted=True),
        Field(name="sz", holds=Holds.QUANTITY, is_quoted=True),
        Field(name="side", holds=Holds.SIDE, tokens={'"buy"': Side.BUY, '"sell"': Side.SELL}),
        Field(name="ts", holds=Holds.MILLIS, is_quoted=True),
        Field(name="count", holds=Holds.TEXT, is_needed=False),
        Field(name="source", holds=Holds.TEXT, is_needed=False),
        Field(name="seqId", holds=Holds.WHOLE, is_needed=False),
    ],
    tail=b"]}",
    is_list=True,
)
