"""One subscription as a session carries it: by whom, when it last spoke, when to ask again."""

from fluxum.model.event import Subscription
from fluxum.session.feed import Feed

__all__ = ["Stream"]

_PATIENCE_S = 60.0
_RESYNC_FIRST_S = 1.0
_RESYNC_CEILING_S = 30.0


class Stream:
    """A subscription and what a session remembers of it.

    `heard_ns` is when its last data was received. `due_s` is when to ask for a new snapshot, on
    the loop's clock, none when there is no reason to; `is_doubted` whether an update may have been
    missed, until a check or a snapshot says otherwise; `refreshed_s` when a snapshot was last
    asked for because the market had moved away from the one before.
    """

    __slots__ = (
        "_failed_s",
        "_failures",
        "due_s",
        "feed",
        "heard_ns",
        "is_doubted",
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
        self.is_doubted = False
        self._failures = 0
        self._failed_s = 0.0

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
