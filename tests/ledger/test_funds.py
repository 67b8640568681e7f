"""What may be spent: by hand, and by laws over any order of events."""

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fluxum import (
    BadInput,
    Balance,
    Balances,
    EntryKind,
    Fee,
    Fill,
    InsufficientFunds,
    LedgerEntry,
    OpenOrders,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    OutcomeUnknown,
    Reservation,
    ReservationState,
    Symbol,
    TransportError,
    VenueRefused,
)
from fluxum.ledger.funds import FundsBook
from fluxum.model.instrument import Asset

BTC = Symbol("BTC/USD")
ASSETS = (Asset("USD"), Asset("BTC"))


def book(fee_rate: str = "0", ended: list[Reservation] | None = None, **balances: str) -> FundsBook:
    made = FundsBook("v", Decimal(fee_rate), 1_000, ([] if ended is None else ended).append)
    made.hold(
        Balances(
            venue="v",
            balances=tuple(balance(asset, total) for asset, total in balances.items()),
            received_ns=0,
        )
    )
    return made


def balance(asset: str, total: str, held: str | None = None, venue_ns: int = 0) -> Balance:
    return Balance(
        venue="v",
        asset=Asset(asset),
        total=Decimal(total),
        held=None if held is None else Decimal(held),
        venue_ns=venue_ns,
        received_ns=venue_ns,
    )


def request(side: str, quantity: str, price: str | None, name: str = "a") -> OrderRequest:
    return OrderRequest(
        symbol="BTC/USD",
        side=side,
        order_type="market" if price is None else "limit",
        quantity=quantity,
        limit_price=price,
        client_order_id=name,
    )


def update(
    wanted: OrderRequest, status: OrderStatus = OrderStatus.OPEN, filled: str = "0"
) -> OrderUpdate:
    assert wanted.quantity is not None
    return OrderUpdate(
        venue="v",
        order_id=f"id-{wanted.client_order_id}",
        client_order_id=wanted.client_order_id,
        symbol=BTC,
        side=wanted.side,
        order_type=OrderType.LIMIT,
        status=status,
        quantity=wanted.quantity,
        filled=Decimal(filled),
        limit_price=wanted.limit_price,
        venue_ns=1,
        received_ns=1,
    )


def fill(
    wanted: OrderRequest, quantity: str, price: str, at_ns: int = 10, fee: str | None = None
) -> Fill:
    return Fill(
        venue="v",
        symbol=BTC,
        side=wanted.side,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fees=None if fee is None else (Fee(Asset("USD"), Decimal(fee)),),
        fill_id=f"fill-{at_ns}",
        order_id=f"id-{wanted.client_order_id}",
        client_order_id=wanted.client_order_id,
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def entry(asset: str, reference_id: str, at_ns: int) -> LedgerEntry:
    return LedgerEntry(
        venue="v",
        entry_id=f"{asset}-{at_ns}",
        reference_id=reference_id,
        kind=EntryKind.TRADE,
        venue_kind="trade",
        asset=Asset(asset),
        amount=Decimal(0),
        fee=Decimal(0),
        balance=None,
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def shown(of: FundsBook, asset: str = "USD") -> tuple[str, str, str, str]:
    """Total, free, held, reserved."""
    one = of.funds(Asset(asset))
    return (
        f"{one.total.normalize():f}",
        f"{one.free.normalize():f}",
        f"{one.held.normalize():f}",
        f"{one.reserved.normalize():f}",
    )


def test_a_purchase_is_reserved_then_held_then_spent_and_counted_once() -> None:
    ended: list[Reservation] = []
    funds = book(USD="1000", ended=ended)
    wanted = request("buy", "2", "300")

    reservation = funds.reserve(wanted, None, 0)
    assert shown(funds) == ("1000", "400", "0", "600")

    funds.update(update(wanted))
    assert shown(funds) == ("1000", "400", "600", "0")
    assert reservation.state is ReservationState.OPEN

    funds.spend(fill(wanted, "1", "290"))  # its order is still listed with 2
    assert shown(funds) == ("1000", "110", "890", "0")
    funds.update(update(wanted, OrderStatus.PARTIALLY_FILLED, "1"))
    assert shown(funds) == ("1000", "400", "590", "10")  # 300 of the order, 290 spent, 10 saved

    funds.enter(entry("USD", "fill-10", 10), balance("USD", "710", venue_ns=10))
    assert shown(funds) == ("710", "400", "300", "10")

    funds.update(update(wanted, OrderStatus.CANCELED, "1"))
    assert shown(funds) == ("710", "710", "0", "0")
    assert (reservation.state, reservation.reason) == (
        ReservationState.RELEASED,
        "its order is canceled",
    )
    assert ended == [reservation]


def test_two_orders_cannot_spend_one_balance() -> None:
    funds = book(USD="1000", BTC="1")
    funds.reserve(request("buy", "2", "300", "a"), None, 0)

    with pytest.raises(
        InsufficientFunds, match=r"buy BTC/USD needs 600 USD, 400 is free"
    ) as caught:
        funds.reserve(request("buy", "2", "300", "b"), None, 0)
    assert caught.value.asset == "USD"
    funds.reserve(request("sell", "1", "300", "c"), None, 0)
    with pytest.raises(InsufficientFunds, match=r"sell BTC/USD needs 0\.1 BTC, 0 is free"):
        funds.reserve(request("sell", "0.1", None, "d"), None, 0)


def test_fees_are_set_aside_for_purchases_until_the_end() -> None:
    funds = book(fee_rate="0.01", USD="1000")
    wanted = request("buy", "1", "500")
    funds.reserve(wanted, None, 0)
    funds.update(update(wanted))

    assert shown(funds) == ("1000", "495", "500", "5")
    with pytest.raises(InsufficientFunds, match=r"needs 505\.00 USD, 495\.00 is free"):
        funds.reserve(request("buy", "1", "500", "b"), None, 0)


def test_what_the_venue_holds_counts_if_it_is_more() -> None:
    funds = book()
    funds.change(balance("USD", "1000", held="700"))
    assert shown(funds) == ("1000", "300", "700", "0")

    funds.update(update(request("buy", "1", "800")))
    assert shown(funds) == ("1000", "200", "800", "0")


def test_a_fill_is_held_until_a_later_balance_and_not_twice() -> None:
    funds = book(USD="1000")
    wanted = request("buy", "1", "300")
    funds.spend(fill(wanted, "1", "300"))
    funds.spend(fill(wanted, "1", "300"))  # repeated
    assert shown(funds) == ("1000", "700", "300", "0")
    funds.spend(fill(wanted, "1", "300", fee="2"))  # the same with its fee
    assert shown(funds) == ("1000", "698", "302", "0")

    funds.change(balance("USD", "999", venue_ns=9))
    assert shown(funds) == ("999", "697", "302", "0")
    funds.change(balance("USD", "698", venue_ns=10))
    assert shown(funds) == ("698", "698", "0", "0")


def test_a_fill_whose_entry_came_first_is_in_the_balance_already() -> None:
    funds = book(USD="1000")
    funds.enter(entry("USD", "fill-10", 9), balance("USD", "700", venue_ns=9))
    funds.spend(fill(request("buy", "1", "300"), "1", "300"))

    assert shown(funds) == ("700", "700", "0", "0")


def test_an_order_without_a_price_holds_what_was_set_aside() -> None:
    funds = book(USD="1000")
    wanted = request("buy", "1", None)
    with pytest.raises(BadInput, match="a price was expected"):
        funds.reserve(wanted, None, 0)
    funds.reserve(wanted, Decimal(400), 0)
    funds.update(update(wanted))

    assert shown(funds) == ("1000", "600", "400", "0")


def test_what_cannot_be_reserved_is_refused_by_name() -> None:
    ended: list[Reservation] = []
    funds = FundsBook("v", Decimal(0), 1, ended.append)
    perp = OrderRequest(symbol="BTC/USD:PERP", side="buy", quantity="1", limit_price="1")
    with pytest.raises(BadInput, match="'BTC/USD:PERP', which is settled by margin"):
        funds.reserve(perp, None, 0)
    funds.change(balance("USD", "10"))
    made = funds.reserve(request("buy", "1", "1"), None, 0)
    with pytest.raises(BadInput, match="not in use was expected, was 'a'"):
        funds.reserve(request("buy", "1", "1"), None, 0)
    with pytest.raises(BadInput, match="at most 1 reservations"):
        funds.reserve(request("buy", "1", "1", "b"), None, 0)
    made.release()
    made.release()
    assert ended == [made]
    funds.reserve(request("buy", "1", "1", "b"), None, 0)


@pytest.mark.parametrize(
    ("error", "is_released"),
    [
        (VenueRefused("no funds"), True),
        (TransportError("no link"), True),
        (OutcomeUnknown("sent"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_a_block_that_placed_nothing_releases_it(error: BaseException, is_released: bool) -> None:
    funds = book(USD="1000")

    with pytest.raises(type(error)), funds.reserve(request("buy", "1", "1"), None, 0):
        raise error

    assert (funds.reservations == ()) is is_released


def test_a_reservation_whose_order_was_never_seen_is_overdue_once() -> None:
    funds = book(USD="1000")
    made = funds.reserve(request("buy", "1", "1"), None, 100)
    seen = funds.reserve(request("buy", "1", "1", "b"), None, 100)
    funds.update(update(seen.order))

    assert list(funds.overdue(100)) == []
    assert list(funds.overdue(101)) == [made]
    assert list(funds.overdue(101)) == []
    assert funds.funds(Asset("USD")).reserved == 1


def test_an_order_that_ended_while_nobody_looked_releases_its_reservation() -> None:
    funds = book(USD="1000")
    kept = funds.reserve(request("buy", "1", "1", "kept"), None, 0)
    gone = funds.reserve(request("buy", "1", "1", "gone"), None, 0)
    never = funds.reserve(request("buy", "1", "1", "never"), None, 0)
    for one in (kept, gone):
        funds.update(update(one.order))

    funds.open(OpenOrders(venue="v", orders=(update(kept.order),), received_ns=2))

    assert funds.reservations == (kept, never)
    assert gone.reason == "its order ended while the account was not followed"


# Laws: any events in any order

amounts = st.integers(1, 10**6).map(lambda units: Decimal(units).scaleb(-4))
picks = st.integers(0, 20)


class Account(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.funds = book(USD="1000", BTC="10")
        self.made: list[OrderRequest] = []
        self.now_ns = 0

    def free(self) -> list[Decimal]:
        return [self.funds.funds(asset).free for asset in ASSETS]

    def pick(self, number: int) -> OrderRequest:
        return self.made[number % len(self.made)]

    @rule(side=st.sampled_from(["buy", "sell"]), quantity=amounts, price=amounts)
    def reserve(self, side: str, quantity: Decimal, price: Decimal) -> None:
        self.now_ns += 1
        wanted = request(side, str(quantity), str(price), f"order {self.now_ns}")
        before = {asset: self.funds.funds(asset).free for asset in ASSETS}
        try:
            made = self.funds.reserve(wanted, None, self.now_ns)
        except InsufficientFunds as error:
            short = error.asset
        else:
            short = ""
            self.made.append(wanted)
            assert self.funds.funds(made.asset).free == before[made.asset] - made.amount
        asset, needed = ("BTC", quantity) if side == "sell" else ("USD", quantity * price)
        assert (needed > before[Asset(asset)]) is (short == asset)

    @precondition(lambda self: self.made)
    @rule(number=picks)
    def open(self, number: int) -> None:
        wanted, before = self.pick(number), self.free()
        self.funds.update(update(wanted))
        for one in self.funds.reservations:
            if one.order is wanted:
                # What was reserved is held now: nothing becomes free, nothing counts twice. An
                # update that is older than a fill counts that part twice, until the next one.
                pairs = list(zip(self.free(), before, strict=True))
                assert all(after <= free for after, free in pairs)
                assert one.spent or all(after == free for after, free in pairs)

    @precondition(lambda self: self.made)
    @rule(number=picks, quantity=amounts)
    def fill(self, number: int, quantity: Decimal) -> None:
        self.now_ns += 1
        wanted, before = self.pick(number), self.free()
        assert wanted.quantity is not None
        part = min(quantity, wanted.quantity)
        self.funds.spend(fill(wanted, str(part), str(wanted.limit_price), self.now_ns))
        assert all(after <= free for after, free in zip(self.free(), before, strict=True))

    @precondition(lambda self: self.made)
    @rule(number=picks, status=st.sampled_from([OrderStatus.CANCELED, OrderStatus.FILLED]))
    def end(self, number: int, status: OrderStatus) -> None:
        wanted = self.pick(number)
        self.funds.update(update(wanted, status))
        assert not [one for one in self.funds.reservations if one.order is wanted]

    @precondition(lambda self: self.funds.reservations)
    @rule(number=picks)
    def release(self, number: int) -> None:
        held = self.funds.reservations
        one = held[number % len(held)]
        before = self.funds.funds(one.asset)
        one.release()
        after = self.funds.funds(one.asset)
        assert after.held == before.held
        assert after.reserved <= before.reserved

    @rule(asset=st.sampled_from(ASSETS), total=amounts)
    def balance(self, asset: Asset, total: Decimal) -> None:
        self.now_ns += 1
        self.funds.change(balance(asset, str(total), None, self.now_ns))
        assert self.funds.funds(asset).total == total

    @rule(keep=st.integers(1, 3))
    def snapshot(self, keep: int) -> None:
        orders = tuple(update(one) for one in self.made[::keep])
        self.funds.open(OpenOrders(venue="v", orders=orders, received_ns=self.now_ns))

    @invariant()
    def parts_add_up(self) -> None:
        for asset in ASSETS:
            one = self.funds.funds(asset)
            assert one.free + one.held + one.reserved == one.total
            assert one.held >= 0
            assert one.reserved >= 0

    def teardown(self) -> None:
        """Once everything has ended, everything is free."""
        for one in self.funds.reservations:
            one.release()
        self.funds.open(OpenOrders(venue="v", orders=(), received_ns=self.now_ns))
        last = balance("USD", "5")
        self.funds.hold(Balances(venue="v", balances=(last,), received_ns=self.now_ns))
        assert shown(self.funds) == ("5", "5", "0", "0")
        assert self.funds.assets() == ["USD"]


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
