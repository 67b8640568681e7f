"""Delays of orders and answers."""

import pytest

from fluxum.errors import BadInput
from fluxum.fill.latency import ConstantLatency, MeasuredLatency


def test_a_constant_answer_takes_as_long_as_the_order_unless_given() -> None:
    same, other = ConstantLatency(5), ConstantLatency(5, 7)

    assert (same.order_ns(), same.answer_ns()) == (5, 5)
    assert (other.order_ns(), other.answer_ns()) == (5, 7)


def test_splitmix64_draws_the_published_numbers() -> None:
    """The first outputs for seed 1234567: https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64."""
    latency = MeasuredLatency([1], [1], seed=1234567)

    assert latency._draw() == 6457827717110365317
    assert latency._draw() == 3203168211198807973
    assert latency._draw() == 9817491932198370423


def test_measured_delays_are_drawn_alike_by_the_same_seed() -> None:
    first = MeasuredLatency([1, 20, 300], [4, 5], seed=7)
    second = MeasuredLatency([1, 20, 300], [4, 5], seed=7)
    drawn = [(first.order_ns(), first.answer_ns()) for _ in range(200)]

    assert drawn == [(second.order_ns(), second.answer_ns()) for _ in range(200)]
    assert {order for order, _ in drawn} == {1, 20, 300}
    assert {answer for _, answer in drawn} == {4, 5}


def test_delays_below_zero_or_none_are_refused() -> None:
    with pytest.raises(BadInput, match="was -1"):
        ConstantLatency(-1)
    with pytest.raises(BadInput, match="was none"):
        MeasuredLatency([], [1])
    with pytest.raises(BadInput, match="was -2"):
        MeasuredLatency([1], [3, -2])
