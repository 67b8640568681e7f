"""The state of one subscription in a session: its feed, its last data, when to request it again."""

from fluxum.model.event import Subscription
from fluxum.session.feed import Feed

__all__ = ["Stream"]

_PATIENCE_S = 60.0
_RESYNC_FIRST_S = 1.0
_RESYNC_CEILING_S = 30.0


class Stream:
    """A subscription and its state; times in `_s` are of the loop's clock.

    `data_ns` is when its last data was received; `has_data` is true after the first data over this
    link. `due_s` is when to request the stream again; `None` if there is no reason to.
    `is_uncertain` is true while an update may have been missed, until a check, a snapshot or the
    next data confirms the stream; `uncertain_s` is when that was last the case. `missed` is the
    reason if an update was missed for certain, else empty. `requests` counts the requests in a row
    because the first data did not come. `refreshed_s` is when a snapshot was last requested because
    the market had moved away from the one before.
    """

    __slots__ = (
        "_failed_s",
        "_failures",
        "data_ns",
        "due_s",
        "feed",
        "has_data",
        "is_acknowledged",
        "is_uncertain",
        "missed",
        "refreshed_s",
        "requests",
        "since_s",
        "subscription",
        "uncertain_s",
    )

    def __init__(self, subscription: Subscription, feed: Feed) -> None:
        self.subscription = subscription
        self.feed = feed
        self.data_ns: int | None = None
        self.since_s: tuple[int | None, float] | None = None
        self.due_s: float | None = None
        self.refreshed_s = 0.0
        self.is_acknowledged = False
        self.has_data = False
        self.is_uncertain = False
        self.uncertain_s = 0.0
        self.missed = ""
        self.requests = 0
        self._failures = 0
        self._failed_s = 0.0

    def begin(self) -> None:
        """Begin with a new link: nothing was received over it yet."""
        self.due_s = self.since_s = None
        self.is_acknowledged = self.has_data = self.is_uncertain = False
        self.missed = ""
        self.requests = 0

    def mark_uncertain(self, now_s: float, first_s: float) -> None:
        """An update may be missing: request again after `first_s`, later after each failure."""
        self.is_uncertain = True
        self.uncertain_s = now_s
        if self.due_s is None:
            self.due_s = now_s + max(first_s, self.next_resync_s(now_s))

    def trust(self) -> None:
        """The stream is complete again, or has begun again."""
        self.due_s = None
        self.is_uncertain = False
        self.missed = ""

    def lack(self, reason: str) -> None:
        """The stream is missing for this reason, so its link is not ready."""
        self.feed.readiness.lack(self.subscription, reason)
        self.feed.update_state()

    def silent_s(self, data_ns: int | None, now_s: float) -> float:
        """For how long there was no data after `data_ns`, to be called once a second."""
        if self.since_s is None or self.since_s[0] != data_ns:
            self.since_s = (data_ns, now_s)
        return now_s - self.since_s[1]

    def next_resync_s(self, now_s: float) -> float:
        """Seconds to wait before the next resync: zero at first, then more after each failure.

        If the last failure was more than a minute ago, the count begins again.
        """
        if now_s - self._failed_s > _PATIENCE_S:
            self._failures = 0
        self._failed_s = now_s
        self._failures += 1
        if self._failures == 1:
            return 0.0
        return min(_RESYNC_CEILING_S, _RESYNC_FIRST_S * 2.0 ** min(self._failures - 2, 16))
