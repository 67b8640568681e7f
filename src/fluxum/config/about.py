"""What is known about a setting, beside its type."""

from msgspec import Struct

from fluxum.model.input import Take

__all__ = ["About"]


class About(Struct, frozen=True):
    """What is known about a setting.

    `take` converts the value. `seeds` are its names in the documents, with their defaults. `limit`
    is the field of the venue's `Limits` that it replaces; `bound` is whether the venue's value is
    the least or the most that is allowed.
    """

    take: Take
    text: str
    seeds: str = ""
    limit: str = ""
    bound: str = ""
    unit: str = ""
