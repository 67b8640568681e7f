"""One venue of a view: state, links, counts, lag."""

from fluxum.flow.histogram import Histogram
from fluxum.model.event import State
from fluxum.session.statistics import LinkStatistics
from fluxum.view.facts import LagView, LinkView, VenueView
from fluxum.view.readings import VenueReadings

__all__ = ["venue_view"]

_NO_LAG = LagView(count=0, p50_ns=None, p99_ns=None)


def venue_view(found: VenueReadings, reason: str, now_ns: int) -> VenueView:
    """One venue at an instant; `reason` is why its state changed last."""
    counts = found.statistics
    return VenueView(
        venue=found.venue,
        state=found.state,
        is_ready=not found.missing and found.state is State.READY,
        reason=reason,
        missing=found.missing,
        links=tuple(_link(one, now_ns) for one in found.links),
        frames=0 if counts is None else counts.frames,
        data=0 if counts is None else counts.data,
        control=0 if counts is None else counts.control,
        rejected=0 if counts is None else counts.rejected,
        published=0 if counts is None else counts.published,
        left_out=0 if counts is None else counts.left_out,
        dropped=0 if counts is None else sum(one.dropped for one in counts.readers),
        gaps=0 if counts is None else counts.gaps,
        gaps_open=len(found.gaps_open),
        desyncs=0 if counts is None else counts.desyncs,
        reconnects=0 if counts is None else counts.reconnects,
        replaced=0 if counts is None else counts.replaced,
        checks_passed=0 if counts is None else counts.checks_passed,
        checks_failed=0 if counts is None else counts.checks_failed,
        lag=_lag(found.exchange),
        own_lag=_lag(found.published),
        clock_offset_s=None if counts is None else counts.clock_offset_s,
        sums_close=counts is None or counts.sums_close,
    )


def _link(link: LinkStatistics, now_ns: int) -> LinkView:
    return LinkView(
        name=link.name,
        state=link.state,
        is_connected=link.is_connected,
        age_s=None if link.received_ns is None else (now_ns - link.received_ns) / 1e9,
        subscriptions=link.subscriptions,
    )


def _lag(histogram: Histogram | None) -> LagView:
    if histogram is None or not histogram.count:
        return _NO_LAG
    return LagView(
        count=histogram.count, p50_ns=histogram.quantile(0.5), p99_ns=histogram.quantile(0.99)
    )
