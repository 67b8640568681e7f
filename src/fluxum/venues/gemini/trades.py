"""How the sequenced feed writes a trade, for `fluxum.venues.trade_scan`; see `native.Message`."""

from fluxum.model.market import Side
from fluxum.venues.gemini.normalize import VENUE
from fluxum.venues.trade_form import Field, Holds, TradeForm

__all__ = ["TRADES"]

_OF_OTHERS = ("e", "id", "status", "error", "u", "b", "B", "a", "A", "lastUpdateId")

TRADES = TradeForm(
    venue=VENUE,
    head=[],
    fields=[
        Field(name="E", holds=Holds.NANOS),
        Field(name="s", holds=Holds.SYMBOL),
        Field(name="t", holds=Holds.WHOLE_ID),
        Field(name="p", holds=Holds.PRICE, is_quoted=True),
        Field(name="q", holds=Holds.QUANTITY, is_quoted=True),
        Field(name="m", holds=Holds.SIDE, tokens={"true": Side.SELL, "false": Side.BUY}),
        *[Field(name=name, holds=Holds.ABSENT, is_needed=False) for name in _OF_OTHERS],
    ],
    tail=b"",
    is_list=False,
)
