"""How market data v2 writes a trade, for `fluxum.venues.trade_scan`; see `native.Trade`.

A trade without a taker is of another form: it is published as text.
"""

from fluxum.model.market import Side
from fluxum.venues.gemini.v2.normalize import VENUE
from fluxum.venues.trade_form import Field, Holds, TradeForm

__all__ = ["TRADES"]

TRADES = TradeForm(
    venue=VENUE,
    head=[],
    fields=[
        Field(name="event_id", holds=Holds.OTHER_ID),
        Field(name="price", holds=Holds.PRICE, is_quoted=True),
        Field(name="quantity", holds=Holds.QUANTITY, is_quoted=True),
        Field(name="side", holds=Holds.SIDE, tokens={'"buy"': Side.BUY, '"sell"': Side.SELL}),
        Field(name="symbol", holds=Holds.SYMBOL),
        Field(name="tid", holds=Holds.WHOLE_ID, is_needed=False),
        Field(name="timestamp", holds=Holds.MILLIS),
        Field(name="type", holds=Holds.TOKEN, tokens={'"trade"': "trade"}),
        Field(name="result", holds=Holds.ABSENT, is_needed=False),
        Field(name="reason", holds=Holds.ABSENT, is_needed=False),
    ],
    tail=b"",
    is_list=False,
)
