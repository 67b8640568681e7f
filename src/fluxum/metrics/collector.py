"""The collector that Prometheus' client library asks for samples; it keeps no counts of its own."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TypeVar
from weakref import WeakKeyDictionary

from fluxum.client.client import Client
from fluxum.errors import BadInput
from fluxum.flow.histogram import Histogram
from fluxum.hub.hub import Hub
from fluxum.metrics.members import session_of, sessions_of, traders_of
from fluxum.metrics.names import METRICS
from fluxum.metrics.sources import (
    Sample,
    Sources,
    of_client,
    of_desk,
    of_hub,
    of_process,
    of_session,
    of_sink,
    of_tape,
    sources_of,
)
from fluxum.session.session import Session
from fluxum.sink.publisher import Publisher
from fluxum.tape.writer import TapeWriter
from fluxum.version import __version__

try:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )
except ImportError as error:
    raise BadInput("metrics need the extra metrics: pip install 'fluxum[metrics]'") from error

__all__ = ["Collector"]

_Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
_Labels = tuple[str, ...]
T = TypeVar("T")
_SECOND_NS = 1_000_000_000
_BUCKET_BITS = range(10, 35)  # from a microsecond to 17 seconds, each twice the one before


class Collector:
    """Computes the samples of some sources when they are requested, in the event loop's thread.

    For a registry of one's own: `registry.register(Collector(session))`. At most `symbols_max`
    books of each session have metrics of their own, labelled with their symbol; 0 disables them.
    `loop_lag_s` returns how late the event loop was lately.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        symbols_max: int = 0,
        loop_lag_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        if symbols_max < 0:
            raise BadInput(f"symbols_max of at least 0 was expected, was {symbols_max}")
        self._sources = sources
        self._symbols_max = symbols_max
        self._loop_lag_s = loop_lag_s
        self._numbers: WeakKeyDictionary[Session, int] = WeakKeyDictionary()
        self._hubs: WeakKeyDictionary[Hub, int] = WeakKeyDictionary()
        self._clients: WeakKeyDictionary[Client, int] = WeakKeyDictionary()
        self._recorders: WeakKeyDictionary[TapeWriter, int] = WeakKeyDictionary()
        self._sinks: WeakKeyDictionary[Publisher, int] = WeakKeyDictionary()

    def collect(self) -> Iterator[_Family]:
        """Every family that has a sample now; called by the registry."""
        families: dict[str, _Family] = {}
        for name, labels, value in self._samples():
            if name not in families:
                families[name] = _family(name)
            _add(families[name], labels, value)
        yield from families.values()

    def describe(self) -> Iterator[_Family]:
        """Every family, without samples; a registry uses it to find names that are taken."""
        return map(_family, METRICS)

    def _samples(self) -> Iterator[Sample]:
        sources = sources_of(self._sources)
        for session in sessions_of(sources):
            yield from _labelled(self._owner(session), of_session(session, self._symbols_max))
        for trader in traders_of(sources):
            yield from _labelled(self._owner(trader.session), of_desk(trader.orders))
        for one in sources:
            if isinstance(one, TapeWriter):
                number = _number(self._recorders, one, self._recorders.values())
                yield from _labelled((str(number),), of_tape(one))
            elif isinstance(one, Publisher):
                yield from _labelled((self._sink(one),), of_sink(one))
            elif isinstance(one, Hub):
                yield from self._of_hub(one)
            elif isinstance(one, Client):
                owner = one.exchange, str(_number(self._clients, one, self._clients.values()))
                yield from _labelled(owner, of_client(one))
        yield from of_process(__version__, self._loop_lag_s())

    def _of_hub(self, hub: Hub) -> Iterator[Sample]:
        number = _number(self._hubs, hub, self._hubs.values())
        yield from _labelled((str(number),), of_hub(hub))
        for venue, histograms in hub.histograms().items():
            session = session_of(hub, venue)
            if session is not None:  # the session has the other hops itself
                labels = (*self._owner(session), "delivered")
                yield "fluxum_latency_seconds", labels, histograms["delivered"]

    def _sink(self, publisher: Publisher) -> str:
        same = (n for one, n in self._sinks.items() if one.name == publisher.name)
        number = _number(self._sinks, publisher, same)
        return publisher.name if number == 1 else f"{publisher.name}-{number}"

    def _owner(self, session: Session) -> _Labels:
        venue = session.venue.name
        taken = (n for one, n in self._numbers.items() if one.venue.name == venue)
        return venue, str(_number(self._numbers, session, taken))


def _number(numbers: WeakKeyDictionary[T, int], one: T, taken: Iterable[int]) -> int:
    """The number of a source: the lowest that no other has, as long as the source exists."""
    found = numbers.get(one)
    if found is None:
        used = set(taken)
        found = numbers[one] = next(n for n in count(1) if n not in used)
    return found


def _labelled(owner: _Labels, samples: Iterable[Sample]) -> Iterator[Sample]:
    return ((name, (*owner, *labels), value) for name, labels, value in samples)


def _family(name: str) -> _Family:
    metric = METRICS[name]
    kind: type[_Family] = GaugeMetricFamily
    if metric.is_histogram:
        kind = HistogramMetricFamily
    elif name.endswith("_total"):
        kind = CounterMetricFamily
    return kind(name, metric.text, labels=metric.labels)


def _add(family: _Family, labels: _Labels, value: float | Histogram) -> None:
    if isinstance(family, HistogramMetricFamily):
        assert isinstance(value, Histogram), "a histogram has histograms"
        family.add_metric(labels, _buckets(value), value.sum_ns / _SECOND_NS)
    else:
        assert not isinstance(value, Histogram), "a number was expected"
        family.add_metric(labels, float(value))


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """How many durations are within each bound; the bounds are where the counts are exact."""
    bounds = [
        (f"{((1 << bits) - 1) / _SECOND_NS:.9f}", float(histogram.below(bits)))
        for bits in _BUCKET_BITS
    ]
    return [*bounds, ("+Inf", float(histogram.count))]
