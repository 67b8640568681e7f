"""How Bybit writes new trades, for `fluxum.venues.trade_scan`; see `native.TradeFrame`.

A block trade is of another form: its order type is made in Python.
"""

from fluxum.model.market import Side
from fluxum.venues.trade_form import Field, Holds, Hole, TradeForm

__all__ = ["trade_form"]

_TRUTH = {"false": False, "true": True}


def trade_form(venue: str) -> TradeForm:
    """The form of a frame of trades."""
    return TradeForm(
        venue=venue,
        head=[b'{"topic":"', Hole.SYMBOL, b'","type":"snapshot","ts":', Hole.WHOLE, b',"data":['],
        fields=[
            Field(name="T", holds=Holds.MILLIS),
            Field(name="s", holds=Holds.TEXT, is_needed=False),
            Field(name="S", holds=Holds.SIDE, tokens={'"Buy"': Side.BUY, '"Sell"': Side.SELL}),
            Field(name="v", holds=Holds.QUANTITY, is_quoted=True),
            Field(name="p", holds=Holds.PRICE, is_quoted=True),
            Field(name="L", holds=Holds.TEXT, is_needed=False),
            Field(name="i", holds=Holds.ID),
            Field(name="BT", holds=Holds.TOKEN, is_needed=False, tokens={"false": False}),
            Field(name="RPI", holds=Holds.TOKEN, is_needed=False, tokens=_TRUTH),
            Field(name="seq", holds=Holds.WHOLE, is_needed=False),
        ],
        tail=b"]}",
        is_list=True,
    )
