"""One text for a value: exact, ordered, equal for equal numbers."""

from decimal import Decimal

import pytest

from bot.bots import ONE, level
from fluxum.bot import Note, Quote
from fluxum.bot.canonical import canonical
from fluxum.errors import BadInput
from fluxum.model.market import Side


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.00"), '"1"'),
        (Decimal("5E+4"), '"50000"'),
        (Decimal("-0.00"), '"0"'),
        (Decimal("0.000000000000000000000000000000123"), '"0.000000000000000000000000000000123"'),
        (7, "7"),
        (True, "true"),
        (None, "null"),
        ('say "x"', '"say \\"x\\""'),
        (Side.BUY, '"buy"'),
        ((1, "a"), '[1,"a"]'),
        ({"b": 1, "a": Decimal(2)}, '{"a":"2","b":1}'),
        (
            Quote(ONE, level("99.50")),
            '{"type":"quote","market":{"venue":"one","symbol":"BTC/USD"},'
            '"bid":{"price":"99.5","quantity":"1"},"post_only":true}',
        ),
        (Note("n", 0), '{"type":"note","name":"n","value":0}'),
    ],
)
def test_values_have_one_text(value: object, text: str) -> None:
    assert canonical(value) == text


def test_what_has_no_order_or_is_not_exact_is_refused() -> None:
    with pytest.raises(BadInput, match="was set"):
        canonical({1, 2})
    with pytest.raises(BadInput, match=r"was float 0\.5"):
        canonical(0.5)
