"""The last of everything, and whether it still holds."""

from decimal import Decimal

import pytest

from fluxum.board import Board
from fluxum.errors import BadInput
from fluxum.model.account import Balance, Balances, EntryKind, LedgerEntry
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    Dropped,
    Event,
    Gap,
    GapCause,
    LinkLost,
    Refused,
    Rejected,
    Repair,
    Subscription,
    Unsubscribed,
    VenueFailed,
    VenueNotice,
)
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Candle, Side, Ticker, Trade

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")


def ticker(last: int, at_ns: int = 100, symbol: Symbol = BTC, venue: str = "a") -> Ticker:
    return Ticker(venue=venue, symbol=symbol, last=Decimal(last), received_ns=at_ns)


def trade(price: int, at_ns: int = 100, venue: str = "a") -> Trade:
    return Trade(
        venue=venue,
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(price),
        quantity=Decimal(1),
        trade_id=str(price),
        received_ns=at_ns,
    )


def candle(start_ns: int, close: int, interval_s: int = 60) -> Candle:
    price = Decimal(close)
    return Candle(
        venue="a",
        symbol=BTC,
        interval_s=interval_s,
        start_ns=start_ns,
        end_ns=start_ns + 1,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=price,
        received_ns=100,
    )


def balance(asset: str, total: int, at_ns: int = 100) -> Balance:
    return Balance(venue="a", asset=Asset(asset), total=Decimal(total), received_ns=at_ns)


def board_of(*events: Event, now_ns: int = 1000) -> Board:
    board = Board(lambda: now_ns)
    for event in events:
        board.take(event)
    return board


def reasons(board: Board) -> dict[str, str]:
    """Why each of a's facts is not valid."""
    noted = {
        "ticker": board.ticker("a", "BTC/USD"),
        "trade": board.trade("a", "BTC/USD"),
        "candle": board.candle("a", "BTC/USD", 60),
        "balance": board.balance("a", "USD"),
    }
    return {name: one.reason for name, one in noted.items() if one is not None}


EVERY = (ticker(1), trade(2), candle(0, 3), balance("USD", 4))


def test_the_last_of_each_kind_has_its_age() -> None:
    board = board_of(ticker(1, 100), ticker(2, 400), ticker(7, 500, ETH), ticker(9, 1, BTC, "b"))

    noted = board.ticker("a", "BTC/USD")
    assert noted is not None
    assert (noted.value, noted.age_ns, noted.is_valid) == (ticker(2, 400), 600, True)
    assert board.ticker("a", "SOL/USD") is None
    other = board.ticker("b", "BTC/USD")
    assert other is not None
    assert other.value.last == 9


def test_as_many_trades_are_kept_as_wanted() -> None:
    board = Board(lambda: 0, trades_kept=2)
    for price in (1, 2, 3):
        board.take(trade(price))

    assert [str(one.price) for one in board.trades("a", "BTC/USD")] == ["2", "3"]
    last = board.trade("a", "BTC/USD")
    assert last is not None
    assert last.value.price == 3
    assert board.trades("b", "BTC/USD") == ()
    with pytest.raises(BadInput, match="trades_kept: 1 or more"):
        Board(lambda: 0, trades_kept=0)


def test_the_latest_trades_of_all_markets_are_in_the_order_of_their_receipt() -> None:
    one, two, three = trade(1, 10, "a"), trade(2, 5, "b"), trade(3, 20, "a")
    board = board_of(one, two, three)

    assert board.latest_trades(9) == (two, one, three)
    assert board.latest_trades(2) == (one, three)


def test_candles_are_kept_each_start_once_and_one_from_history_proves_nothing() -> None:
    board = Board(lambda: 0, candles_kept=3)
    for one in (candle(60, 1), candle(120, 2), candle(120, 3), candle(240, 4)):
        board.take(one)
    board.take(LinkLost(venue="a", link="public-1", reason="cut", received_ns=200))
    board.take(candle(180, 5))
    board.take(candle(0, 6))

    held = board.candles("a", "BTC/USD", 60)
    assert [(one.start_ns, str(one.close)) for one in held] == [(120, "3"), (180, "5"), (240, "4")]
    newest = board.candle("a", "BTC/USD", 60)
    assert newest is not None
    assert not newest.is_valid
    with pytest.raises(BadInput, match="candles_kept: 1 or more was expected, was 0"):
        Board(lambda: 0, candles_kept=0)


def test_gaps_of_a_stream_are_counted_until_it_ends() -> None:
    board, stream = Board(lambda: 0), Subscription(Channel.TRADE, BTC)
    for until_ns in (10, 20, 30):
        board.take(
            Gap(
                venue="a",
                subscription=stream,
                cause=GapCause.LINK_LOST,
                repair=Repair.LOST,
                since_ns=0,
                until_ns=until_ns,
                received_ns=until_ns,
            )
        )

    assert board.gaps("a", stream, 10) == 2
    assert board.gaps("b", stream, 10) == 0
    board.forget("a", stream)
    assert board.gaps("a", stream, 0) == 0


def test_the_newest_candle_is_by_its_start() -> None:
    board = board_of(candle(60, 1), candle(60, 2), candle(0, 3), candle(0, 4, 300))

    newest = board.candle("a", "BTC/USD", 60)
    assert newest is not None
    assert newest.value.close == 2
    other = board.candle("a", "BTC/USD", 300)
    assert other is not None
    assert other.value.close == 4


def test_a_list_of_balances_replaces_all() -> None:
    board = board_of(
        balance("USD", 1),
        balance("BTC", 2),
        Balances(venue="a", balances=(balance("USD", 3, 200),), received_ns=200),
        balance("ETH", 4, 300),
    )

    held = {str(asset): int(one.value.total) for asset, one in board.balances("a").items()}
    assert held == {"USD": 3, "ETH": 4}
    assert board.balance("a", "BTC") is None


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (LinkLost(venue="a", link="public-1", reason="cut", received_ns=5), "link lost: cut"),
        (VenueFailed(venue="a", reason="403", received_ns=5), "the venue failed: 403"),
        (Dropped(venue="a", count=3, received_ns=5), "3 events were lost before this board had"),
    ],
)
def test_what_befalls_a_venue_withdraws_all_of_it(event: Event, text: str) -> None:
    board = board_of(*EVERY, ticker(5, venue="b"), event)

    found = reasons(board)
    assert len(found) == 4
    assert all(one.startswith(text) for one in found.values())
    other = board.ticker("b", "BTC/USD")
    assert other is not None
    assert other.is_valid
    kept = board.ticker("a", "BTC/USD")
    assert kept is not None
    assert kept.value == ticker(1)  # readable all the same

    board.take(ticker(6))
    assert reasons(board)["ticker"] == ""
    assert reasons(board)["trade"] != ""


def test_a_link_withdraws_what_it_carried() -> None:
    def carries(venue: str, link: str, subscription: Subscription) -> bool:
        return (venue, link) == ("a", "private-1") and subscription.channel is Channel.BALANCE

    board = Board(lambda: 0, carries=carries)
    for event in EVERY:
        board.take(event)
    board.take(LinkLost(venue="a", link="private-1", reason="cut", received_ns=5))

    assert [name for name, reason in reasons(board).items() if reason] == ["balance"]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (
            DataStale(
                venue="a",
                subscription=Subscription(Channel.TICKER, BTC),
                silent_s=30.0,
                received_ns=5,
            ),
            "ticker",
        ),
        (
            Rejected(
                venue="a",
                reason="odd",
                sample="",
                subscriptions=(Subscription(Channel.TRADE, BTC),),
                received_ns=5,
            ),
            "trade",
        ),
        (
            Desync(
                venue="a",
                subscription=Subscription(Channel.BALANCE),
                generation=1,
                reason="odd",
                received_ns=5,
            ),
            "balance",
        ),
        (
            Refused(
                venue="a",
                subscription=Subscription(Channel.CANDLE, BTC, None, 60),
                message="no",
                received_ns=5,
            ),
            "candle",
        ),
    ],
)
def test_what_befalls_a_stream_withdraws_that_alone(event: Event, name: str) -> None:
    found = reasons(board_of(*EVERY, event))

    assert [one for one, reason in found.items() if reason] == [name]


def test_a_stream_that_ends_is_forgotten() -> None:
    board = board_of(*EVERY)

    for subscription in (Subscription(Channel.TRADE, BTC), Subscription(Channel.BALANCE)):
        board.take(Unsubscribed(venue="a", subscription=subscription, received_ns=5))

    assert set(reasons(board)) == {"ticker", "candle"}


def test_what_waits_is_taken_before_a_read() -> None:
    waiting: list[Event] = [ticker(1), ticker(2)]

    def take() -> list[Event]:
        found, waiting[:] = list(waiting), []
        return found

    board = Board(lambda: 0, waiting=take)
    noted = board.ticker("a", "BTC/USD")
    assert noted is not None
    assert noted.value.last == 2
    waiting.append(LinkLost(venue="a", link="public-1", reason="cut", received_ns=5))
    noted = board.ticker("a", "BTC/USD")
    assert noted is not None
    assert not noted.is_valid


def test_it_wants_what_it_records() -> None:
    assert Board.wants(ticker(1))
    assert not Board.wants(VenueNotice(venue="a", received_ns=1))


def entry(total: str | None, at_ns: int, *, backfilled: bool = False) -> LedgerEntry:
    return LedgerEntry(
        venue="a",
        entry_id=str(at_ns),
        reference_id="r",
        kind=EntryKind.TRADE,
        venue_kind="trade",
        asset=Asset("USD"),
        amount=Decimal(-1),
        fee=Decimal(0),
        balance=None if total is None else Decimal(total),
        backfilled=backfilled,
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def test_an_entry_of_the_account_has_the_balance_after_it() -> None:
    board = board_of(balance("USD", 10, 100), entry("9", 200))

    noted = board.balance("a", "USD")

    assert noted is not None
    assert (noted.value.total, noted.value.received_ns) == (Decimal(9), 200)


def test_an_entry_of_the_past_or_without_a_balance_changes_none() -> None:
    board = board_of(balance("USD", 10, 100), entry("7", 200, backfilled=True), entry(None, 300))

    noted = board.balance("a", "USD")

    assert noted is not None
    assert noted.value.total == Decimal(10)
