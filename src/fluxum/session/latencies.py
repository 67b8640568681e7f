"""How long frames take on their way through a session, one of every 128 measured.

Every duration begins with the receipt of the frame, so the hops can be compared as they are:

exchange   before that: from the venue's own time to the receipt; two clocks, so marked as foreign
decoded    until the frame had become events
applied    until its book had the update and the check was done
published  until every reader's pipe had the events
"""

from collections.abc import Callable, Mapping, Sequence

from fluxum.flow.histogram import Histogram, Latency
from fluxum.model.event import Event

__all__ = ["Latencies", "in_short"]


class Latencies:
    """The histograms of one session.

    `decoded` begins the measurement of a frame; `is_measuring` is true until `published` ends it.
    """

    __slots__ = (
        "_applied",
        "_decoded",
        "_exchange",
        "_now_ns",
        "_published",
        "_received_ns",
        "is_measuring",
    )

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.is_measuring = False
        self._now_ns = now_ns
        self._received_ns = 0
        self._exchange = Histogram()
        self._decoded = Histogram()
        self._applied = Histogram()
        self._published = Histogram()

    def decoded(self, events: Sequence[Event], received_ns: int) -> None:
        """A frame of this receipt has become events, which are delivered next."""
        self._received_ns = received_ns
        self._decoded.record(self._now_ns() - received_ns)
        venue_ns: int | None = getattr(events[-1], "venue_ns", None)
        if venue_ns is not None:
            self._exchange.record(received_ns - venue_ns)
        self.is_measuring = True

    def applied(self) -> None:
        """A book has the update of the frame, if one is being measured."""
        if self.is_measuring:
            self._applied.record(self._now_ns() - self._received_ns)

    def published(self) -> None:
        """Every reader has the frame's events: its measurement ends."""
        self.is_measuring = False
        self._published.record(self._now_ns() - self._received_ns)

    def histograms(self) -> Mapping[str, Histogram]:
        """The histograms by hop; read only."""
        return {
            "exchange": self._exchange,
            "decoded": self._decoded,
            "applied": self._applied,
            "published": self._published,
        }


def in_short(histograms: Mapping[str, Histogram]) -> Mapping[str, Latency]:
    """The quantiles of each hop; that of the exchange is marked as foreign."""
    return {
        hop: histogram.latency(is_foreign=hop == "exchange")
        for hop, histogram in histograms.items()
    }
