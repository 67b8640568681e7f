"""The frame of a plain limit order is the one that the encoder makes, and of no other order."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.model.market import Side
from fluxum.model.order import (
    CloseOrder,
    FeeAsset,
    OrderRequest,
    OrderType,
    Place,
    PriceKind,
    SelfTrade,
    TimeInForce,
    Trigger,
)
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.private.commands import limit_frame
from fluxum.venues.kraken.private.protocol import KrakenPrivateProtocol
from fluxum.venues.private import TOKEN
from fluxum.venues.venue import Send

NAME = "0123456789abcdef0123456789abcdef"
DEADLINE_NS = 1_769_860_800_123_456_789  # 2026-01-31T12:00:00.123456789Z
NUMBERS = st.decimals(
    min_value=Decimal("1E-9"), max_value=Decimal("1E+9"), allow_nan=False, allow_infinity=False
)


def place(**changes: Any) -> Place:
    given: dict[str, Any] = {"quantity": "0.01", "limit_price": "50000.5", "client_order_id": NAME}
    request = OrderRequest(symbol="BTC/USD", side=Side.BUY, **(given | changes))
    return Place(request=request, deadline_ns=DEADLINE_NS)


def test_it_is_written_as_kraken_shows_it() -> None:
    assert limit_frame(place(), 7) == (
        b'{"method":"add_order","params":{"order_type":"limit","side":"buy","order_qty":0.01,'
        b'"limit_price":50000.5,"time_in_force":"gtc",'
        b'"cl_ord_id":"0123456789abcdef0123456789abcdef","symbol":"BTC/USD",'
        b'"token":"'
        + TOKEN.encode()
        + b'","deadline":"2026-01-31T12:00:00.123456789Z"},"req_id":7}'
    )


@given(
    NUMBERS, NUMBERS, st.sampled_from(Side), st.sampled_from(["BTC/USD", "A.B/EUR", "AAPLx/USD"])
)
def test_numbers_sides_and_symbols_are_those_of_the_encoder(
    quantity: Decimal, price: Decimal, side: Side, symbol: str
) -> None:
    request = OrderRequest(
        symbol=symbol, side=side, quantity=quantity, limit_price=price, client_order_id=NAME
    )
    command = Place(request=request, deadline_ns=DEADLINE_NS)

    frame = limit_frame(command, 1)

    assert frame is None or frame == encoded(command)


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": OrderType.MARKET, "limit_price": None},
        {"order_type": OrderType.STOP_LOSS_LIMIT, "trigger": Trigger("49000")},
        {"order_type": OrderType.ICEBERG, "display_quantity": "0.001"},
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.GTD, "expires_ns": DEADLINE_NS},
        {"effective_ns": DEADLINE_NS},
        {"limit_price_kind": PriceKind.PERCENT},
        {"close": CloseOrder(order_type="limit", limit_price="60000")},
        {"user_reference": 7},
        {"quote_quantity": "50"},
        {"fee_asset": FeeAsset.BASE},
        {"self_trade": next(iter(SelfTrade))},
        {"post_only": True},
        {"reduce_only": True},
        {"margin": True},
        {"client_order_id": ""},
        {"client_order_id": "short"},
        {"client_order_id": 'a"' * 9},
        {"client_order_id": "G" * 32},
        {"quantity": "1E-9"},
    ],
)
def test_an_order_with_something_special_is_left_to_the_encoder(changes: dict[str, Any]) -> None:
    assert limit_frame(place(**changes), 1) is None


def test_a_check_at_the_venue_and_an_order_without_a_deadline_are_left_to_it_as_well() -> None:
    request = place().request

    assert limit_frame(Place(request=request, deadline_ns=DEADLINE_NS, validate=True), 1) is None
    assert limit_frame(Place(request=request), 1) is None


def encoded(command: Place) -> bytes:
    """What the protocol sends for the same order with its fields in the encoder's hands."""
    protocol = KrakenPrivateProtocol()
    protocol.command(1, Place(request=command.request, deadline_ns=DEADLINE_NS, validate=True), 0)
    (sent,) = protocol.outbox
    assert isinstance(sent, Send)
    assert native.decode_request(sent.frame).method == "add_order"
    return sent.frame.replace(b',"validate":true', b"")
