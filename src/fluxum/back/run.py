"""A strategy over a tape in virtual time: one loop, whose events come from a player.

At one instant the order is: what arrives at a venue or is received from it, then the tape, then
timers. So an answer is never seen before its time, and a timer sees all data of its instant.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from fluxum.back.candles import CandleBuilder
from fluxum.back.faithful import ReplayPlayer
from fluxum.back.player import Player
from fluxum.back.venue import TapeVenues
from fluxum.back.watching import DUE, END_NS
from fluxum.book.book import Book
from fluxum.book.consolidated import ConsolidatedBook
from fluxum.book.contributors import Contributors, MarketFacts
from fluxum.bot.decision import BotCommand
from fluxum.bot.engine import Engine
from fluxum.bot.market import Market
from fluxum.bot.strategy import BotEvent
from fluxum.errors import NotSubscribed
from fluxum.model.event import Event, HubEvent
from fluxum.model.input import Number
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Trade

__all__ = ["Course", "Loop", "TapeBooks"]

_NEVER = END_NS
_LAST_NS = 1_000_000_000


Playing = Player | ReplayPlayer
"""Where the events of a run come from."""


class Course(Protocol):
    """What a run notes as time passes."""

    @property
    def next_ns(self) -> int:
        """When there is something to note next."""
        ...

    def note(self, now_ns: int) -> None:
        """Note what is due."""
        ...


class TapeBooks:
    """The books of a player, for an engine; see `bot.books`."""

    def __init__(
        self,
        player: Playing,
        markets: Mapping[Market, int],
        instruments: Mapping[Market, Instrument],
        fees: Mapping[str, Number] | None = None,
    ) -> None:
        self._player = player
        self._books = {market: player.books[number] for market, number in markets.items()}
        self._instruments = dict(instruments)
        self._fees = fees
        self._consolidated: dict[Symbol, ConsolidatedBook] = {}

    def take(self, event: BotEvent) -> None:
        """An event is about to reach the strategy; the player has applied it."""
        if isinstance(event, Instrument):
            self._instruments[Market(event.venue, event.symbol)] = event

    def book(self, market: Market) -> Book:
        """The book of a market as of the last event; raises NotSubscribed."""
        try:
            return self._books[market]
        except KeyError:
            raise NotSubscribed(f"no book of {market}") from None

    def consolidated(self, symbol: str) -> ConsolidatedBook:
        """The book of a symbol over all venues; raises NotSubscribed."""
        key = Symbol(symbol)
        known = self._consolidated.get(key)
        if known is None:
            contributors = Contributors(key, self._now, _ignore)
            for market, book in self._books.items():
                if market.symbol == key:
                    contributors.put(book, facts=self._facts(market))
            if not contributors.keys():
                raise NotSubscribed(f"no book of {symbol} at any venue")
            known = self._consolidated[key] = ConsolidatedBook(contributors, self._fees)
        return known

    def instrument(self, market: Market) -> Instrument | None:
        """A market's rules, once the venue published them."""
        return self._instruments.get(market)

    def _now(self) -> int:
        return self._player.now_ns

    def _facts(self, market: Market) -> MarketFacts:
        def known() -> Instrument | None:
            return self.instrument(market)

        return MarketFacts(instrument=known)


class Loop:
    """Runs one engine over one player. `builders` make the candles that the tape lacks.

    `course` notes the equity.
    """

    def __init__(
        self,
        player: Playing,
        engine: Engine,
        venues: TapeVenues,
        builders: Sequence[CandleBuilder] = (),
        course: Course | None = None,
    ) -> None:
        self.steps = 0
        """How many events the engine was given."""
        self._player = player
        self._engine = engine
        self._venues = venues
        self._builders = builders
        self._course = course
        self._timer_ns = _NEVER - 1

    def run(self, until_ns: int = END_NS) -> None:
        """Play to the end of the tape, or until an instant; then all that is on its way arrives."""
        player, engine, direct = self._player, self._engine, self._engine.direct
        is_building = bool(self._builders)
        known = -1
        self._set_alarm(until_ns)
        while (found := player.next() if is_building else player.feed(direct)) is not None:
            if found is DUE:
                if player.next_ns >= until_ns:
                    break
                self._pass_time(player.next_ns)
                self._set_alarm(until_ns)
                continue
            if is_building:
                self._build(found)  # type: ignore[arg-type]  # no signal is left
            if direct.found is None:
                self.steps += 1
                commands = engine.step(found)  # type: ignore[arg-type]
            else:
                decided, direct.found = direct.found, None
                commands = engine.go_on(found, decided)  # type: ignore[arg-type]
            if commands or engine.decisions != known:
                self._follow(commands)
                known = engine.decisions
                self._set_alarm(until_ns)
        self.steps += direct.count
        self._end()

    # Pieces

    def _end(self) -> None:
        """Let what is on its way at the end arrive, up to a second later; timers end before."""
        end_ns = self._player.now_ns + _LAST_NS
        self._timer_ns = _NEVER - 1
        while self._venues.next_ns <= end_ns:
            answer = self._venues.receive()
            if answer is not None:
                self._step(answer)
                self._timer_ns = _NEVER - 1

    def _follow(self, commands: Sequence[BotCommand]) -> None:
        """After a step that decided something: send its commands, and look at the timers."""
        if commands:
            self._venues.send(commands, self._engine.now_ns)
        timer = self._engine.due()
        self._timer_ns = _NEVER - 1 if timer is None else timer.received_ns

    def _set_alarm(self, until_ns: int) -> None:
        course_ns = _NEVER if self._course is None else self._course.next_ns
        self._player.alarm_ns = min(self._venues.next_ns, course_ns, until_ns, self._timer_ns + 1)

    def _pass_time(self, now_ns: int) -> None:
        """Do what is due up to an instant, in order; a timer of the instant itself is later."""
        venues, course = self._venues, self._course
        while True:
            timer_ns = self._timer_ns
            course_ns = _NEVER if course is None else course.next_ns
            until_ns = min(timer_ns, now_ns)
            if venues.next_ns <= until_ns and venues.next_ns < course_ns:
                answer = venues.receive()
                if answer is not None:
                    self._step(answer)
            elif course is not None and course_ns <= until_ns:
                course.note(course_ns)
            elif timer_ns < now_ns:
                timer = self._engine.due()
                assert timer is not None, "a timer that is due is there"
                self._step(timer)
            else:
                return

    def _step(self, event: BotEvent) -> None:
        self.steps += 1
        self._follow(self._engine.step(event))

    def _build(self, event: Event) -> None:
        """Give the engine the candles that an event closes or changes, before the event."""
        now_ns = self._player.now_ns
        for builder in self._builders:
            due_ns = builder.due_ns
            if due_ns is not None and due_ns <= now_ns:
                for candle in builder.advance(now_ns):
                    self._step(candle)
            if isinstance(event, Trade) and builder.is_of(event) and not event.backfilled:
                running = builder.take(event)
                if running is not None:
                    self._step(running)


def _ignore(_event: HubEvent) -> None:
    """Who leaves a consolidated book is known by `removed`; a strategy gets the cause itself."""
