"""A cancel that is refused, as while a link is lost, is sent again after a pause, not at once."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from bot.bots import ETH, ONE, TWO, at, instrument, outcome, snapshot
from bot.examples import Quotes
from fluxum.bot import BotEvent, CancelAll, Intent, Place, Remembered, Strategy, Timer, View, Want
from fluxum.bot.books import Books
from fluxum.bot.decision import BotCommand
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import EngineState
from fluxum.bot.strategy import Switch
from fluxum.model.market import Side
from fluxum.model.order import Cancel, OrderStatus
from fluxum.model.order import Place as PlaceOrder


class Ends(Strategy, kw_only=True):
    """Places an order, and once it rests wants it ended, whatever it receives."""

    seen: Remembered[int] = 0

    def wants(self) -> Sequence[Want]:
        return [Want(ONE, "book")]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        self.seen += 1
        if self.seen == 1:
            return [Place(ONE, Side.BUY, Decimal(1), Decimal(90))]
        return [CancelAll(ONE)] if self.seen > 2 else []  # the second is that the order rests


def engine(strategy: Strategy, state: EngineState | None = None) -> Engine:
    rules = {market: instrument(market) for market in (ONE, TWO, ETH)}
    books = Books([ONE, TWO, ETH], rules)
    return Engine(strategy, books, seed=7, state=state, can_amend=lambda _venue: False)


def canceled(commands: Sequence[BotCommand]) -> list[str]:
    return [
        name
        for one in commands
        if isinstance(one.command, Cancel)
        for name in one.command.client_order_ids
    ]


def resting(strategy: Strategy) -> tuple[Engine, list[str]]:
    """A bot whose orders rest, and their names."""
    bot = engine(strategy)
    names = [
        one.command.request.client_order_id
        for one in bot.step(snapshot(0))
        if isinstance(one.command, PlaceOrder)
    ]
    for name in names:
        assert bot.step(outcome(0, name, OrderStatus.OPEN)) == []
    return bot, names


def refuse(bot: Engine, seconds: float, name: str) -> Sequence[BotCommand]:
    return bot.step(outcome(seconds, name, OrderStatus.REFUSED, is_change=True, reason="no link"))


def test_a_refused_cancel_is_sent_again_after_pauses_of_one_second_at_most() -> None:
    bot, (name,) = resting(Ends())
    assert canceled(bot.step(snapshot(1))) == [name]

    seconds, waited = 1.0, list[float]()
    for _ in range(6):
        assert refuse(bot, seconds, name) == []
        assert bot.step(snapshot(seconds)) == []  # wanted once more, in vain
        due = bot.due()
        assert due is not None
        waited.append((due.received_ns - at(seconds)) / 1e9)
        seconds = (due.received_ns - at(0)) / 1e9
        assert canceled(bot.step(due)) == [name]

    assert waited == pytest.approx([0.1, 0.2, 0.4, 0.8, 1, 1])
    assert bot.step(outcome(seconds, name, OrderStatus.CANCELED)) == []
    assert bot.due() is None


def test_a_quote_that_is_moved_by_cancels_waits_as_well() -> None:
    """An exchange without amendments; the answers come while the strategy goes on quoting."""
    bot, names = resting(Quotes())
    ends = canceled(bot.step(snapshot(1, bid=98, ask=100)))
    assert sorted(ends) == sorted(names)

    sent = [one for name in names for one in refuse(bot, 1, name)]
    for number in range(100):
        sent += bot.step(snapshot(1, bid=98 - number % 2, ask=100))

    assert sent == []
    due = bot.due()
    assert due is not None
    assert due.received_ns == at(1.1)
    assert sorted(canceled(bot.step(due))) == sorted(names)


def test_a_bot_that_is_halted_cancels_at_once_what_was_refused_before() -> None:
    bot, (name,) = resting(Ends())
    bot.step(snapshot(1))
    refuse(bot, 1, name)

    halted = bot.step(Switch(is_halted=True, reason="stop", received_ns=at(1)))

    assert canceled(halted) == [name]
    refuse(bot, 1, name)
    due = bot.due()
    assert due is not None
    assert due.received_ns == at(6)  # a halted bot cancels every five seconds
    assert canceled(bot.step(due)) == [name]


def test_a_bot_that_begins_again_sends_the_cancel_that_waits() -> None:
    bot, (name,) = resting(Ends())
    bot.step(snapshot(1))
    refuse(bot, 1, name)

    again = engine(Ends(seen=2), bot.state())

    due = again.due()
    assert isinstance(due, Timer)
    assert due.received_ns == at(1.1)
    assert canceled(again.step(due)) == [name]
