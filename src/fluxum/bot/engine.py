"""The one step of a bot: an event in, commands out. Pure.

    engine = Engine(strategy, Books(markets), seed=7)
    for event in events:
        for command in engine.step(event):
            ...                      # send it to the account at command.market.venue

Live, paper and back-test call the same step and differ in nothing else: where events come from and
where commands go. Everything that the engine knows, it knows from its events. Besides market data
these are `Fill` and `OrderUpdate` of the account, an `Outcome` for each command where no update
shows it, and `Timer`s: before an event that is later than `due()`, that timer is to be stepped.

Within a step: the event reaches book and account, then the strategy; its intents are planned
against what rests, and checked against the limits; what is left is sent.
"""

import traceback
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import get_args

from fluxum.bot.account import BotAccount
from fluxum.bot.books import BookSource
from fluxum.bot.commands import Commands
from fluxum.bot.decision import BotCommand, Decision, chained, decision_text, reference
from fluxum.bot.direct import NOTHING, Direct
from fluxum.bot.engine_state import EngineState, Step, encode
from fluxum.bot.engine_view import EngineView
from fluxum.bot.gate import Gate
from fluxum.bot.halting import Halting, without_new
from fluxum.bot.intent import Intent
from fluxum.bot.limits import BotFact, BotHalted, BotLimits, StrategyFailed
from fluxum.bot.market import Market, market_of
from fluxum.bot.profit import Earnings
from fluxum.bot.protections import Protections
from fluxum.bot.strategy import (
    AccountKnown,
    BookKnown,
    BotEvent,
    Outcome,
    Steering,
    Strategy,
    Switch,
    Timer,
)
from fluxum.bot.timers import Timers
from fluxum.bot.wanted import MARKET_DATA, Wanted
from fluxum.errors import BadInput
from fluxum.model.account import Fill
from fluxum.model.event import Channel, Desync, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.order import OrderStatus, OrderUpdate

__all__ = ["Engine"]

_SECOND_NS = 1_000_000_000
_ZERO = Decimal(0)
_OPEN, _REFUSED = OrderStatus.OPEN, OrderStatus.REFUSED  # to look up a member costs a call
_ENGINE_TIMER = "engine"
_ACCOUNT = (Fill, OrderUpdate, Outcome)
_DATA = frozenset(MARKET_DATA)
_INTENTS = get_args(Intent)


class Engine:
    """One strategy with its limits, its account, and the chain of its decisions.

    `books` are the books of its markets, which the engine feeds. Orders are named from `seed`.
    `can_amend` is whether a venue changes orders in place. `state` is where an earlier engine
    stopped. `keep` gets what a journal needs of each step that changed anything.
    """

    def __init__(
        self,
        strategy: Strategy,
        books: BookSource,
        limits: BotLimits | None = None,
        *,
        seed: int = 0,
        can_amend: Callable[[str], bool] = lambda _venue: True,
        state: EngineState | None = None,
        keep: Callable[[Step], None] | None = None,
    ) -> None:
        limits = BotLimits() if limits is None else limits
        state = EngineState() if state is None else state
        self.strategy = strategy
        self.account = BotAccount(state.account)
        self.earnings = Earnings(state.earned)
        self.failed = state.failed
        """The error of the strategy; empty: there was none."""
        self.decisions = state.decisions
        self.hash = state.chain
        """The hash of all decisions so far."""
        self.facts: tuple[BotFact, ...] = ()
        """What the last step reported."""
        self.warmed = 0
        """How many events of history the strategy received, and how many intents were dropped."""
        self.intents_dropped = 0
        self._books = books
        self._protections = Protections(limits.protections, state.trips, state.pauses)
        self._gate = Gate(limits, self.account, books.book, self.earnings, self._protections)
        self._commands = Commands(self.account, self._gate, books, seed, can_amend)
        self._view = EngineView(books, self.account, limits, self._commands.groups)
        self.wanted = Wanted(strategy.wants(), state.candles)
        self._timers = Timers(self.wanted.timers, state.timers)
        self._halting = Halting(state.halted)
        self._limits = limits
        self._keep = keep
        self._kept = encode(strategy)
        self._is_looking = limits.drawdown_max is not None
        self._plain: Mapping[type, Container[tuple[str, Symbol]]] = {}
        self.direct = Direct(strategy, self._view, self.wanted)
        self._traceback = ""
        self._restore(state)

    # How it begins

    def _restore(self, state: EngineState) -> None:
        """Continue where an earlier engine stopped."""
        gate, commands = self._gate, self._commands
        gate.high, gate.placed_since_fill = state.high, state.placed_since_fill
        gate.reducing = state.reducing
        commands.number = state.named
        commands.quotes.update((one.market, one) for one in state.quotes)
        commands.targets.update((one.market, one) for one in state.targets)
        commands.groups.extend(state.groups)
        commands.paused.update((one.market, one) for one in state.paused)
        self._view.now_ns = state.now_ns
        self.wanted.received = state.received
        if state.halted and state.account.orders:
            self._halting.retry_after(state.now_ns)

    def hold(self, positions: Mapping[Market, Decimal]) -> None:
        """Begin with these positions."""
        for market, quantity in positions.items():
            self.account.hold(market, quantity)
            self.earnings.begin(market, quantity)

    def warm(self, events: Iterable[BotEvent]) -> None:
        """Give the strategy history: its memory grows, and its intents are counted and dropped.

        Its timers are due between these events as they are later.
        """
        self._view.is_warming = True
        for event in events:
            while (timer := self.due()) is not None and timer.received_ns < event.received_ns:
                self._timers.take(timer)
                self._warm(timer)
            self._books.take(event)
            self._warm(event)
        self._view.is_warming = False

    def step_of_warm_up(self) -> Step:
        """What a journal keeps of a run before its first event: what history left behind."""
        return Step(
            received=self.wanted.received,
            strategy=encode(self.strategy),
            state=encode(self.state()),
        )

    def show(self, events: Iterable[BotEvent]) -> None:
        """Let events of before a restart reach the books alone."""
        for event in events:
            self._books.take(event)

    def _warm(self, event: BotEvent) -> None:
        self._move_to(event.received_ns)
        if not self.halted and self.wanted.is_for(event):
            self.warmed += 1
            self.intents_dropped += len(self._decide(event))

    # The step

    @property
    def halted(self) -> str:
        """Why the bot is halted; empty: it is not."""
        return self._halting.reason

    @property
    def now_ns(self) -> int:
        """The instant of the last event."""
        return self._view.now_ns

    def due(self) -> Timer | None:
        """The next timer, to be stepped before any later event; `None`: none is awaited."""
        commands = self._commands
        is_waiting = (
            commands.paused or commands.groups or commands.is_canceling_late or self._timers.ahead
        )
        if not is_waiting and not self._halting.reason:
            return None
        first = self._timers.due()
        engine_ns = None if self.halted else commands.due_ns
        engine_ns = self._halting.due_ns if engine_ns is None else engine_ns
        if engine_ns is not None and (first is None or engine_ns <= first.received_ns):
            return Timer(name=_ENGINE_TIMER, received_ns=engine_ns)
        return first

    def step(self, event: BotEvent | Steering) -> Sequence[BotCommand]:
        """Take in one event; returns the commands to send now, in their order."""
        markets = self._plain.get(type(event))
        if markets is not None and (event.venue, event.symbol) in markets:  # type: ignore[union-attr]
            return self._step_plain(event)  # type: ignore[arg-type]  # market data has a market
        self._move_to(event.received_ns)
        commands = self._commands
        commands.begin(self._view.now_ns)
        is_input, is_wanted = self._learn(event)
        if self._is_looking:
            self._gate.look()
        intents: Sequence[Intent] = ()
        if is_wanted and not self._halting.reason:
            intents = self._decide(event.snapshot if type(event) is BookKnown else event)  # type: ignore[arg-type]  # no strategy receives other steering
            commands.carry_out(intents)
        if is_input and not self._halting.reason:
            self._continue(event)
        self._conclude(event, intents, is_input=is_input)
        return commands.sent

    # Pieces of a step

    def _step_plain(self, event: BotEvent) -> Sequence[BotCommand]:
        """The same for data that the strategy wants, which nearly always leads to nothing."""
        view = self._view
        view.now_ns = max(view.now_ns, event.received_ns)
        self._books.take(event)
        self.wanted.received += 1
        if self._is_looking:
            self._gate.look()
        try:
            found = self.strategy.on_event(event, view)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the strategy's
            return self.go_on(event, error)
        if not found and type(found) in NOTHING:
            self.facts = ()
            return []
        return self.go_on(event, found)

    def go_on(self, event: BotEvent, found: Iterable[Intent] | Exception) -> Sequence[BotCommand]:
        """End the step of an event by what its strategy made of it; returns the commands."""
        commands = self._commands
        commands.begin(self._view.now_ns)
        intents: Sequence[Intent] = ()
        try:
            if isinstance(found, Exception):
                raise found  # noqa: TRY301 - one place where a strategy fails
            intents = self._intents(found)
        except Exception as error:  # noqa: BLE001
            self._fail(error)
        commands.carry_out(intents)
        self._conclude(event, intents, is_input=False)
        return commands.sent

    def _conclude(
        self, event: BotEvent | Steering, intents: Sequence[Intent], *, is_input: bool
    ) -> None:
        """End a step that may have changed something."""
        is_halted = bool(self._halting.reason)
        if intents or self._commands.is_used or is_halted or self._keep is not None:
            self._check()
            self._record(event, intents, is_input=is_input)
            is_halted = bool(self._halting.reason)
        self.facts = tuple(self._commands.facts)
        is_plain = self._keep is None and not is_halted
        self._plain = self.wanted.data if is_plain else {}
        self.direct.markets = {} if self._is_looking else self._plain

    def _move_to(self, received_ns: int) -> None:
        """Time does not go back. With the first event the timers begin."""
        if not self._view.now_ns:
            self._timers.begin(received_ns)
        self._view.now_ns = max(self._view.now_ns, received_ns)

    def _learn(self, event: BotEvent | Steering) -> tuple[bool, bool]:
        """Take in an event: whether a journal keeps it, and whether the strategy receives it."""
        if isinstance(event, _ACCOUNT):
            return True, self._account_event(event)
        match event:
            case Switch():
                self._switch(event)
                return True, False
            case AccountKnown():
                self._know(event)
                return True, False
            case BookKnown(snapshot=snapshot):
                self._books.take(snapshot)
                return True, self.wanted.is_for(snapshot)
            case Timer():
                self._timers.take(event)
                return True, self.wanted.is_for(event)
            case _:
                self._books.take(event)
                is_wanted = self.wanted.is_for(event)
                return is_wanted and type(event) not in _DATA, is_wanted

    def _account_event(self, event: Fill | OrderUpdate | Outcome) -> bool:
        """Take in an event of the account; returns whether the strategy receives it."""
        account = self.account
        if not isinstance(event, Fill):
            return account.take(event) is not None
        is_new = not account.has(event)
        order = account.take(event)
        if is_new:
            if not account.is_of_before(event):
                self._commands.facts += self._gate.fill(event)
            if order is not None and order.group:
                self._commands.fill_group(order, event.quantity)
        return is_new and (order is not None or self.wanted.is_for(event, order))

    def _decide(self, event: BotEvent) -> Sequence[Intent]:
        """What the strategy intends; its error halts the bot."""
        try:
            return self._intents(self.strategy.on_event(event, self._view))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the strategy's
            return self._fail(error)

    def _intents(self, found: Iterable[Intent]) -> Sequence[Intent]:
        if not found and type(found) in NOTHING:
            return ()
        intents = tuple(found)
        for one in intents:
            if not isinstance(one, _INTENTS):
                raise BadInput(f"an intent was expected, was {one!r:.80}")
        return intents

    def _fail(self, error: Exception) -> Sequence[Intent]:
        """The strategy raised an error: the bot is halted; nothing is intended."""
        self.failed = f"{type(error).__name__}: {error}"
        self._traceback = traceback.format_exc()
        now_ns = self._view.now_ns
        self._commands.facts.append(StrategyFailed(error=self.failed, at_ns=now_ns))
        self._halt(f"the strategy failed: {self.failed}", self._limits.cancels_on_failure)
        return ()

    def _continue(self, event: BotEvent | Steering) -> None:
        """Send what waited for this event: quotes, targets, legs."""
        commands = self._commands
        if isinstance(event, _ACCOUNT):
            status = event.status if isinstance(event, Outcome) else None
            if status is _REFUSED:
                commands.refused(market_of(event.venue, event.symbol))
            elif commands.is_waiting:
                market = market_of(event.venue, event.symbol)
                if not any(one.market == market for one in commands.sent):
                    if status is _OPEN:
                        commands.accepted(market)
                    commands.plan(market)
        elif isinstance(event, Timer):
            commands.plan_late()
        if commands.groups:
            commands.settle()

    def _check(self) -> None:
        """Halt the bot if it is to be, and end what is left of its orders if it is halted."""
        commands, now_ns = self._commands, self._view.now_ns
        if self.halted:
            orders = self.account.orders()
            if self._halting.is_due(now_ns, are_left=bool(orders)):
                commands.end_at_once(orders)
        elif self._gate.intend(commands.intended, now_ns):
            most = self._limits.commands_per_second_max
            commands.sent = without_new(commands.sent, self.account)
            self._halt(f"more than {most} orders and changes in a second")
        elif commands.halt_reason:
            self._halt(commands.halt_reason)

    def _halt(self, reason: str, is_canceling: bool = True) -> None:
        self._halting.halt(reason)
        commands = self._commands
        commands.quotes.clear()
        commands.targets.clear()
        commands.facts.append(BotHalted(reason=reason, at_ns=self._view.now_ns))
        if is_canceling:
            commands.end_at_once(self.account.orders())
            self._halting.retry_after(self._view.now_ns)

    def _know(self, known: AccountKnown) -> None:
        """Take over what an account holds; a market's profit begins anew where that differs."""
        self.account.begin(known.venue, known.received_ns)
        held = {Market(known.venue, symbol): quantity for symbol, quantity in known.positions}
        before = [one for one in self.account.positions if one.venue == known.venue]
        for market in dict.fromkeys((*before, *held)):
            quantity = held.get(market, _ZERO)
            if self.account.position(market) != quantity:
                self.hold({market: quantity})
        if known.balances is not None:
            self.account.own(known.venue, known.balances)
        for market in self.wanted.books:
            if market.venue == known.venue:
                self._books.take(_withdrawn(market, known.received_ns))

    def _switch(self, switch: Switch) -> None:
        if switch.is_halted:
            if not self.halted:
                self._halt(switch.reason)
        elif not self.failed:
            self._halting.resume()

    # The record

    def _record(
        self, event: BotEvent | Steering, intents: Sequence[Intent], *, is_input: bool
    ) -> None:
        commands, text = self._commands, ""
        if intents or commands.sent or commands.facts:
            self.decisions += 1
            decision = Decision(
                number=self.decisions,
                input=reference(event),
                intents=tuple(intents),
                facts=tuple(commands.facts),
                commands=tuple(commands.sent),
            )
            text = decision_text(decision)
            self.hash = chained(self.hash, text)
        if self._keep is None:
            return
        memory = self._kept if self.failed else encode(self.strategy)
        if text or is_input or memory != self._kept:
            is_changed, self._kept = memory != self._kept, memory
            step = Step(
                received=self.wanted.received,
                input=encode(event) if is_input else b"",
                decision=text,
                chain=self.hash if text else "",
                strategy=memory if is_changed else b"",
                state=encode(self.state()) if text or is_input else b"",
                traceback=self._traceback,
            )
            self._keep(step)

    def state(self) -> EngineState:
        """All that the engine remembers, its strategy left out."""
        commands, gate = self._commands, self._gate
        return EngineState(
            now_ns=self._view.now_ns,
            received=self.wanted.received,
            named=commands.number,
            decisions=self.decisions,
            chain=self.hash,
            halted=self.halted,
            failed=self.failed,
            account=self.account.state(fills=False),
            quotes=tuple(commands.quotes.values()),
            targets=tuple(commands.targets.values()),
            groups=tuple(commands.groups),
            paused=tuple(commands.paused.values()),
            timers=tuple(self._timers.ahead),
            candles=self.wanted.candles,
            earned=self.earnings.state(),
            trips=tuple(self._protections.trips),
            pauses=tuple(self._protections.pauses),
            high=gate.high,
            placed_since_fill=gate.placed_since_fill,
            reducing=gate.reducing,
        )


def _withdrawn(market: Market, at_ns: int) -> Desync:
    """A run begins or resumes: its books are those that are known then."""
    return Desync(
        venue=market.venue,
        subscription=Subscription(Channel.BOOK, market.symbol),
        generation=0,
        reason="a run begins",
        received_ns=at_ns,
    )
