"""The collector that Prometheus' client library asks for samples; it keeps no counts of its own."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TypeVar
from weakref import WeakKeyDictionary

from fluxum import __version__
from fluxum.errors import BadInput
from fluxum.metrics.names import METRICS
from fluxum.metrics.sources import (
    Sample,
    Source,
    Sources,
    of_desk,
    of_process,
    of_session,
    of_tape,
    sources_of,
)
from fluxum.session.session import Session
from fluxum.tape.writer import TapeWriter
from fluxum.trader import Trader

try:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
except ImportError as error:
    raise BadInput("metrics need the extra metrics: pip install 'fluxum[metrics]'") from error

__all__ = ["Collector"]

_Family = CounterMetricFamily | GaugeMetricFamily
_Labels = tuple[str, ...]
T = TypeVar("T")


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
        self._recorders: WeakKeyDictionary[TapeWriter, int] = WeakKeyDictionary()

    def collect(self) -> Iterator[_Family]:
        """Every family that has a sample now; called by the registry."""
        families: dict[str, _Family] = {}
        for name, labels, value in self._samples():
            if name not in families:
                families[name] = _family(name)
            families[name].add_metric(labels, float(value))
        yield from families.values()

    def describe(self) -> Iterator[_Family]:
        """Every family, without samples; a registry uses it to find names that are taken."""
        return map(_family, METRICS)

    def _samples(self) -> Iterator[Sample]:
        sources = sources_of(self._sources)
        traders = [one for one in sources if isinstance(one, Trader)]
        sessions = dict.fromkeys(_sessions(sources))
        for session in sessions:
            owner = self._owner(session)
            yield from _labelled(owner, of_session(session, self._symbols_max))
        for trader in traders:
            yield from _labelled(self._owner(trader.session), of_desk(trader.orders))
        for tape in sources:
            if isinstance(tape, TapeWriter):
                number = _number(self._recorders, tape, self._recorders.values())
                yield from _labelled((str(number),), of_tape(tape))
        yield from of_process(__version__, self._loop_lag_s())

    def _owner(self, session: Session) -> _Labels:
        venue = session.venue.name
        taken = (n for one, n in self._numbers.items() if one.venue.name == venue)
        return venue, str(_number(self._numbers, session, taken))


def _sessions(sources: Iterable[Source]) -> Iterator[Session]:
    for one in sources:
        if isinstance(one, Trader):
            yield one.session
        elif isinstance(one, Session):
            yield one


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
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    return kind(name, metric.text, labels=metric.labels)
