"""A venue's ways with orders, as data."""

import pytest

from fluxum.venues.trading import begins_with


@pytest.mark.parametrize(
    "message", ["10016", "10016 busy", "TIMEOUT", "TIMEOUT_OF_ENGINE", "503 no"]
)
def test_a_message_begins_with_a_word_or_with_a_part_of_one(message: str) -> None:
    assert begins_with("10016 ", "TIMEOUT", "5")(message)


@pytest.mark.parametrize("message", ["", "100161 other", "busy 10016 ", "timeout"])
def test_a_message_has_another_beginning(message: str) -> None:
    assert not begins_with("10016 ", "TIMEOUT", "5")(message)
