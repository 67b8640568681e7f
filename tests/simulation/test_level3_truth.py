"""Fills by Kraken's level 3 are those of real orders; a thousand of them by name."""

from level3_truth import compare

from fluxum.sim.loop import run


def test_fills_by_single_orders_are_the_real_ones() -> None:
    found = [one for one in run(compare(15)) if one.is_whole]

    assert [one.computed for one in found] == [one.real for one in found]
    assert sum(one.real > 0 for one in found) > 5
