"""Rates by volume."""

from decimal import Decimal

import pytest

from fluxum.errors import BadInput
from fluxum.fill.fees import Fees, FeeTier

D = Decimal


def test_the_tier_is_the_last_one_whose_volume_is_reached() -> None:
    fees = Fees(
        tiers=(FeeTier(D(0), D("0.0025"), D("0.004")), FeeTier(D(10_000), D("0.002"), D("0.0035")))
    )

    assert fees.tier(D(0)).taker == D("0.004")
    assert fees.tier(D("9999.99")).taker == D("0.004")
    assert fees.tier(D(10_000)).maker == D("0.002")


def test_a_flat_fee_takes_text_and_a_rebate() -> None:
    fees = Fees.flat("-0.0001", "0.0005")

    assert fees.tier(D(10) ** 9) == FeeTier(D(0), D("-0.0001"), D("0.0005"))


@pytest.mark.parametrize("volumes", [(), (1,), (0, 5, 5), (0, 9, 3)])
def test_tiers_that_do_not_ascend_from_zero_are_refused(volumes: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="ascending"):
        Fees(tiers=tuple(FeeTier(D(one), D(0), D(0)) for one in volumes))


def test_a_rate_in_per_cent_is_refused() -> None:
    with pytest.raises(BadInput, match="fractions"):
        Fees.flat(taker=1)
