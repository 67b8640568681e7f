"""How Binance writes a trade, for `fluxum.venues.trade_scan`: `native.Trade`, `native.AggTrade`."""

from fluxum.model.market import Side
from fluxum.venues.trade_form import Field, Holds, Hole, TradeForm

__all__ = ["trade_form"]

_TRUTH = {"true": True, "false": False}
_BOOK = {'"MARKET"': "a trade of the book"}
_MATCH = (
    Field(name="t", holds=Holds.NUMBER),
    Field(name="X", holds=Holds.UNNUMBERED, is_needed=False, tokens=_BOOK),
)
_AGGREGATED = (
    Field(name="a", holds=Holds.NUMBER),
    Field(name="f", holds=Holds.WHOLE, is_needed=False),
    Field(name="l", holds=Holds.WHOLE, is_needed=False),
)
_EVENTS = {"trade": _MATCH, "aggTrade": _AGGREGATED}


def trade_form(venue: str, stream: str) -> TradeForm:
    """The form of an event of the stream `trade` or `aggTrade`, on a combined link."""
    return TradeForm(
        venue=venue,
        head=[b'{"stream":"', Hole.SYMBOL, b'","data":'],
        fields=[
            Field(name="e", holds=Holds.TOKEN, tokens={f'"{stream}"': stream}),
            Field(name="E", holds=Holds.WHOLE, is_needed=False),
            Field(name="s", holds=Holds.TEXT, is_needed=False),
            *_EVENTS[stream],
            Field(name="p", holds=Holds.PRICE, is_quoted=True),
            Field(name="q", holds=Holds.QUANTITY, is_quoted=True),
            Field(name="T", holds=Holds.MILLIS),
            Field(name="m", holds=Holds.SIDE, tokens={"true": Side.SELL, "false": Side.BUY}),
            Field(name="M", holds=Holds.TOKEN, is_needed=False, tokens=_TRUTH),
        ],
        tail=b"}",
        is_list=False,
    )
