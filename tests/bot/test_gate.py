"""Every limit of a bot, broken by an intent: refused by its name, and nothing is sent."""

from decimal import Decimal
from typing import Any

import pytest

from bot.bots import ETH, ONE, START_NS, TWO, at, fill, instrument, level, outcome, snapshot
from bot.examples import Scripted
from bot.test_engine import names
from fluxum.bot import CancelAll, Intent, Place, Quote, Target
from fluxum.bot.books import Books
from fluxum.bot.engine import Engine
from fluxum.bot.intent import Amend
from fluxum.bot.limits import BotLimits, Verdict
from fluxum.bot.protections import Cooldown
from fluxum.errors import BadInput
from fluxum.model.order import OrderStatus
from fluxum.orders.limits import RiskLimits


def bot(*script: list[Intent], **limits: Any) -> Engine:
    rules = {market: instrument(market) for market in (ONE, TWO, ETH)}
    made = Engine(
        Scripted(script=list(script)), Books([ONE, TWO, ETH], rules), BotLimits(**limits), seed=7
    )
    made.step(snapshot(0, market=TWO))
    return made


def verdicts(engine: Engine) -> list[str]:
    return [one.limit for one in engine.facts if isinstance(one, Verdict)]


BUY = Place(ONE, "buy", 1, 100)
ACCOUNT: list[tuple[dict[str, Any], list[Intent], str]] = [
    ({"quantity_max": "0.9"}, [BUY], "quantity_max"),
    ({"notional_max": 99}, [BUY], "notional_max"),
    ({"collar_percent": 1}, [Place(ONE, "buy", 1, 102)], "collar_percent"),
    ({"orders_max": 1}, [BUY, BUY], "orders_max"),
    ({"per_second_max": 1}, [BUY, BUY], "per_second_max"),
    ({"per_minute_max": 1}, [BUY, BUY], "per_minute_max"),
    ({"position_max": "1.5"}, [BUY, BUY], "position_max"),
    ({"exposure_max": {"BTC": "1.5"}}, [BUY, BUY], "exposure_max"),
    ({"account_exposure_max": 150, "account_asset": "USD"}, [BUY, BUY], "account_exposure_max"),
    ({"symbols": ["ETH/USD"]}, [BUY], "symbols"),
]


@pytest.mark.parametrize(("limits", "intents", "name"), ACCOUNT, ids=[one[2] for one in ACCOUNT])
def test_a_limit_of_an_account_refuses_what_breaks_it(
    limits: dict[str, Any], intents: list[Intent], name: str
) -> None:
    engine = bot([], intents, account=RiskLimits(**limits))

    sent = engine.step(snapshot(1))

    assert verdicts(engine) == [name]
    assert len(sent) == len(intents) - 1


def test_an_exposure_counts_all_venues_with_what_is_open() -> None:
    engine = bot([], [BUY, Place(TWO, "buy", 1, 100)], [Place(TWO, "sell", 4, 101)])
    limited = bot(
        [],
        [BUY, Place(TWO, "buy", 1, 100)],
        [Place(TWO, "sell", "1.6", 101)],
        exposure_max={"BTC": "1.5"},
    )

    assert len(engine.step(snapshot(1))) == 2
    assert len(limited.step(snapshot(1))) == 1
    assert verdicts(limited) == ["exposure_max"]
    assert limited.step(snapshot(2)) == []
    assert verdicts(limited) == ["exposure_max"]


def test_an_amendment_is_limited_by_what_it_adds() -> None:
    label = Place(ONE, "buy", 1, 100, label="a")
    engine = bot(
        [],
        [label],
        [],
        [Amend(ONE, "a", quantity=2)],
        [Amend(ONE, "a", quantity="0.5")],
        account=RiskLimits(position_max="1.5"),
    )
    (name,) = names(engine.step(snapshot(1)))
    engine.step(outcome(2, name, OrderStatus.OPEN))

    assert engine.step(snapshot(3)) == []
    assert verdicts(engine) == ["position_max"]
    assert len(engine.step(snapshot(4))) == 1


def test_old_data_lets_only_reducing_orders_out() -> None:
    engine = bot([], [], [Place(TWO, "buy", 1, 100)], data_age_max_ms=500)
    engine.hold({ONE: Decimal(1)})
    engine.step(snapshot(0.5))

    assert engine.step(snapshot(1)) == []  # the book of TWO is a second old
    assert verdicts(engine) == ["data_age_max_ms"]


def test_orders_without_fills_end_in_reducing_and_a_fill_begins_anew() -> None:
    engine = bot(
        [], [BUY, BUY], [BUY, Place(ONE, "sell", 1, 101)], [], [BUY], orders_per_fill_max=2
    )
    engine.hold({ONE: Decimal(1)})
    bought = names(engine.step(snapshot(1)))

    assert len(engine.step(snapshot(2))) == 1  # the sell
    assert verdicts(engine) == ["orders_per_fill_max"]
    engine.step(fill(3, bought[0]))
    assert len(engine.step(snapshot(4))) == 1


def test_a_drawdown_from_the_high_lets_only_reducing_orders_out() -> None:
    limits: dict[str, Any] = {"drawdown_max": 10, "currency": "USD"}
    engine = bot([], [BUY], [], [BUY], [BUY, Place(ONE, "sell", 1, 95)], **limits)
    (name,) = names(engine.step(snapshot(1)))
    engine.step(fill(2, name, price=100))

    # Bought at 100; the middle goes to 110 (a profit of 10), then to 101: 9 below the high.
    assert len(engine.step(snapshot(3, bid=109, ask=111))) == 1
    sent = engine.step(snapshot(4, bid=99, ask=101))
    assert verdicts(engine) == ["drawdown_max"]  # 100: 10 below the high
    assert len(sent) == 1


def test_a_drawdown_that_cannot_be_known_counts_as_reached() -> None:
    engine = bot([], [BUY], drawdown_max=10, currency="EUR")
    engine.hold({ONE: Decimal(1)})

    assert engine.step(snapshot(1)) == []
    assert verdicts(engine) == ["drawdown_max"]


def test_a_protection_pauses_its_market_and_says_so() -> None:
    script: list[list[Intent]] = [[], [BUY], [], [Place(ONE, "sell", 1, 101)], [], [BUY], [BUY]]
    engine = bot(*script, protections=(Cooldown(pause_s=60),))
    (buy,) = names(engine.step(snapshot(1)))
    engine.step(fill(2, buy))
    (sell,) = names(engine.step(snapshot(3)))

    engine.step(fill(4, sell, side="sell", price=101))
    (pause,) = engine.facts
    assert (type(pause).__name__, getattr(pause, "until_ns", 0)) == ("Pause", at(64))
    assert engine.step(snapshot(5)) == []
    assert verdicts(engine) == ["protections"]
    assert len(engine.step(snapshot(64))) == 1


def test_cancels_are_never_limited() -> None:
    engine = bot(
        [],
        [Quote(ONE, level(99), level(101))],
        [CancelAll(ONE)],
        account=RiskLimits(per_second_max=2, orders_max=2),
        commands_per_second_max=2,
        orders_per_fill_max=2,
    )

    assert len(engine.step(snapshot(1))) == 2
    assert len(engine.step(snapshot(1.1))) == 2
    assert engine.halted == ""


def test_a_target_beyond_a_limit_is_not_tried_again_and_again() -> None:
    engine = bot([], [Target(ONE, 5)], account=RiskLimits(position_max=1))

    assert engine.step(snapshot(1)) == []
    assert verdicts(engine) == ["position_max"]
    assert engine.step(fill(2, "x", quantity="0.1")) == []
    assert verdicts(engine) == []


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"drawdown_max": 1}, "drawdown_max and currency go together"),
        ({"account": RiskLimits(daily_loss_max=1)}, "account: a bot's loss is limited by its"),
        ({"exposure_max": {"BTC": 0}}, "exposure_max of BTC: a number above zero"),
        ({"commands_per_second_max": 0}, "commands_per_second_max: 1 or more was expected"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        BotLimits(**limits)


def test_time_begins_with_the_first_event() -> None:
    assert bot().now_ns == START_NS
