"""The switch of a bot, and when cancels are tried again."""

from fluxum.bot.halting import Halting

S = 1_000_000_000


def test_cancels_are_tried_again_until_no_order_is_left() -> None:
    switch = Halting()
    switch.halt("enough")
    switch.retry_after(0)

    assert not switch.is_due(4 * S, are_left=True)
    assert switch.is_due(5 * S, are_left=True)
    assert switch.due_ns == 10 * S
    assert not switch.is_due(20 * S, are_left=False)
    assert switch.due_ns is None


def test_a_bot_that_is_resumed_tries_nothing_again() -> None:
    switch = Halting("enough")
    switch.retry_after(0)

    switch.resume()

    assert (switch.reason, switch.due_ns) == ("", None)
