"""What a view remembers: bounded, numbered, and nothing lost without a count."""

from decimal import Decimal

import pytest

from fluxum.errors import BadInput
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    Event,
    Gap,
    GapCause,
    LinkLost,
    Rejected,
    Repair,
    Resynced,
    State,
    StateChange,
    Subscribed,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate, Side, Trade
from fluxum.view import Severity, ViewKeeper

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK = Subscription(Channel.BOOK, BTC, 10)


def keeper(**kept: int) -> ViewKeeper:
    return ViewKeeper(lambda: 1_000, **kept)  # type: ignore[arg-type]


def trade(number: int) -> Trade:
    return Trade(
        venue="a",
        symbol=BTC,
        side=Side.SELL,
        price=Decimal(number),
        quantity=Decimal(1),
        trade_id=str(number),
        received_ns=number,
    )


def lost(number: int) -> LinkLost:
    return LinkLost(venue="a", link="public", reason=f"reason {number}", received_ns=number)


def gap(symbol: Symbol, until_ns: int) -> Gap:
    return Gap(
        venue="a",
        subscription=Subscription(Channel.TRADE, symbol),
        cause=GapCause.LINK_LOST,
        repair=Repair.LOST,
        since_ns=until_ns - 10,
        until_ns=until_ns,
        received_ns=until_ns,
    )


def test_lines_of_the_log_are_numbered_from_1_so_what_is_not_shown_can_be_counted() -> None:
    kept = keeper(losses_kept=3)

    for number in range(1, 6):
        kept.take(lost(number))

    assert [one.number for one in kept.losses()] == [3, 4, 5]
    assert [one.text for one in kept.losses(limit=1)] == ["link lost: reason 5"]
    assert [one.number for one in kept.losses(after=4)] == [5]
    assert kept.losses(limit=0) == ()
    assert (kept.losses_seen, kept.counts) == (5, {"link_lost": 5})


def test_the_log_has_losses_recoveries_and_notices_and_no_ordinary_event() -> None:
    kept = keeper()
    ready = StateChange(venue="a", old=State.SUBSCRIBING, new=State.READY, received_ns=7)
    every: list[Event] = [
        Subscribed(venue="a", subscription=BOOK, received_ns=1),
        trade(2),
        Desync(venue="a", subscription=BOOK, generation=1, reason="crc", received_ns=3),
        Resynced(venue="a", subscription=BOOK, generation=2, received_ns=4),
        VenueNotice(venue="a", message="maintenance at noon", received_ns=5),
        DataStale(venue="a", subscription=BOOK, silent_s=61, received_ns=6),
        ready,
        gap(ETH, 8),
    ]

    for event in every:
        kept.take(event)

    assert [(one.at_ns, one.kind, one.severity, one.symbol) for one in kept.losses()] == [
        (3, "desync", Severity.LOSS, BTC),
        (4, "resynced", Severity.RECOVERY, BTC),
        (5, "venue_notice", Severity.NOTICE, None),
        (6, "data_stale", Severity.LOSS, BTC),
        (7, "state_change", Severity.RECOVERY, None),
        (8, "gap", Severity.LOSS, ETH),
    ]
    assert kept.losses()[0].text == "desynced book BTC/USD 10: crc"


def test_text_of_a_venue_cannot_move_the_cursor_of_a_terminal() -> None:
    kept = keeper()

    kept.take(Rejected(venue="a", reason="no JSON\x1b[2J", sample="<img src=x>", received_ns=1))

    (line,) = kept.losses()
    assert line.text == r"rejected a frame: no JSON\x1b[2J: '<img src=x>'"


def test_trades_are_newest_first_and_counted() -> None:
    kept = keeper(trades_kept=3)

    for number in range(1, 6):
        kept.take(trade(number))

    assert [one.trade_id for one in kept.trades("a", BTC, 2)] == ["5", "4"]
    assert [one.trade_id for one in kept.trades("a", BTC, 9)] == ["5", "4", "3"]
    assert kept.trades_seen("a", BTC) == 5
    assert kept.trades("b", BTC, 9) == ()


def test_gaps_are_those_of_a_market_and_the_last_ones() -> None:
    kept = keeper(gaps_kept=2)

    for until_ns in (20, 40, 60):
        kept.take(gap(BTC, until_ns))
    kept.take(gap(ETH, 80))

    assert [one.until_ns for one in kept.gaps("a", BTC)] == [40, 60]
    assert [one.until_ns for one in kept.gaps("a", ETH)] == [80]
    assert kept.candles_changed == 4


def test_updates_of_books_are_not_wanted() -> None:
    update = BookUpdate("a", BTC, (), (), None, 1)

    assert not ViewKeeper.wants(update)
    assert ViewKeeper.wants(trade(1))
    assert ViewKeeper.wants(lost(1))
    assert ViewKeeper.wants(gap(BTC, 20))


@pytest.mark.parametrize("name", ["losses_kept", "gaps_kept", "trades_kept", "candles_kept"])
def test_less_than_one_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name}: 1 or more was expected, was 0"):
        keeper(**{name: 0})
