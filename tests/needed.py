"""What is optional by its type, and there in a test."""

from typing import TypeVar

Thing = TypeVar("Thing")


def needed(thing: Thing | None) -> Thing:
    """The thing, which has to be there."""
    assert thing is not None
    return thing
