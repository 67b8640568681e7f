"""What is still missing before a session is ready; a session is ready when nothing is."""

from collections.abc import Iterator

from msgspec import Struct

from fluxum.model.event import Subscription

__all__ = ["Missing", "Readiness"]


class Missing(Struct, frozen=True):
    """One reason why a session is not ready: of a subscription, or of a link if that is `None`."""

    link: str
    subscription: Subscription | None
    reason: str

    def __str__(self) -> str:
        """Short text for the user."""
        subject = self.link if self.subscription is None else str(self.subscription)
        return f"{subject}: {self.reason}"


class Readiness:
    """The reasons of one link, as they appear and disappear."""

    def __init__(self, link: str) -> None:
        self._link = link
        self.missing: dict[Subscription | None, str] = {None: "not connected"}
        """The reasons, oldest first; read only."""
        self._incomplete: dict[Subscription, str] = {}

    def __iter__(self) -> Iterator[Missing]:
        """What is missing, oldest first."""
        for subscription, reason in self.missing.items():
            yield Missing(self._link, subscription, reason)

    def incomplete(self) -> list[Missing]:
        """Lists that are complete except for rows that could not be read."""
        return [Missing(self._link, one, reason) for one, reason in self._incomplete.items()]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def note_incomplete(self, subscription: Subscription, reason: str) -> None:
        """Rows of a list could not be read; the list is ready without them."""
        self._incomplete[subscription] = reason

    def lack(self, subscription: Subscription | None, reason: str) -> None:
        """Something is missing; this is the reason now."""
        self.missing[subscription] = reason

    def have(self, subscription: Subscription | None) -> None:
        """It is not missing any more."""
        self.missing.pop(subscription, None)

    def forget(self, subscription: Subscription) -> None:
        """It is not subscribed any more."""
        self.missing.pop(subscription, None)
        self._incomplete.pop(subscription, None)

    def lacks(self, subscription: Subscription) -> bool:
        """Whether this subscription is missing now."""
        return subscription in self.missing
