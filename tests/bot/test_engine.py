"""One step of a bot: what it sends after each event, by hand."""

from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from bot.bots import (
    ETH,
    ONE,
    START_NS,
    TWO,
    at,
    fill,
    instrument,
    level,
    order_update,
    outcome,
    snapshot,
    update,
)
from bot.examples import Averages, Breaks, Quotes, Scripted
from fluxum.bot import (
    CancelAll,
    Halt,
    Intent,
    Leg,
    Note,
    Place,
    Quote,
    Strategy,
    Target,
    Timer,
    Together,
)
from fluxum.bot.books import Books
from fluxum.bot.decision import BotCommand
from fluxum.bot.engine import Engine
from fluxum.bot.intent import Amend as AmendOrder
from fluxum.bot.intent import Cancel as CancelOrder
from fluxum.bot.limits import BotHalted, BotLimits, StrategyFailed, Verdict
from fluxum.bot.strategy import Switch
from fluxum.model.event import Channel, DataStale, LinkLost, Subscription
from fluxum.model.market import Candle, Side
from fluxum.model.order import Amend, Cancel, OrderStatus, OrderType, TimeInForce
from fluxum.model.order import Place as PlaceOrder
from fluxum.orders.limits import RiskLimits


def engine(strategy: Strategy, limits: BotLimits | None = None, **changes: Any) -> Engine:
    rules = {market: instrument(market) for market in (ONE, TWO, ETH)}
    return Engine(strategy, Books([ONE, TWO, ETH], rules), limits, seed=7, **changes)


def scripted(*script: list[Intent], limits: BotLimits | None = None) -> Engine:
    return engine(Scripted(script=list(script)), limits)


def placed(commands: Sequence[BotCommand]) -> list[tuple[str, str, str, str | None]]:
    """Each placed order: its venue, side, quantity and price."""
    found: list[tuple[str, str, str, str | None]] = []
    for one in commands:
        if isinstance(one.command, PlaceOrder):
            asked = one.command.request
            price = None if asked.limit_price is None else f"{asked.limit_price.normalize():f}"
            assert asked.quantity is not None
            quantity = f"{asked.quantity.normalize():f}"
            found.append((one.market.venue, asked.side.value, quantity, price))
    return found


def names(commands: Sequence[BotCommand]) -> list[str]:
    return [
        one.command.request.client_order_id
        for one in commands
        if isinstance(one.command, PlaceOrder)
    ]


def canceled(commands: Sequence[BotCommand]) -> list[str]:
    return [
        name
        for one in commands
        if isinstance(one.command, Cancel)
        for name in one.command.client_order_ids
    ]


def test_an_order_is_named_by_a_random_uuid_of_seed_and_count() -> None:
    script: list[Intent] = [Place(ONE, Side.BUY, Decimal(1), Decimal(90)) for _ in range(40)]
    bot = scripted(script, limits=BotLimits(commands_per_second_max=None))

    found = names(bot.step(snapshot(0)))

    digests = [sha256(f"7:{number}".encode()).digest() for number in range(1, 41)]
    assert found == [UUID(bytes=one[:16], version=4).hex for one in digests]


def test_quotes_are_placed_then_kept_then_moved() -> None:
    bot = engine(Quotes())

    first = bot.step(snapshot(0))
    assert placed(first) == [("one", "buy", "1", "99.1"), ("one", "sell", "1", "100.9")]
    assert bot.step(snapshot(1, bid=98)) == []  # the answers are on their way
    bid, ask = names(first)
    # The bid should be at 98.1 since: it is moved as soon as it is known to rest.
    (moved,) = bot.step(outcome(2, bid, OrderStatus.OPEN))
    assert isinstance(moved.command, Amend)
    assert (moved.command.client_order_id, moved.command.limit_price) == (bid, Decimal("98.1"))
    assert bot.step(outcome(3, ask, OrderStatus.OPEN)) == []


def test_orders_are_named_alike_in_every_run_and_apart_in_each() -> None:
    first, again = engine(Quotes()).step(snapshot(0)), engine(Quotes()).step(snapshot(0))

    assert names(first) == names(again)
    assert len(set(names(first))) == 2
    # SHA-256 of "7:1", as a version 4 UUID.
    assert names(first)[0] == "d7a0cee7b61e40e3a4776e245cfafbfb"


def test_a_strategy_receives_what_it_wants_and_nothing_else() -> None:
    bot = scripted()
    lost = LinkLost(venue="three", link="1", reason="closed", received_ns=at(3))

    bot.step(snapshot(0))
    bot.step(snapshot(1, market=ETH))  # not wanted
    bot.step(fill(2, "x"))  # a fill of the account in a wanted market
    bot.step(fill(2, "x"))  # the same again
    bot.step(lost)  # of another venue
    bot.step(structs.replace(lost, venue="two", received_ns=at(4)))
    bot.step(order_update(5, "x"))  # of another program's order

    assert bot.strategy == Scripted(received=["BookSnapshot", "Fill", "LinkLost"])


def test_books_are_as_of_the_event_and_lost_with_their_link() -> None:
    bot = engine(Quotes())
    bot.step(snapshot(0))
    bot.step(update(1, bids=(level(98, 5), level(99, 0))))
    assert bot.strategy == Quotes(quoted=2)

    bot.step(LinkLost(venue="one", link="1", reason="closed", received_ns=at(2)))
    assert bot.strategy == Quotes(quoted=2)  # the book is not valid
    bot.step(snapshot(3))
    assert bot.strategy == Quotes(quoted=3)


def test_a_target_is_bought_in_parts_until_it_is_reached() -> None:
    bot = scripted([Target(ONE, "2.004")])
    first = bot.step(snapshot(0))
    assert placed(first) == [("one", "buy", "2", None)]
    (name,) = names(first)

    # The venue fills a part and cancels the rest: what is missing is ordered again.
    assert bot.step(fill(1, name, quantity="1.5")) == []
    again = bot.step(order_update(2, name, status=OrderStatus.CANCELED, filled=Decimal("1.5")))
    assert placed(again) == [("one", "buy", "0.5", None)]
    (rest,) = names(again)
    assert bot.step(fill(3, rest, quantity="0.5")) == []
    assert bot.step(snapshot(4)) == []
    assert bot.account.position(ONE) == Decimal(2)


def test_a_target_that_is_refused_is_not_tried_again_by_itself() -> None:
    bot = scripted([Target(ONE, 2)])
    (name,) = names(bot.step(snapshot(0)))

    assert bot.step(outcome(1, name, OrderStatus.REFUSED, reason="no funds")) == []
    assert bot.step(snapshot(2)) == []


def test_single_orders_are_named_by_their_label() -> None:
    bot = scripted(
        [Place(ONE, "buy", 1, 90, label="low"), Place(ONE, "buy", 2, 89, label="low")],
        [AmendOrder(ONE, "low", limit=91)],
        [CancelOrder(ONE, "low"), CancelOrder(ONE, "high")],
    )

    first = bot.step(snapshot(0))
    assert placed(first) == [("one", "buy", "1", "90")]
    (verdict,) = bot.facts
    assert isinstance(verdict, Verdict)
    assert verdict.message == "an open order has the label 'low' already"
    (name,) = names(first)
    bot.step(outcome(1, name, OrderStatus.OPEN))  # its intents are the amendment
    assert bot.account.orders()[0].next_price == Decimal(91)
    ends = bot.step(snapshot(2))
    assert canceled(ends) == [name]
    assert [fact.message for fact in bot.facts if isinstance(fact, Verdict)] == [
        "no open order has the label 'high'"
    ]


def test_cancel_all_ends_the_quotes_and_what_waits_of_them() -> None:
    bot = scripted([Quote(ONE, level(90), level(110))], [CancelAll(ONE)])
    sent = names(bot.step(snapshot(0)))

    assert canceled(bot.step(snapshot(1))) == sent
    for name in sent:
        assert bot.step(order_update(2, name, status=OrderStatus.CANCELED)) == []
    assert bot.account.orders() == []


def test_a_stop_order_has_its_trigger() -> None:
    bot = scripted([Place(ONE, "sell", 1, trigger=95)])

    (command,) = bot.step(snapshot(0))

    assert isinstance(command.command, PlaceOrder)
    asked = command.command.request
    assert asked.order_type is OrderType.STOP_LOSS
    assert asked.trigger is not None
    assert asked.trigger.price == Decimal(95)


def test_timers_are_due_at_whole_multiples_and_reach_the_strategy() -> None:
    bot = scripted()
    bot.step(snapshot(90))

    due = bot.due()
    assert due is not None
    assert due == Timer(name="minute", received_ns=at(120))
    bot.step(due)
    assert bot.due() == Timer(name="minute", received_ns=at(180))
    assert bot.strategy == Scripted(received=["BookSnapshot", "Timer"])


def test_events_that_were_given_straight_to_the_strategy_are_received_too() -> None:
    bot = scripted([])
    bot.step(snapshot(0))

    bot.direct.given(3)

    assert bot.wanted.received == 4
    assert bot.direct.count == 3


# Legs


def both(unhedged_s: str = "0.5", unwinds: bool = False) -> Together:
    legs = (Leg(ONE, "buy", 1, 101), Leg(TWO, "sell", 1, 102))
    return Together(legs, unhedged_s, unwinds=unwinds)


def together(*script: list[Intent], limits: BotLimits | None = None) -> tuple[Engine, list[str]]:
    bot = scripted([], *script, limits=limits)
    bot.step(snapshot(0, market=TWO, bid=102, ask=104))
    commands = bot.step(snapshot(0))
    for one in commands:
        assert isinstance(one.command, PlaceOrder)
        assert one.command.request.time_in_force is TimeInForce.IOC
    assert placed(commands) == [("one", "buy", "1", "101"), ("two", "sell", "1", "102")]
    return bot, names(commands)


def test_legs_that_are_filled_whole_need_nothing_more() -> None:
    bot, (buy, sell) = together([both()])

    assert bot.step(fill(0.1, buy)) == []
    assert bot.step(fill(0.2, sell, side="sell", market=TWO)) == []
    assert bot.due() == Timer(name="minute", received_ns=at(60))


def test_a_leg_that_ended_short_is_made_even_at_the_market_at_once() -> None:
    bot, (buy, sell) = together([both()])

    bot.step(fill(0.1, buy))
    bot.step(fill(0.2, sell, quantity="0.4", side="sell", market=TWO))
    ended = order_update(0.3, sell, market=TWO, status=OrderStatus.EXPIRED, filled=Decimal("0.4"))
    hedge = bot.step(ended)

    assert placed(hedge) == [("two", "sell", "0.6", None)]
    assert bot.step(fill(0.4, names(hedge)[0], quantity="0.6", side="sell", market=TWO)) == []
    assert bot.account.position(ONE) + bot.account.position(TWO) == 0


def test_a_leg_that_is_short_by_less_than_an_order_is_left_so() -> None:
    bot, (buy, sell) = together([both()])

    bot.step(fill(0.1, buy))
    bot.step(fill(0.2, sell, quantity="0.96", side="sell", market=TWO))
    ended = order_update(0.3, sell, market=TWO, status=OrderStatus.EXPIRED, filled=Decimal("0.96"))

    assert bot.step(ended) == []
    assert bot.due() == Timer(name="minute", received_ns=at(60))


def test_legs_can_be_undone_instead() -> None:
    bot, (buy, sell) = together([both(unwinds=True)])

    bot.step(fill(0.1, buy))
    bot.step(outcome(0.2, sell, OrderStatus.REFUSED, market=TWO))

    open_orders = bot.account.orders()
    assert [(one.market, one.side, one.quantity) for one in open_orders] == [
        (ONE, Side.SELL, Decimal("1.00"))
    ]


def test_a_leg_without_an_answer_is_hedged_when_its_time_has_passed_and_its_late_fill_too() -> None:
    bot, (buy, sell) = together([both("0.5")])
    bot.step(fill(0.1, buy))
    bot.step(outcome(0.2, sell, OrderStatus.UNKNOWN, market=TWO))

    due = bot.due()
    assert due is not None
    assert due == Timer(name="engine", received_ns=at(0.5))
    late = bot.step(due)
    assert canceled(late) == [sell]
    assert placed(late) == [("two", "sell", "1", None)]
    assert bot.step(fill(0.6, names(late)[0], side="sell", market=TWO)) == []

    # The order that was given up is filled after all: one is sold too much.
    undo = bot.step(fill(0.7, sell, side="sell", market=TWO))
    assert placed(undo) == [("two", "buy", "1", None)]
    bot.step(fill(0.8, names(undo)[0], side="buy", market=TWO))
    assert bot.account.position(ONE) + bot.account.position(TWO) == 0


def test_a_bot_whose_legs_stay_unhedged_is_halted() -> None:
    bot, (buy, sell) = together([both()])
    bot.step(fill(0.1, buy))
    refused = [sell]
    for seconds in (0.2, 0.3, 0.4, 0.5):
        hedge = bot.step(outcome(seconds, refused[-1], OrderStatus.REFUSED, market=TWO))
        refused += names(hedge)

    assert len(refused) == 4
    assert bot.halted == "legs stayed unhedged after 3 tries: sell 1 two BTC/USD"


def test_legs_are_sent_together_or_not_at_all() -> None:
    limits = BotLimits(venues={"two": RiskLimits(quantity_max="0.5")})
    bot = scripted([], [both()], limits=limits)
    bot.step(snapshot(0, market=TWO, bid=102, ask=104))

    assert bot.step(snapshot(0)) == []
    (verdict,) = bot.facts
    assert isinstance(verdict, Verdict)
    assert verdict.limit == "quantity_max"


# Halting


def test_a_strategy_that_fails_is_halted_and_its_orders_are_canceled() -> None:
    steps: list[Any] = []
    bot = engine(Breaks(), keep=steps.append)
    sent = names(bot.step(snapshot(0)))
    bot.step(snapshot(1))

    assert canceled(bot.step(snapshot(2))) == sent
    assert bot.facts == (
        StrategyFailed(error="KeyError: 'no such thing'", at_ns=at(2)),
        BotHalted(reason="the strategy failed: KeyError: 'no such thing'", at_ns=at(2)),
    )
    assert "raise KeyError" in steps[-1].traceback
    assert bot.step(snapshot(3)) == []
    bot.step(Switch(is_halted=False, reason="", received_ns=at(4)))
    assert bot.halted  # it stays so: its memory is in between


def test_orders_of_a_failed_strategy_stay_if_the_limits_say_so() -> None:
    bot = engine(Breaks(), BotLimits(cancels_on_failure=False))
    for seconds in (0, 1):
        bot.step(snapshot(seconds))

    assert bot.step(snapshot(2)) == []
    assert len(bot.account.orders()) == 1


def test_what_is_no_intent_is_a_failure_of_the_strategy() -> None:
    bot = scripted(["buy"])  # type: ignore[list-item]

    bot.step(snapshot(0))

    assert bot.failed == "BadInput: an intent was expected, was 'buy'"


def test_a_halted_bot_cancels_once_more_if_a_cancel_failed_and_until_all_have_ended() -> None:
    bot = scripted([Place(ONE, "buy", 1, 90)], [Halt("enough")], [Place(ONE, "buy", 1, 90)])
    (name,) = names(bot.step(snapshot(0)))

    assert canceled(bot.step(snapshot(1))) == [name]
    bot.step(outcome(2, name, OrderStatus.REFUSED, is_change=True))
    due = bot.due()
    assert due is not None
    assert due == Timer(name="engine", received_ns=at(6))
    assert canceled(bot.step(due)) == [name]
    bot.step(order_update(7, name, status=OrderStatus.CANCELED))
    assert bot.step(snapshot(8)) == []  # and nothing is placed
    assert bot.due() == Timer(name="minute", received_ns=at(60))


def test_a_person_halts_and_resumes() -> None:
    bot = scripted([Place(ONE, "buy", 1, 90)], [Place(ONE, "buy", 1, 91)])
    sent = names(bot.step(snapshot(0)))

    assert canceled(bot.step(Switch(is_halted=True, reason="lunch", received_ns=at(1)))) == sent
    assert bot.step(snapshot(2)) == []
    bot.step(Switch(is_halted=False, reason="", received_ns=at(3)))
    assert placed(bot.step(snapshot(4))) == [("one", "buy", "1", "91")]


def test_a_bot_that_runs_away_is_halted_before_its_orders_are_sent() -> None:
    many: list[Intent] = [Place(ONE, "buy", 1, 90) for _ in range(11)]
    bot = scripted(many[:10], many[:1], many, limits=BotLimits(commands_per_second_max=10))

    assert len(bot.step(snapshot(0))) == 10
    ends = bot.step(snapshot(0.9))
    assert placed(ends) == []
    assert len(canceled(ends)) == 10
    assert bot.halted == "more than 10 orders and changes in a second"


# Warm-up, and the chain


def candle(minute: int, close: object) -> Candle:
    price = Decimal(str(close))
    return Candle(
        venue="one",
        symbol=ONE.symbol,
        interval_s=60,
        start_ns=at(60 * minute),
        end_ns=at(60 * minute + 60),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(1),
        closed=True,
        received_ns=at(60 * minute + 60),
    )


CLOSES = [100, 101, 99, 103, 104, 98, 97, 105, 106, 107, 103, 101]


def test_a_warmed_strategy_is_the_one_that_ran_from_the_start() -> None:
    history = [candle(minute, close) for minute, close in enumerate(CLOSES)]
    ran, warmed = engine(Averages()), engine(Averages())
    for event in history:
        while (due := ran.due()) is not None and due.received_ns < event.received_ns:
            ran.step(due)
        ran.step(event)

    warmed.warm(history)

    assert warmed.strategy == ran.strategy
    assert (warmed.warmed, warmed.intents_dropped) == (14, 24)  # 12 candles and 2 timers
    assert warmed.account.orders() == []
    assert (warmed.decisions, warmed.due()) == (0, ran.due())


def test_a_candle_of_history_that_is_repeated_is_received_once() -> None:
    bot = engine(Averages())
    bot.warm([candle(0, 100), candle(1, 101)])

    bot.step(candle(1, 101))
    bot.step(structs.replace(candle(0, 102), is_correction=True))
    bot.step(candle(2, 102))

    assert isinstance(bot.strategy, Averages)
    assert bot.strategy.seen == 3


def test_the_chain_of_decisions_is_known_by_hand() -> None:
    bot = scripted([Note("fair", Decimal("100.50"))])

    bot.step(snapshot(0))

    # sha256 of "\n" and the text; made with sha256sum.
    text = (
        '{"number":1,"input":{"kind":"book_snapshot","venue":"one","symbol":"BTC/USD",'
        f'"received_ns":{START_NS}}},"intents":[{{"type":"note","name":"fair","value":"100.5"}}]}}'
    )
    assert bot.decisions == 1
    assert sha256(f"\n{text}".encode()).hexdigest() == HASH
    assert bot.hash == HASH


HASH = "704b9678f06cc7125acbe68a80a33ffaa0949364a18edb80001365ce177a973e"


def test_a_subscription_of_another_stream_is_no_loss() -> None:
    bot = scripted()
    stale = DataStale(
        venue="one",
        subscription=Subscription(Channel.TICKER, ONE.symbol),
        silent_s=10.0,
        received_ns=at(1),
    )
    bot.step(stale)
    book = Subscription(Channel.BOOK, ONE.symbol)
    bot.step(structs.replace(stale, subscription=book))

    assert bot.strategy == Scripted(received=["DataStale"])


@pytest.mark.parametrize("seed", [7, 8])
def test_equal_runs_have_equal_hashes_and_others_do_not(seed: int) -> None:
    rules = {ONE: instrument()}
    one = Engine(Quotes(), Books([ONE], rules), seed=seed)
    other = Engine(Quotes(), Books([ONE], rules), seed=7)
    for bot in (one, other):
        for seconds in range(5):
            bot.step(snapshot(seconds, bid=99 - seconds))

    assert (one.hash == other.hash) is (seed == 7)
