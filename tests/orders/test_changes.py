"""What an order becomes by a change or by rounding."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput
from fluxum.model.market import Side
from fluxum.model.order import Amend, Edit, OrderType, PriceKind, Trigger, TriggerReference
from fluxum.orders.changes import after_amend, after_edit, present, rounded
from fluxum.orders.check import check
from orders.doors import BTC, ETH, START_NS, instrument, request, update


def test_an_amendment_changes_what_it_names_and_keeps_the_rest() -> None:
    order = request(post_only=True)

    changed = after_amend(order, Amend(order_id="O-1", limit_price=Decimal(99)))

    assert changed == request(post_only=True, limit_price=Decimal(99))


def test_a_static_price_is_a_price_without_a_kind() -> None:
    amend = Amend(order_id="O-1", limit_price="99", limit_price_kind="static")
    assert after_amend(request(), amend) == request(limit_price=Decimal(99))

    away = Amend(order_id="O-1", limit_price="1", limit_price_kind="percent")
    assert after_amend(request(), away).limit_price_kind is PriceKind.PERCENT


def test_an_order_of_a_type_that_is_not_known_is_not_changed() -> None:
    theirs = update(order_type=OrderType.OTHER, venue_type="twap")

    with pytest.raises(BadInput, match=r"order O-1 is of a type that is not known \(twap\)"):
        present(None, theirs)
    # Of ours it is known what was asked for.
    assert present(request(), theirs).order_type is OrderType.LIMIT


def test_an_amendment_moves_a_trigger_where_there_is_one() -> None:
    trigger = Trigger(Decimal(90), reference=TriggerReference.INDEX)
    stop = request(order_type=OrderType.STOP_LOSS, limit_price=None, trigger=trigger)
    amend = Amend(order_id="O-1", trigger_price=Decimal(95))

    assert after_amend(stop, amend).trigger == Trigger(
        Decimal(95), PriceKind.STATIC, TriggerReference.INDEX
    )
    with pytest.raises(BadInput, match="limit order has no trigger"):
        after_amend(request(), amend)


def test_an_amendment_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="was none"):
        after_amend(request(), Amend(order_id="O-1", post_only=True))


def test_an_edit_is_of_the_same_market() -> None:
    edit = Edit(order_id="O-1", symbol=BTC, quantity=Decimal(2), post_only=True)

    assert after_edit(request(), edit) == request(quantity=Decimal(2), post_only=True)
    with pytest.raises(BadInput, match="was ETH/USD"):
        after_edit(request(), Edit(order_id="O-1", symbol=ETH))


def test_an_order_is_now_what_the_venue_says_it_is() -> None:
    told = update(quantity=Decimal(3), limit_price=Decimal(98))

    assert present(request(), told) == request(quantity=Decimal(3), limit_price=Decimal(98))
    assert present(request(), None) == request()
    others = present(None, update(side=Side.SELL))
    assert others.side is Side.SELL
    assert [others.quantity, others.limit_price] == [1, 100]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"limit_price": "100.09"}, {"limit_price": "100.0"}),
        ({"side": Side.SELL, "limit_price": "100.01"}, {"limit_price": "100.1"}),
        ({"quantity": "1.0009"}, {"quantity": "1.000"}),
        ({"side": Side.SELL, "quantity": "1.0009"}, {"quantity": "1.000"}),
        ({"limit_price": "100.1"}, {"limit_price": "100.1"}),
    ],
)
def test_rounding_never_costs_more(changes: dict[str, Any], expected: dict[str, str]) -> None:
    numbers = {name: value if name == "side" else Decimal(value) for name, value in changes.items()}

    found = rounded(request(**numbers), instrument())

    for name, value in expected.items():
        assert getattr(found, name) == Decimal(value)


def test_what_an_iceberg_shows_stays_large_enough() -> None:
    iceberg = request(
        order_type=OrderType.ICEBERG,
        quantity=Decimal("1.5004"),
        display_quantity=Decimal("0.09999"),
    )

    found = rounded(iceberg, instrument())

    assert (found.quantity, found.display_quantity) == (Decimal("1.5"), Decimal("0.1"))
    check(found, instrument(), START_NS)


def test_percentages_stay_as_they_are() -> None:
    trigger = Trigger(Decimal("1.2345"), PriceKind.PERCENT)
    trail = request(order_type=OrderType.TRAILING_STOP, limit_price=None, trigger=trigger)

    assert rounded(trail, instrument()).trigger == trigger


@given(
    st.decimals(min_value="1", max_value="100000", places=5),
    st.decimals(min_value="0.1", max_value="1000", places=6),
    st.sampled_from(Side),
)
def test_a_rounded_order_passes_and_is_never_worse(
    price: Decimal, quantity: Decimal, side: Side
) -> None:
    wanted = request(side=side, limit_price=price, quantity=quantity)
    market = instrument(notional_min=None)

    found = rounded(wanted, market)

    if found.limit_price:
        check(found, market, START_NS)
    assert found.quantity is not None
    assert found.limit_price is not None
    assert found.quantity <= quantity
    is_worse = found.limit_price > price if side is Side.BUY else found.limit_price < price
    assert not is_worse
    assert abs(found.limit_price - price) < market.tick
    assert rounded(found, market) == found
