"""Numbers of the wire, and products that lose no digit."""

from decimal import Decimal

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.numbers import exact, product


def test_a_product_is_exact_where_ordinary_arithmetic_rounds() -> None:
    one, other = Decimal("123456789012345678.123456789"), Decimal("0.0000001")

    assert str(product(one, other)) == "12345678901.2345678123456789"
    # The square of 123456789012345678123456789, in whole numbers.
    assert str(product(one, one)) == "15241578753238836558451457268709041.543057462750190521"


@pytest.mark.parametrize("text", ["", "x", "-1", "NaN", "1e40", "1" * 41])
def test_what_is_no_number_of_the_wire_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="a number from 0 to 1e30 was expected"):
        exact(text)
