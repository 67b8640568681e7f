"""Checks of strategies: the shipped ones pass, and each planted fault is found by its check."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from bot.bots import ONE, TWO
from fluxum.bot import BotEvent, Intent, Market, Note, Remembered, Strategy, Target, View, Want
from fluxum.bot.check import CheckResult, check_strategy, leaks, play
from fluxum.bot.samples import sample_events
from fluxum.bot.strategies.arbitrage import Arbitrage
from fluxum.bot.strategies.maker import Maker
from fluxum.bot.strategies.trend import Trend
from fluxum.model.event import Event
from fluxum.model.market import Candle

SHIPPED = [
    Maker(market=ONE, size=Decimal("0.1"), held_max=Decimal(1)),
    Arbitrage(symbol="BTC/USD", venues=(ONE.venue, TWO.venue), size_max=Decimal(1)),
    Trend(market=ONE, size=Decimal(1), fast_span=3, slow_span=5, interval_s=5),
]


def failed(results: Iterable[CheckResult]) -> dict[str, str]:
    return {one.name: one.detail for one in results if not one.is_passed}


@pytest.mark.parametrize("strategy", SHIPPED, ids=lambda one: type(one).__name__)
def test_shipped_strategies_pass_and_decide_something(strategy: Strategy) -> None:
    events = sample_events(strategy.wants(), 200)

    results = check_strategy(strategy, events, cuts=3)

    assert failed(results) == {}
    assert [one.name for one in results] == [
        "purity",
        "memory",
        "look-ahead",
        "warm-up",
        "restart",
    ]
    assert sum(len(one) for one in play(strategy)(events)) > 10


class Candles(Strategy, kw_only=True):
    """Long if the last candle rose."""

    def wants(self) -> Sequence[Want]:
        return [Want(ONE, "candle", 60), Want(ONE, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        if not isinstance(event, Candle) or not event.closed:
            return []
        return [Target(ONE, 1 if event.close > event.open else 0), Note("close", event.close)]


def one_candle_early(events: Iterable[Event]) -> Iterator[Sequence[str]]:
    """A way of events with a leak: the strategy gets each candle in place of the one before it."""
    known = list(events)
    candles = [one for one in known if isinstance(one, Candle)]
    following: dict[int, Event] = {id(one): other for one, other in pairwise(candles)}
    return play(Candles())([following.get(id(one), one) for one in known])


def one_candle_early_step_by_step(events: Iterable[Event]) -> Iterator[Sequence[str]]:
    """The same leak, in a way that looks only one event ahead."""
    waiting = iter(events)
    last = next(waiting)
    decide = play(Candles())

    def moved() -> Iterator[Event]:
        nonlocal last
        for event in waiting:
            yield event if isinstance(event, Candle) else last
            last = event
        yield last

    return decide(moved())


EVENTS = sample_events(Candles().wants(), 1_500)


def test_a_way_without_a_leak_passes() -> None:
    assert leaks(play(Candles()), EVENTS, cuts=3) == ""


def test_a_leak_of_one_candle_is_found_at_its_event() -> None:
    assert "was decided on after event" in leaks(one_candle_early_step_by_step, EVENTS)
    assert "event 1 was decided on after event 1500 was looked at" in leaks(
        one_candle_early, EVENTS
    )


def test_a_leak_from_a_list_that_was_made_before_is_found_by_another_future() -> None:
    def prepared(events: Iterable[Event]) -> Iterator[Sequence[str]]:
        """Decisions that were worked out from the whole list, handed over one by one."""
        known = list(events)
        found = list(one_candle_early(known))
        for event, decided in zip(known, found, strict=True):
            assert event is not None
            yield decided

    class Lazy:
        """Draws events one by one, and decides by what it has seen of them elsewhere."""

        def __call__(self, events: Iterable[Event]) -> Iterator[Sequence[str]]:
            known = list(events) if isinstance(events, list) else None
            if known is None:
                for event, decided in zip(events, prepared(EVENTS), strict=True):
                    assert event is not None
                    yield decided
            else:
                yield from prepared(known)

    found = leaks(Lazy(), EVENTS, cuts=3)

    assert "is decided otherwise" in found


class Forgets(Strategy, kw_only=True):
    """Has memory outside its fields."""

    def wants(self) -> Sequence[Want]:
        return [Want(ONE, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        SEEN[id(self)] = SEEN.get(id(self), 0) + 1
        return [Note("seen", SEEN[id(self)])]


SEEN: dict[int, int] = {}


def test_memory_outside_the_fields_is_found_by_a_restart() -> None:
    found = failed(check_strategy(Forgets(), sample_events(Forgets().wants(), 200)))

    assert found["restart"] == (
        "a resumed run decides otherwise: is all of its memory in its fields?"
    )


class Warms(Strategy, kw_only=True):
    """Remembers less while it is warmed."""

    seen: Remembered[int] = 0

    def wants(self) -> Sequence[Want]:
        return [Want(ONE, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        self.seen += 0 if view.is_warming else 1
        return []


def test_a_memory_that_depends_on_warming_is_found() -> None:
    found = failed(check_strategy(Warms(), sample_events(Warms().wants(), 100)))

    assert found["warm-up"] == "seen is not what a run from the start has"


class Objects(Strategy, kw_only=True):
    """Has a field that cannot be written down."""

    anything: Any = None

    def wants(self) -> Sequence[Want]:
        return [Want(ONE, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        return []


def test_a_field_that_cannot_be_written_down_is_found() -> None:
    found = failed(check_strategy(Objects(anything=object())))

    assert "fields of Objects cannot be encoded: object <object" in found["memory"]


class Fails(Strategy, kw_only=True):
    """Divides by zero."""

    def wants(self) -> Sequence[Want]:
        return [Want(Market("one", "BTC/USD"), "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        return [Note("never", 1 // 0)]


def test_a_strategy_that_fails_on_made_up_events_is_said_so() -> None:
    found = failed(check_strategy(Fails()))

    assert found["runs"].startswith("ZeroDivisionError: ")
