"""One subscription as a session carries it: by whom, when it last spoke, when to ask again."""

from fluxum.model.event import Subscription
from fluxum.session.feed import Feed

__all__ = ["Stream"]

_PATIENCE_S = 60.0
_RESYNC_FIRST_S = 1.0
_RESYNC_CEILING_S = 30.0


class Stream:
    """A subscription and what a session remembers of it; `_s` are times of the loop's clock.

    `heard_ns` is when its last data was received, `has_data` whether there was any over this link.
    `due_s` is when to ask for it anew, `None` when there is no reason to; `is_doubted` whether an
    update may have been missed, until a check, a snapshot or the next data says otherwise, and
    `doubted_s` since when no further one was; `missed` says why one was missed for certain.
    `asked` is how often in a row it was asked for anew because it owed data; `refreshed_s` when a
    snapshot was last asked for because the market had moved away from the one before.
    """

    __slots__ = (
        "_failed_s",
        "_failures",
        "asked",
        "doubted_s",
        "due_s",
        "feed",
        "has_data",
        "heard_ns",
        "is_acknowledged",
        "is_doubted",
        "missed",
        "refreshed_s",
        "since_s",
        "subscription",
    )

    def __init__(self, subscription: Subscription, feed: Feed) -> None:
        self.subscription = subscription
        self.feed = feed
        self.heard_ns: int | None = None
        self.since_s: tuple[int | None, float] | None = None
        self.due_s: float | None = None
        self.refreshed_s = 0.0
        self.is_acknowledged = False
        self.has_data = False
        self.is_doubted = False
        self.doubted_s = 0.0
        self.missed = ""
        self.asked = 0
        self._failures = 0
        self._failed_s = 0.0

    def begin(self) -> None:
        """Nothing of it was received over this link yet."""
        self.due_s = self.since_s = None
        self.is_acknowledged = self.has_data = self.is_doubted = False
        self.missed = ""
        self.asked = 0

    def doubt(self, now_s: float, first_s: float) -> None:
        """An update may have been missed: ask anew after `first_s`, later after each failure."""
        self.is_doubted = True
        self.doubted_s = now_s
        if self.due_s is None:
            self.due_s = now_s + max(first_s, self.next_resync_s(now_s))

    def trust(self) -> None:
        """What it carries is whole again, or has begun anew."""
        self.due_s = None
        self.is_doubted = False
        self.missed = ""

    def lack(self, reason: str) -> None:
        """It is missing for this reason, and so its link is not ready."""
        self.feed.readiness.lack(self.subscription, reason)
        self.feed.settle()

    def silent_s(self, heard_ns: int | None, now_s: float) -> float:
        """For how long `heard_ns` has been the last word, as seen by whoever asks each second."""
        if self.since_s is None or self.since_s[0] != heard_ns:
            self.since_s = (heard_ns, now_s)
        return now_s - self.since_s[1]

    def next_resync_s(self, now_s: float) -> float:
        """Seconds to wait before the next resync: none at first, then more after each failure.

        A failure a minute after the last one counts as the first again.
        """
        if now_s - self._failed_s > _PATIENCE_S:
            self._failures = 0
        self._failed_s = now_s
        self._failures += 1
        if self._failures == 1:
            return 0.0
        return min(_RESYNC_CEILING_S, _RESYNC_FIRST_S * 2.0 ** min(self._failures - 2, 16))
