"""What an account's stream is known to have told."""

from decimal import Decimal

from msgspec.structs import replace

from fluxum.model.account import Balance, Balances, EntryKind, Fee, Fill, LedgerEntry
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OpenOrders, OrderStatus, OrderType, OrderUpdate
from fluxum.model.position import OpenPositions, PositionSide, PositionUpdate
from fluxum.session.account_state import AccountState

BTC, USD = Symbol("BTC/USD"), Asset("USD")


def fill(name: str, at_ns: int = 100, *, backfilled: bool = False) -> Fill:
    return Fill(
        venue="kraken",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(1),
        fill_id=name,
        order_id="O-1",
        backfilled=backfilled,
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def entry(name: str, balance: int, at_ns: int = 100, *, backfilled: bool = False) -> LedgerEntry:
    return LedgerEntry(
        venue="kraken",
        entry_id=name,
        reference_id="R",
        kind=EntryKind.TRADE,
        venue_kind="trade",
        asset=USD,
        amount=Decimal(1),
        fee=Decimal(0),
        balance=Decimal(balance),
        backfilled=backfilled,
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def order(name: str, status: OrderStatus = OrderStatus.OPEN) -> OrderUpdate:
    return OrderUpdate(
        venue="kraken",
        order_id=name,
        symbol=BTC,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=status,
        quantity=Decimal(1),
        venue_ns=100,
        received_ns=100,
    )


def position(quantity: str, at_ns: int, leg: PositionSide | None = None) -> PositionUpdate:
    side = leg or PositionSide.LONG
    return PositionUpdate(
        venue="kraken",
        symbol=BTC,
        side=side if Decimal(quantity) else None,
        quantity=Decimal(quantity),
        leg=leg,
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def snapshot(*names: str) -> OpenOrders:
    return OpenOrders(venue="kraken", orders=tuple(map(order, names)), received_ns=10**12)


def test_a_fill_is_told_once_from_wherever_it_comes() -> None:
    following = AccountState(0, 0)

    told = [
        following.admit_fill(fill("T-1")),
        following.admit_fill(fill("T-1", backfilled=True)),
        following.admit_fill(fill("T-2", backfilled=True)),
    ]

    assert told == [True, False, True]
    assert (following.counts.fills, following.counts.backfilled) == (2, 1)
    assert following.counts.repeated == 1


def test_fills_of_one_id_on_two_markets_are_two() -> None:
    following = AccountState(0, 0)
    other = replace(fill("T-1"), symbol=Symbol("ETH/USD"))

    told = [following.admit_fill(one) for one in (fill("T-1"), other, other)]

    assert told == [True, True, False]
    assert (following.counts.fills, following.counts.repeated) == (2, 1)


def test_a_fill_that_comes_again_as_another_is_counted_as_contradicted() -> None:
    following = AccountState(0, 0)
    charged = replace(fill("T-1"), fees=(Fee(USD, Decimal(1)),))

    told = [following.admit_fill(one) for one in (charged, fill("T-1"), charged)]

    assert told == [True, False, False]
    assert (following.counts.repeated, following.counts.contradicted) == (2, 1)


def test_a_fill_is_told_once_more_when_its_fees_become_known() -> None:
    following = AccountState(0, 0)
    unknown = replace(fill("T-1", backfilled=True), fees=None)
    known = replace(fill("T-1"), fees=(Fee(USD, Decimal(1)),))

    told = [following.admit_fill(one) for one in (unknown, known, known, unknown)]

    assert told == [True, True, False, False]
    counts = following.counts
    assert [counts.fills, counts.completed, counts.repeated, counts.contradicted] == [1, 1, 2, 0]


def test_a_line_without_a_balance_moves_the_one_that_is_known_once() -> None:
    following = AccountState(0, 0)
    odd = replace(entry("L-2", 1, 110), balance=None)

    following.admit_entry(odd)
    assert USD not in following.balances
    following.admit_entry(entry("L-1", 100))
    for _ in range(2):
        following.admit_entry(replace(odd, entry_id="L-3"))

    assert following.balances[USD].total == 101


def test_an_order_of_a_status_that_is_not_known_is_open() -> None:
    following = AccountState(0, 0)

    following.update(order("O-1", OrderStatus.OTHER))

    assert set(following.orders) == {"O-1"}


def test_an_order_that_ended_stays_ended_whatever_another_link_still_sends() -> None:
    following = AccountState(0, 0)

    following.update(order("O-1", OrderStatus.OPEN))
    following.update(order("O-1", OrderStatus.FILLED))
    following.update(order("O-1", OrderStatus.OPEN))

    assert following.orders == {}


def test_what_happened_before_is_not_told() -> None:
    following = AccountState(100, 0)

    assert not following.admit_fill(fill("T-1", at_ns=99, backfilled=True))
    assert not following.admit_entry(entry("L-1", 5, at_ns=99, backfilled=True))
    assert following.admit_fill(fill("T-2", at_ns=100, backfilled=True))
    assert following.admit_entry(entry("L-2", 5, at_ns=100, backfilled=True))


def test_what_history_tells_leaves_open_what_it_did_not_tell() -> None:
    following = AccountState(0, 0)

    following.admit_fill(fill("T-1", at_ns=500, backfilled=True))
    following.admit_entry(entry("L-1", 5, at_ns=500, backfilled=True))
    assert (following.executed_ns, following.entered_ns) == (None, None)

    following.admit_fill(fill("T-2", at_ns=300))
    following.admit_entry(entry("L-2", 5, at_ns=300))
    following.admit_fill(fill("T-3", at_ns=200))
    assert (following.executed_ns, following.entered_ns) == (300, 300)


def test_what_is_told_as_it_happens_is_never_taken_for_history() -> None:
    following = AccountState(None, 1_000)  # our clock is ahead

    assert following.admit_fill(fill("T-1", at_ns=880))
    assert following.admit_entry(entry("L-1", 5, at_ns=880))
    assert (following.executed_ns, following.entered_ns) == (880, 880)


def test_history_begins_now_by_the_venues_clock() -> None:
    following = AccountState(None, 1_000)

    following.clock_offset_ns = -120

    assert following.since_ns == 880
    assert not following.admit_fill(fill("T-1", at_ns=879, backfilled=True))
    assert following.admit_fill(fill("T-2", at_ns=880, backfilled=True))
    asked = AccountState(500, 1_000)
    asked.clock_offset_ns = -120
    assert asked.since_ns == 500  # an instant somebody named is the venue's already


def test_orders_that_are_open_no_longer_are_named() -> None:
    following = AccountState(0, 0)
    following.open(snapshot("O-1", "O-2", "O-3"))
    following.update(order("O-2", OrderStatus.CANCELED))

    ended = following.open(snapshot("O-3", "O-4"))

    assert set(ended) == {"O-1"}
    assert set(following.orders) == {"O-3", "O-4"}


def test_a_balance_is_the_last_one_the_stream_said_whoever_told_the_line_first() -> None:
    following = AccountState(0, 0)
    held = Balance(venue="kraken", asset=USD, total=Decimal(4), received_ns=1)
    following.hold(Balances(venue="kraken", balances=(held,), received_ns=1))

    assert following.admit_entry(entry("L-1", 5, backfilled=True))
    assert following.balances[USD].total == 4  # the snapshot may be newer than history
    assert not following.admit_entry(entry("L-1", 5))
    assert following.balances[USD].total == 5


def test_before_anything_is_heard_nothing_can_have_been_missed() -> None:
    following = AccountState(0, 0)
    assert following.executed_ns is None

    following.open(snapshot())

    # The venue's clock may be five minutes behind ours.
    assert following.executed_ns == 10**12 - 300 * 10**9


def test_a_single_balance_counts_unless_a_newer_one_is_known() -> None:
    state = AccountState(None, 0)
    newer = Balance(venue="kraken", asset=USD, total=Decimal(2), venue_ns=200, received_ns=200)
    older = replace(newer, total=Decimal(1), venue_ns=100)

    state.change(newer)
    state.change(older)

    assert state.balances[USD].total == 2
    assert state.entered_ns == 200
    state.change(replace(newer, total=Decimal(3), venue_ns=None, received_ns=300))
    assert state.balances[USD].total == 3
    assert state.entered_ns == 200


def test_without_a_list_of_entries_none_moves_a_balance() -> None:
    following = AccountState(0, 0, has_entries=False)
    following.change(Balance(venue="x", asset=USD, total=Decimal(5), venue_ns=1, received_ns=1))

    assert following.admit_entry(replace(entry("E-1", 6), balance=None))

    assert following.balances[USD].total == 5


def test_a_position_counts_unless_a_newer_one_is_known_and_is_gone_when_it_is_closed() -> None:
    state = AccountState(None, 0)
    state.open_positions(OpenPositions(venue="v", positions=(position("2", 5),), received_ns=5))
    assert state.is_positions_valid

    state.move_position(position("1", 4))
    assert [one.quantity for one in state.positions.values()] == [2]
    state.move_position(position("3", 5, PositionSide.SHORT))
    assert [one.signed_quantity for one in state.positions.values()] == [2, -3]
    state.move_position(position("0", 6))
    assert [one.signed_quantity for one in state.positions.values()] == [-3]
    state.lose()
    assert not state.is_positions_valid
