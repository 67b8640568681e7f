"""What is still missing before a session may be trusted; ready is when nothing is."""

from collections.abc import Iterator

from msgspec import Struct

from fluxum.model.event import Subscription

__all__ = ["Missing", "Readiness"]


class Missing(Struct, frozen=True):
    """One reason not to trust: about a subscription, or about a link where there is none."""

    link: str
    subscription: Subscription | None
    reason: str

    def __str__(self) -> str:
        """Short text for people."""
        subject = self.link if self.subscription is None else str(self.subscription)
        return f"{subject}: {self.reason}"


class Readiness:
    """The reasons of one link, kept as they come and go."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._missing: dict[Subscription | None, str] = {None: "not connected"}
        self._incomplete: dict[Subscription, str] = {}

    def __iter__(self) -> Iterator[Missing]:
        """What is missing, oldest first."""
        for subscription, reason in self._missing.items():
            yield Missing(self._link, subscription, reason)

    def incomplete(self) -> list[Missing]:
        """Lists that are there although some of their rows could not be read."""
        return [Missing(self._link, one, reason) for one, reason in self._incomplete.items()]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return not self._missing

    def note_incomplete(self, subscription: Subscription, reason: str) -> None:
        """Rows of a list could not be read, which keeps nothing from being ready."""
        self._incomplete[subscription] = reason

    def lack(self, subscription: Subscription | None, reason: str) -> None:
        """Something is missing, for this reason now."""
        self._missing[subscription] = reason

    def have(self, subscription: Subscription | None) -> None:
        """It is missing no more."""
        self._missing.pop(subscription, None)

    def forget(self, subscription: Subscription) -> None:
        """It is not wanted any more."""
        self._missing.pop(subscription, None)
        self._incomplete.pop(subscription, None)

    def lacks(self, subscription: Subscription) -> bool:
        """Whether this subscription is not to be trusted now."""
        return subscription in self._missing
