"""Order events: published ones as facts, and what their numbers tell."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.account import Fee, Fill, Liquidity
from fluxum.model.event import (
    Desync,
    Event,
    LeftOut,
    Refused,
    Subscribed,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import CancelAll, OrderStatus, OrderType, OrderUpdate, TimeInForce
from fluxum.venues.conversation import Fetch
from fluxum.venues.gemini.private.events import OrderEvents
from venues.gemini.private.wire import BALANCES, CAPTURES, EXECUTIONS, MS, NOW, events, trading

D = Decimal


def order(*names: str) -> OrderUpdate:
    """The last order of captured frames."""
    found = [one for one in events(*names) if isinstance(one, OrderUpdate)]
    return found[-1]


def numbered(protocol: OrderEvents, *numbers: int, **changes: object) -> list[Event]:
    """What a link makes of the same booked order under other numbers."""
    (row,) = json.loads(CAPTURES["live_booked"])
    told: list[Event] = []
    for number in numbers:
        frame = json.dumps([{**row, "socket_sequence": number, **changes}]).encode()
        told += protocol.receive(frame, NOW)
    return told


def opened() -> OrderEvents:
    protocol = OrderEvents()
    protocol.subscribe([EXECUTIONS])
    protocol.receive(CAPTURES["ack"], NOW)
    return protocol


def test_a_link_is_acknowledged_by_its_first_frame_and_its_heartbeat_has_the_clock() -> None:
    protocol = OrderEvents()
    protocol.subscribe([EXECUTIONS])
    assert protocol.unanswered() == (EXECUTIONS,)

    (acknowledged,) = protocol.receive(CAPTURES["ack"], NOW)

    assert acknowledged == Subscribed(venue="gemini", subscription=EXECUTIONS, received_ns=NOW)
    assert protocol.unanswered() == ()
    assert not protocol.outbox
    protocol.receive(CAPTURES["live_heartbeat"], NOW)
    assert protocol.venue_time is not None
    assert protocol.venue_time.venue_ns == 1683742950463 * MS


def test_a_stream_that_is_ended_and_begun_again_is_told_with_the_next_frame() -> None:
    protocol = opened()
    numbered(protocol, 0)
    protocol.unsubscribe([EXECUTIONS])
    (ended,) = numbered(protocol, 1)
    protocol.subscribe([EXECUTIONS])
    begun, _ = numbered(protocol, 2)

    assert isinstance(ended, Unsubscribed)
    assert isinstance(begun, Subscribed)
    protocol.unsubscribe([])
    protocol.resync(EXECUTIONS)
    protocol.ping()
    assert not protocol.outbox


def test_the_published_life_of_an_order_is_read() -> None:
    accepted, booked, cancelled, closed = (
        one
        for one in events("live_accepted", "live_booked", "live_cancelled", "live_closed")
        if isinstance(one, OrderUpdate)
    )

    assert accepted == OrderUpdate(
        venue="gemini",
        order_id="2329463034",
        client_order_id="4aukltbw",
        symbol=accepted.symbol,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.OPEN,
        quantity=D("0.1"),
        limit_price=D("10001.10"),
        opened_ns=1683743074294 * MS,
        venue_ns=1683743074294 * MS,
        received_ns=NOW,
    )
    assert accepted.symbol == "BTC/USD"
    assert (booked.status, booked.remaining) == (OrderStatus.OPEN, D("0.1"))
    for ended in (cancelled, closed):
        assert (ended.status, ended.filled) == (OrderStatus.CANCELED, D(0))
        assert ended.opened_ns == 1683743074294 * MS
        assert ended.venue_ns == 1683743107671 * MS
    assert cancelled.reason == "Requested"


def test_the_published_orders_that_are_open_at_first_are_read() -> None:
    one, other = (event for event in events("live_initial") if isinstance(event, OrderUpdate))

    assert (one.order_id, one.client_order_id, one.limit_price) == (
        "2303082623",
        "cc6dmkgb",
        D("0.1"),
    )
    assert (other.symbol, other.quantity, other.limit_price) == ("ETH/BTC", D("0.1"), D("0.0016"))
    assert {one.status, other.status} == {OrderStatus.OPEN}
    assert one.opened_ns == 1673545546971 * MS


def test_the_published_fill_is_read_and_ends_its_order() -> None:
    fill = next(one for one in events("fill") if isinstance(one, Fill))
    update = order("fill")

    assert fill == Fill(
        venue="gemini",
        symbol=fill.symbol,
        side=Side.SELL,
        price=D("3592.23"),
        quantity=D(1),
        fees=(Fee(Asset("USD"), D("8.980575")),),
        liquidity=Liquidity.MAKER,
        fill_id="109535970",
        order_id="109535955",
        venue_ns=1547743216580 * MS,
        received_ns=NOW,
    )
    assert (update.status, update.filled, update.cost) == (
        OrderStatus.FILLED,
        D(1),
        D("3592.23"),
    )


def test_the_published_partial_fill_of_an_older_form_is_read() -> None:
    fill = next(one for one in events("partial_fill") if isinstance(one, Fill))
    update = order("partial_fill")

    assert (fill.symbol, fill.order_id, fill.quantity) == ("ETH/BTC", "556309", D("481.95988631"))
    assert fill.fees == (Fee(Asset("BTC"), D("0.0182421816968335")),)
    assert (update.status, update.filled, update.quantity) == (
        OrderStatus.PARTIALLY_FILLED,
        D("481.95988631"),
        D("785.020886"),
    )
    assert (update.limit_price, update.venue_ns) == (D("0.01514"), 1478729284169 * MS)


def test_published_orders_of_other_kinds_are_read() -> None:
    bought, sold = order("accepted_market_buy"), order("accepted_market_sell")
    block, refused = order("accepted_block_trade"), order("rejected")

    assert (bought.order_type, bought.status, bought.quantity) == (
        OrderType.MARKET,
        OrderStatus.OPEN,
        D(0),
    )
    assert (sold.order_type, sold.side, sold.quantity) == (OrderType.MARKET, Side.SELL, D(25))
    assert (block.order_type, block.venue_type) == (OrderType.OTHER, "block_trade")
    assert (refused.status, refused.reason) == (OrderStatus.REFUSED, "InvalidPrice")
    assert (order("accepted").quantity, order("accepted").limit_price) == (
        D("14.0296"),
        D("1059.54"),
    )
    assert order("accepted_ui").limit_price == D("3592.00")


def test_a_cancel_that_was_refused_changes_no_order() -> None:
    notice = next(one for one in events("cancel_rejected") if isinstance(one, VenueNotice))

    assert notice.message == "order 6425 was not canceled: OrderNotFound"
    assert not any(isinstance(one, OrderUpdate) for one in events("cancel_rejected"))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"behavior": "maker-or-cancel"}, {"post_only": True, "time_in_force": TimeInForce.GTC}),
        ({"behavior": "fill-or-kill"}, {"time_in_force": TimeInForce.FOK}),
        (
            {"behavior": "auction-only"},
            {"time_in_force": TimeInForce.OTHER, "venue_time_in_force": "auction-only"},
        ),
        (
            {"type": "accepted", "order_type": "exchange stop limit", "stop_price": "9000"},
            {
                "order_type": OrderType.STOP_LOSS_LIMIT,
                "status": OrderStatus.PENDING,
                "trigger_price": D(9000),
            },
        ),
        ({"order_type": "exchange stop limit"}, {"status": OrderStatus.OPEN}),
        (
            {
                "type": "fill",
                "is_live": False,
                "executed_amount": "0.04",
                "remaining_amount": "0.06",
            },
            {"status": OrderStatus.PARTIALLY_FILLED, "filled": D("0.04")},
        ),
        (
            {"type": "closed", "is_live": False},
            {"status": OrderStatus.OTHER, "venue_status": "not live"},
        ),
    ],
)
def test_what_an_order_is_like_is_read(
    changes: dict[str, object], wanted: dict[str, object]
) -> None:
    update = numbered(opened(), 0, **changes)[-1]

    assert {name: getattr(update, name) for name in wanted} == wanted


def test_a_hole_in_the_numbers_is_told_and_what_comes_twice_is_passed_over() -> None:
    protocol = opened()

    assert len(numbered(protocol, 0, 1)) == 2
    desync, update = numbered(protocol, 3)
    assert isinstance(desync, Desync)
    assert desync.reason == "number 2 was expected, was 3"
    assert isinstance(update, OrderUpdate)
    assert numbered(protocol, 3, 2) == []
    assert (protocol.sequence.steps, protocol.sequence.breaks) == (2, 1)
    beat = b'{"type":"heartbeat","timestampms":1683742950463,"socket_sequence":5}'
    (late,) = protocol.receive(beat, NOW)
    assert isinstance(late, Desync)
    assert late.reason == "number 4 was expected, was 5"


def test_an_event_that_cannot_be_read_is_a_hole() -> None:
    protocol = opened()
    numbered(protocol, 0)
    (row,) = json.loads(CAPTURES["live_booked"])
    rows: list[dict[str, Any]] = [
        {**row, "socket_sequence": 1, "side": "both"},
        {**row, "socket_sequence": 2},
    ]

    left_out, update, desync = protocol.receive(json.dumps(rows).encode(), NOW)

    assert isinstance(left_out, LeftOut)
    assert "buy or sell was expected, was 'both'" in left_out.reason
    assert isinstance(update, OrderUpdate)
    assert isinstance(desync, Desync)


def test_a_refusal_is_told_by_its_reason_and_not_by_its_message_which_names_the_key() -> None:
    protocol = OrderEvents()
    protocol.subscribe([EXECUTIONS])

    (refused,) = protocol.receive(CAPTURES["missing_role"], NOW)

    assert refused == Refused(
        venue="gemini", subscription=EXECUTIONS, message="MissingRole", received_ns=NOW
    )
    assert protocol.unanswered() == ()


@pytest.mark.parametrize("frame", [b"x", b"[", b'{"type":"dance"}', b"[" * 20_000, b"7"])
def test_nonsense_is_refused(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        opened().receive(frame, NOW)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(sorted(CAPTURES)).flatmap(
            lambda name: st.integers(0, len(CAPTURES[name]) - 1).map(
                lambda at: CAPTURES[name][:at] + b"\xff" + CAPTURES[name][at + 1 :]
            )
        ),
    )
)
def test_any_bytes_are_events_or_refused(frame: bytes) -> None:
    for protocol in (opened(), trading(BALANCES)):
        with suppress(RemoteProtocolError):
            protocol.receive(frame, NOW)


def test_the_link_takes_no_commands_and_makes_no_calls() -> None:
    protocol = opened()
    fetch = Fetch("GET", "/x", "")

    with pytest.raises(LocalProtocolError):
        protocol.command(1, CancelAll(), NOW)
    with pytest.raises(LocalProtocolError):
        protocol.receive_response(fetch, b"", NOW)
    with pytest.raises(LocalProtocolError):
        protocol.receive_refusal(fetch, "", NOW)


def test_a_tape_is_followed_without_a_request() -> None:
    protocol = OrderEvents()
    protocol.follow_passively()
    protocol.follow_request(b"{}")

    (update,) = numbered(protocol, 35)

    assert isinstance(update, OrderUpdate)
    assert isinstance(numbered(protocol, 37)[0], Desync)
    assert BALANCES not in protocol.unanswered()
