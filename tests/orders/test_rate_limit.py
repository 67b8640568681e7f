"""The trading counter by its published worked examples, and its corrections."""

from decimal import Decimal

import pytest
from msgspec import Struct, structs

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Edit,
    OrderType,
    Place,
    PlaceBatch,
    TradingCount,
    Trigger,
)
from fluxum.orders.rate_limit import OrderRateLimit
from fluxum.venues.rates import Decaying, Windowed
from fluxum.venues.trading import AgeBands, Operation, OrderRate, TradingAllowance
from orders.gateways import BTC, ETH, SECOND_NS, START_NS, VENUE, request


def bands(*costs: tuple[int, int]) -> AgeBands:
    return AgeBands(tuple((age_s, Decimal(cost)) for age_s, cost in costs))


def by_market(most: int, per_s: str) -> tuple[OrderRate, ...]:
    return (OrderRate(rate=Decaying(Decimal(most), Decimal(per_s)), by_symbol=True),)


# https://docs.kraken.com/api/docs/guides/spot-ratelimits
STARTER = TradingAllowance(
    rates=by_market(60, "1"),
    orders_max=60,
    add=Decimal(1),
    batch_add=Decimal("0.5"),
    amend=Decimal(1),
    edit=Decimal(1),
    cancel_all=Decimal(1),
    amend_ages=bands((5, 3), (10, 2), (15, 1)),
    edit_ages=bands((5, 6), (10, 5), (15, 4), (45, 2), (90, 1)),
    cancel_ages=bands((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1)),
)
INTERMEDIATE = structs.replace(STARTER, rates=by_market(125, "2.34"), orders_max=80)
FROZEN = structs.replace(STARTER, rates=by_market(60, "0.000000001"))


class Aged(Struct):
    """An order, as far as the count needs it."""

    symbol: Symbol
    changed_ns: int


class Venue:
    """Orders by name, for the counter to ask about."""

    def __init__(self) -> None:
        self.orders: dict[str, Aged] = {}

    def rate_limit(self, allowance: TradingAllowance) -> OrderRateLimit:
        return OrderRateLimit(allowance, self.orders.get, self.orders.values)


def at(seconds: float) -> int:
    return START_NS + round(seconds * SECOND_NS)


def test_the_documented_add_amend_and_cancel_come_to_eight() -> None:
    venue = Venue()
    rate_limit = venue.rate_limit(FROZEN)

    costs = [rate_limit.costs_of(Place(request=request()), at(0))]
    venue.orders["O-1"] = Aged(BTC, at(0))
    costs.append(rate_limit.costs_of(Amend(order_id="O-1", quantity=Decimal(2)), at(7)))
    venue.orders["O-1"] = Aged(BTC, at(7))
    costs.append(rate_limit.costs_of(Cancel(order_ids=("O-1",)), at(7 + 36)))

    assert costs == [{BTC: 1}, {BTC: 3}, {BTC: 4}]
    assert sum(cost[BTC] for cost in costs) == 8


def test_fifty_adds_and_ten_seconds_later_are_26_6() -> None:
    rate_limit = Venue().rate_limit(INTERMEDIATE)

    for number in range(50):
        rate_limit.book(number, Place(request=request()), at(0))

    assert rate_limit.count(BTC, at(0)) == 50
    assert rate_limit.count(BTC, at(10)) == Decimal("26.6")
    assert rate_limit.count(BTC, at(100)) == 0
    assert rate_limit.count(ETH, at(0)) == 0


@pytest.mark.parametrize(
    ("age_s", "amend", "edit", "cancel"),
    [
        (0, 4, 7, 8),
        (4.9, 4, 7, 8),
        (5, 3, 6, 6),
        (10, 2, 5, 5),
        (15, 1, 3, 4),
        (45, 1, 2, 2),
        (90, 1, 1, 1),
        (300, 1, 1, 0),
    ],
)
def test_the_table_of_ages(age_s: float, amend: int, edit: int, cancel: int) -> None:
    venue = Venue()
    venue.orders["O-1"] = Aged(BTC, at(0))
    rate_limit = venue.rate_limit(STARTER)

    def cost(command: Amend | Edit | Cancel) -> Decimal:
        return rate_limit.costs_of(command, at(age_s))[BTC]

    assert cost(Amend(order_id="O-1", quantity=Decimal(2))) == amend
    assert cost(Edit(order_id="O-1", symbol=BTC, quantity=Decimal(2))) == edit
    assert cost(Cancel(order_ids=("O-1",))) == cancel


def test_batches_count_their_orders_and_markets_apart() -> None:
    venue = Venue()
    venue.orders = {"a": Aged(BTC, at(0)), "b": Aged(BTC, at(-7)), "c": Aged(ETH, at(-100))}
    rate_limit = venue.rate_limit(STARTER)

    added = rate_limit.costs_of(PlaceBatch(requests=(request(),) * 15), at(0))
    ended = rate_limit.costs_of(CancelBatch(order_ids=("a", "b", "c", "nobody's")), at(0))

    assert added == {BTC: Decimal("7.5")}
    assert ended == {BTC: 14, ETH: 1}
    assert rate_limit.costs_of(CancelAll(), at(0)) == {BTC: 1, ETH: 1}
    assert rate_limit.costs_of(CancelAllAfter(60), at(0)) == {}


def test_a_refusal_is_foreseen_and_when_it_passes() -> None:
    rate_limit = Venue().rate_limit(STARTER)
    for number in range(60):
        rate_limit.book(number, Place(request=request()), at(0))

    refusal = rate_limit.would_refuse(Place(request=request()), at(0))

    assert refusal is not None
    assert "BTC/USD would be counted 60 + 1" in refusal.reason
    assert refusal.wait_s == 1.0
    assert rate_limit.would_refuse(Place(request=request()), at(1)) is None
    assert rate_limit.would_refuse(Place(request=request(symbol=ETH)), at(0)) is None


def test_many_cancels_at_once_are_taken_above_the_threshold() -> None:
    venue = Venue()
    venue.orders = {str(number): Aged(BTC, at(0)) for number in range(50)}
    rate_limit = venue.rate_limit(STARTER)

    assert rate_limit.would_refuse(CancelBatch(order_ids=tuple(venue.orders)), at(0)) is None


def test_too_many_open_orders_are_foreseen_and_no_wait_helps() -> None:
    venue = Venue()
    venue.orders = {str(number): Aged(BTC, at(0)) for number in range(59)}
    rate_limit = venue.rate_limit(STARTER)

    refusal = rate_limit.would_refuse(PlaceBatch(requests=(request(),) * 2), at(0))

    assert rate_limit.would_refuse(Place(request=request()), at(0)) is None
    assert refusal is not None
    assert refusal.wait_s is None
    assert "59 orders are open in BTC/USD" in refusal.reason


def test_open_orders_of_other_markets_leave_room_in_this_one() -> None:
    venue = Venue()
    venue.orders = {str(number): Aged(ETH, at(0)) for number in range(59)}
    venue.orders["mine"] = Aged(BTC, at(0))
    rate_limit = venue.rate_limit(STARTER)

    assert rate_limit.would_refuse(Place(request=request()), at(0)) is None


def test_the_venues_word_replaces_our_count_but_for_what_is_on_its_way() -> None:
    rate_limit = Venue().rate_limit(FROZEN)
    for number in range(10):
        rate_limit.book(number, Place(request=request()), at(0))
    for number in range(8):
        rate_limit.land(number)

    rate_limit.correct(told(BTC, used="20"), at(0))
    assert rate_limit.count(BTC, at(0)) == 22

    rate_limit.land(8)
    rate_limit.land(9)
    rate_limit.correct(told(BTC, used="5"), at(0))
    assert rate_limit.count(BTC, at(0)) == 5


def test_the_venue_says_how_high_the_count_may_go() -> None:
    rate_limit = Venue().rate_limit(FROZEN)
    rate_limit.correct(told(BTC, used="100"), at(0))
    assert rate_limit.would_refuse(Place(request=request()), at(0)) is not None

    rate_limit.correct(told(None, allowed="125"), at(0))

    assert rate_limit.would_refuse(Place(request=request()), at(0)) is None


def test_a_clock_that_is_set_back_gives_nothing_away() -> None:
    rate_limit = Venue().rate_limit(STARTER)
    rate_limit.book(1, Place(request=request()), at(10))

    assert rate_limit.count(BTC, at(0)) == 1


def test_bands_out_of_order_are_refused() -> None:
    with pytest.raises(BadInput, match=r"\[10, 5\]"):
        bands((10, 1), (5, 2))


def test_limits_of_one_operation_and_of_one_market_are_counted_apart() -> None:
    # As OKX has them: 60 in 2 s for each market and operation; and as Binance: 50 in 10 s, placed.
    okx = frozenset({Operation.PLACE}), frozenset({Operation.CANCEL})
    window = Windowed(Decimal(60), Decimal(2))
    allowance = TradingAllowance(
        rates=(
            *(OrderRate(rate=window, operations=one, by_symbol=True) for one in okx),
            OrderRate(
                rate=Windowed(Decimal(100), Decimal(10)), operations=frozenset({Operation.PLACE})
            ),
        ),
        cancel=Decimal(1),
    )
    venue = Venue()
    venue.orders["O-1"] = Aged(ETH, at(0))
    rate_limit = venue.rate_limit(allowance)
    for number in range(60):
        rate_limit.book(number, Place(request=request()), at(0))

    refusal = rate_limit.would_refuse(Place(request=request()), at(0.5))
    assert refusal is not None
    assert refusal.wait_s == 1.5
    assert rate_limit.would_refuse(Cancel(order_ids=("O-1",)), at(0.5)) is None
    for number in range(60, 100):
        rate_limit.book(number, Place(request=request(symbol=ETH)), at(1))

    refusal = rate_limit.would_refuse(Place(request=request(symbol=ETH)), at(4))
    assert refusal is not None
    assert "all markets would be counted 100 + 1, and above 100" in refusal.reason
    assert refusal.wait_s == 6.0
    assert rate_limit.would_refuse(Place(request=request()), at(10)) is None


def told(symbol: Symbol | None, used: str = "", allowed: str = "") -> TradingCount:
    return TradingCount(
        venue=VENUE,
        symbol=symbol,
        used=Decimal(used) if used else None,
        allowed=Decimal(allowed) if allowed else None,
        received_ns=0,
    )


def test_a_count_of_the_account_is_one_for_all_markets() -> None:
    rate = OrderRate(rate=Decaying(Decimal(2), Decimal(1)))
    allowance = TradingAllowance(rates=(rate,))
    limit = OrderRateLimit(allowance, lambda _name: None, tuple)
    for number, symbol in enumerate((BTC, ETH)):
        limit.book(number, Place(request=request(symbol=symbol)), at(0))

    refusal = limit.would_refuse(Place(request=request(symbol=BTC)), at(0))

    assert [limit.count(BTC, at(0)), limit.count(ETH, at(1))] == [2, 1]
    assert refusal is not None
    assert refusal.wait_s == 1


def test_orders_that_wait_for_a_price_are_counted_by_themselves() -> None:
    """Two of them in ten seconds, and any number of the others."""
    rate = Windowed(Decimal(2), Decimal(10))
    rates = (OrderRate(rate=rate, operations=frozenset({Operation.PLACE}), triggered=True),)
    limit = OrderRateLimit(TradingAllowance(rates=rates), lambda _name: None, tuple)
    waits = Place(request=request(order_type=OrderType.STOP_LOSS_LIMIT, trigger=Trigger(101)))

    for number in range(5):
        limit.book(number, Place(request=request()), START_NS)
    assert limit.would_refuse(waits, START_NS) is None
    for number in range(5, 7):
        limit.book(number, waits, START_NS)

    assert limit.would_refuse(waits, START_NS) is not None
    assert limit.would_refuse(Place(request=request()), START_NS) is None
