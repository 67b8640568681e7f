"""Lines for people: whose clock, which day, how many digits, and never a second line."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts import EVENT_TYPES, structs
from fluxum.cli.lines import event_text, money_text, number_text, printable, time_text, when_text
from fluxum.model.event import Event, LinkReplaced, VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle, Side, Trade

SECOND = 1_000_000_000
NOON = 1_767_268_800 * SECOND  # 2026-01-01T12:00:00Z
TODAY = NOON + 3600 * SECOND
TOMORROW = NOON + 86_400 * SECOND


@pytest.mark.parametrize(
    ("venue_ns", "received_ns", "now_ns", "text"),
    [
        (NOON, NOON + SECOND, TODAY, "12:00:00.000v"),
        (None, NOON + 1_999_999, TODAY, "12:00:00.001r"),
        (NOON, NOON + SECOND, TOMORROW, "2026-01-01 12:00:00.000v"),
        (None, NOON, TOMORROW, "2026-01-01 12:00:00.000r"),
        (NOON - 12 * 3600 * SECOND - 1, NOON, TODAY, "2025-12-31 23:59:59.999v"),
        (NOON, NOON, NOON - 86_400 * SECOND, "2026-01-01 12:00:00.000v"),
        (None, 0, TODAY, "never"),
    ],
)
def test_a_time_says_whose_clock_it_is_and_the_day_if_it_is_another(
    venue_ns: int | None, received_ns: int, now_ns: int, text: str
) -> None:
    assert when_text(venue_ns, received_ns, now_ns) == text


def test_a_time_that_no_calendar_has_is_still_told() -> None:
    assert time_text(10**30, NOON) == f"{10**30}ns"
    assert time_text(-(10**30), NOON) == f"-{10**30}ns"


def test_a_trade_is_told_by_the_time_of_the_venue() -> None:
    trade = Trade(
        venue="k",
        symbol=Symbol("BTC/USD"),
        side=Side.SELL,
        price=Decimal("100.50"),
        quantity=Decimal("1E-8"),
        trade_id="1",
        backfilled=True,
        venue_ns=NOON,
        received_ns=NOON + 7 * SECOND,
    )

    text = event_text(trade)

    assert text.startswith("2026-01-01 12:00:00.000v k BTC/USD trade sell 0.00000001 @ 100.50")
    assert text.endswith("(backfilled)")


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.__name__)
def test_every_event_has_one_line(cls: type[Event]) -> None:
    @given(structs(cls))
    def check(event: Event) -> None:
        text = event_text(event)

        assert text.isprintable()
        assert text.count("\n") == 0

    check()


def test_a_replaced_link_is_told() -> None:
    event = LinkReplaced(venue="k", link="public-1", reason="its age", received_ns=NOON)

    assert event_text(event).endswith("k link replaced: its age")


def test_what_a_venue_says_cannot_move_the_cursor() -> None:
    notice = VenueNotice(venue="k", message="\x1b[2J\nready", received_ns=NOON)

    assert event_text(notice).endswith("k venue  \\x1b[2J\\nready")
    assert printable("caf\u00e9 \u20ac") == "caf\u00e9 \u20ac"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("-5.3279000000000000000000000000000000000000", "-5.3279"),
        ("5", "5.00"),
        ("0", "0.00"),
        ("-0.000000014", "-0.00000001"),
        ("1234567.891", "1234567.891"),
        ("1E+3", "1000.00"),
    ],
)
def test_money_has_no_tail_of_zeros(amount: str, text: str) -> None:
    assert money_text(Decimal(amount)) == text


def test_money_that_is_not_known_is_told_so() -> None:
    assert money_text(None) == "unknown"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=0, max_value=9**9))
def test_money_is_right_to_eight_decimals(amount: Decimal) -> None:
    assert abs(Decimal(money_text(amount)) - amount) <= Decimal("0.000000005")


def test_a_nonsense_exponent_does_not_fill_the_memory() -> None:
    assert number_text(Decimal("1E+999999999")) == "1E+999999999"
    assert number_text(Decimal("1E-8")) == "0.00000001"
    assert number_text(None) == "-"


def test_a_candle_has_its_interval() -> None:
    four = Decimal(4)
    candle = Candle(
        venue="v",
        symbol=Symbol("A/B"),
        interval_s=300,
        start_ns=1_767_225_600_000_000_000,
        end_ns=1_767_225_900_000_000_000,
        open=four,
        high=four,
        low=four,
        close=four,
        volume=Decimal("0.5"),
        received_ns=1_767_225_700_000_000_000,
    )

    assert "A/B candle 5m 2026-01-01 00:00:00 4 4 4 4 volume 0.5 running" in event_text(candle)
