"""A strategy is a value: encoded and decoded it is the same, and unknown fields are refused."""

from decimal import Decimal

import msgspec
import pytest

from fluxum.bot import BotEvent, Every, Intent, Market, Remembered, Strategy, View, Want
from fluxum.errors import BadInput
from fluxum.model.event import Channel

ONE = Market("one", "BTC/USD")


class Counts(Strategy, kw_only=True):
    """A strategy with a parameter and a memory."""

    market: Market
    size: Decimal = Decimal(1)
    seen: Remembered[int] = 0

    def wants(self) -> list[Want | Every]:
        return [Want(self.market, "book"), Every(60)]

    def on_event(self, event: BotEvent, view: View) -> list[Intent]:
        self.seen += 1
        return []


def symbols(kind: type, value: object) -> object:
    return kind(value)


def test_a_strategy_in_mid_run_is_the_same_after_encoding() -> None:
    before = Counts(market=ONE, size=Decimal("0.10"), seen=3)

    after = msgspec.json.decode(
        msgspec.json.encode(before, enc_hook=str), type=Counts, dec_hook=symbols
    )

    assert after == before
    assert str(after.size) == "0.10"


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `fast_spam`"):
        msgspec.convert({"market": ONE, "fast_spam": 3}, Counts, dec_hook=symbols)


def test_wants_take_text() -> None:
    assert Want(ONE, "ohlc", 60).channel is Channel.CANDLE
    with pytest.raises(BadInput, match="a channel was expected"):
        Want(ONE, "tea")
    with pytest.raises(BadInput, match="interval_s: 1 or more was expected, was 0"):
        Every(0)
