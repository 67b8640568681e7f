"""Deltas that came without the snapshot they change, of streams that owe one.

The first is published as left out, so that the stream is known to lack its snapshot; the others
are counted, and published as one when the snapshot comes.
"""

from collections.abc import Sequence

from fluxum.model.event import LeftOut, Subscription

__all__ = ["EarlyDeltas"]

_REASON = "a delta without its snapshot"


class EarlyDeltas:
    """How many deltas of each stream of one link had no snapshot to change."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._unpublished: dict[Subscription, int] = {}

    def add(self, subscription: Subscription, sample: str, received_ns: int) -> Sequence[LeftOut]:
        """Count a delta; `sample` shows the first one."""
        if subscription in self._unpublished:
            self._unpublished[subscription] += 1
            return ()
        self._unpublished[subscription] = 0
        return (self._left_out(subscription, 1, sample, received_ns),)

    def settle(self, subscription: Subscription, received_ns: int) -> Sequence[LeftOut]:
        """The snapshot came: what was counted since the first."""
        count = self._unpublished.pop(subscription, 0)
        return (self._left_out(subscription, count, "", received_ns),) if count else ()

    def forget(self, subscription: Subscription) -> None:
        """The stream ended."""
        self._unpublished.pop(subscription, None)

    def _left_out(
        self, subscription: Subscription, count: int, sample: str, received_ns: int
    ) -> LeftOut:
        return LeftOut(
            venue=self._venue,
            subscription=subscription,
            count=count,
            reason=_REASON,
            sample=sample,
            received_ns=received_ns,
        )
