"""Names are UUIDs as the standard library makes them."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fluxum.orders.order import uuid_4


@given(st.integers(0, 2**128 - 1))
def test_bits_become_the_uuid_of_the_standard_library(bits: int) -> None:
    assert uuid_4(bits) == UUID(int=bits, version=4).hex
