"""What commands are as frames over the account's link, and what their answers mean."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    Declined,
    Edit,
    OrderRequest,
    Place,
    PlaceBatch,
)
from fluxum.venues.account_link import AccountLink
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.okx.private.terms import TIERS
from fluxum.venues.rates import Windowed
from fluxum.venues.trading import Operation
from venues.okx.private.wire import CAPTURES, NOW, account, config, listed, sent

BTC, PERP = Symbol("BTC/USDT"), Symbol("ETH/USDT:PERP")
MS = 1_000_000


def request(**fields: Any) -> OrderRequest:
    given: dict[str, Any] = {"symbol": BTC, "side": "buy", "quantity": "0.2", "limit_price": "2800"}
    return OrderRequest(**{**given, **fields})


def framed(command: Command, kind: bytes | None = None) -> dict[str, Any]:
    """The one frame of a command."""
    protocol, _ = account(kind)
    protocol.command(5, command, NOW)
    (frame,) = sent(protocol)
    assert frame.pop("auth") is False
    return frame


def answered(command: Command, name: str, number: str = "5p0") -> Sequence[Event]:
    """What a published answer means for a command."""
    protocol, _ = account()
    protocol.command(5, command, NOW)
    return answer(protocol, name, number)


def answer(protocol: AccountLink, name: str, number: str) -> Sequence[Event]:
    return protocol.receive(json.dumps(json.loads(CAPTURES[name]) | {"id": number}).encode(), NOW)


# Writing


def test_an_order_names_its_market_by_number_as_published() -> None:
    published = json.loads(CAPTURES["order_request"])
    command = Place(
        request=request(order_type="market", limit_price=None, quantity="100"),
        deadline_ns=1597026383085 * MS + 999_999,
    )

    frame = framed(command)

    expires = json.loads(CAPTURES["order_request_with_expiry"])["expTime"]
    assert frame == {
        **published,
        "id": "5p0",
        "args": [{**published["args"][0], "tdMode": "cash", "tgtCcy": "base_ccy"}],
        "expTime": expires,
    }


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (
            request(client_order_id="mine1", self_trade="cancel_newest"),
            {
                "instIdCode": 123456,
                "tdMode": "cash",
                "side": "buy",
                "ordType": "limit",
                "sz": "0.2",
                "px": "2800",
                "clOrdId": "mine1",
                "stpMode": "cancel_taker",
            },
        ),
        (request(post_only=True), {"ordType": "post_only", "px": "2800"}),
        (request(time_in_force="ioc", side="sell"), {"ordType": "ioc", "side": "sell"}),
        (request(time_in_force="fok"), {"ordType": "fok"}),
        (
            request(order_type="market", limit_price=None, quantity=None, quote_quantity="50"),
            {"ordType": "market", "sz": "50", "tgtCcy": "quote_ccy"},
        ),
        (
            request(order_type="market", limit_price=None, time_in_force="ioc"),
            {"ordType": "market", "sz": "0.2", "tgtCcy": "base_ccy"},
        ),
        # A contract is 0.1 ETH.
        (
            request(symbol=PERP, reduce_only=True, margin=True),
            {"instIdCode": 654322, "tdMode": "cross", "sz": "2", "reduceOnly": True},
        ),
        (
            request(symbol=PERP, order_type="market", limit_price=None, time_in_force="ioc"),
            {"ordType": "optimal_limit_ioc", "sz": "2"},
        ),
        (request(symbol="ETH/EUR"), {"instId": "ETH-EUR"}),  # of a list without numbers
    ],
)
def test_each_kind_of_order_is_written(order: OrderRequest, wanted: dict[str, Any]) -> None:
    (arguments,) = framed(Place(request=order))["args"]

    assert {name: arguments.get(name) for name in wanted} == wanted
    assert not {"px", "tgtCcy"} & arguments.keys() - wanted.keys() - {"px"}


@pytest.mark.parametrize(
    ("level", "order", "mode"),
    [
        ("1", request(), "cash"),
        ("2", request(), "cash"),
        ("3", request(), "cross"),
        ("4", request(margin=True), "cross"),
        ("2", request(symbol=PERP), "cross"),
    ],
)
def test_the_kind_of_account_decides_how_is_traded(
    level: str, order: OrderRequest, mode: str
) -> None:
    (arguments,) = framed(Place(request=order), config(level=level))["args"]

    assert arguments["tdMode"] == mode


@pytest.mark.parametrize(
    ("kind", "order", "reason"),
    [
        (config(level="1"), request(symbol=PERP), "has no contracts"),
        (config(mode="long_short_mode"), request(symbol=PERP), "net mode"),
        (config(level="2"), request(margin=True), "margin orders"),
    ],
)
def test_what_the_kind_of_account_cannot_do_is_refused(
    kind: bytes, order: OrderRequest, reason: str
) -> None:
    with pytest.raises(BadInput, match=reason):
        framed(Place(request=order), kind)


def test_batches_amendments_and_cancels_are_written_as_published() -> None:
    published = json.loads(CAPTURES["batch_request"])
    orders = [
        request(order_type="market", limit_price=None, quantity=size) for size in ("100", "1")
    ]
    batch = framed(PlaceBatch(requests=tuple(orders)))
    assert batch["op"] == published["op"]
    assert [one["sz"] for one in batch["args"]] == [one["sz"] for one in published["args"]]

    amend = framed(Amend(order_id="2510789768709120", symbol=BTC, quantity=Decimal(2)))
    assert amend == json.loads(CAPTURES["amend_request"]) | {"id": "5p0"}
    by_name = Amend(client_order_id="mine", symbol=PERP, quantity="0.5", limit_price="3")
    assert framed(by_name)["args"] == [
        {"instIdCode": 654322, "clOrdId": "mine", "newSz": "5", "newPx": "3"}
    ]

    cancel = framed(Cancel(order_ids=("2510789768709120",), symbols={"2510789768709120": BTC}))
    assert cancel == json.loads(CAPTURES["cancel_request"]) | {"id": "5p0"}


def test_several_cancels_are_one_frame_each_and_a_batch_takes_twenty() -> None:
    protocol, _ = account()
    names = tuple(map(str, range(21)))
    symbols = dict.fromkeys(names, BTC)

    protocol.command(5, Cancel(client_order_ids=names[:2], symbols=symbols), NOW)
    assert [(one["id"], one["args"][0]["clOrdId"]) for one in sent(protocol)] == [
        ("5p0", "0"),
        ("5p1", "1"),
    ]
    protocol.command(6, CancelBatch(order_ids=names, symbols=symbols), NOW)
    frames = sent(protocol)
    assert [(one["id"], one["op"], len(one["args"])) for one in frames] == [
        ("6p0", "batch-cancel-orders", 20),
        ("6p1", "batch-cancel-orders", 1),
    ]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Place(request=request(client_order_id="with-dash")), "32 letters and digits"),
        (Place(request=request(order_type="iceberg", display_quantity=1)), "type iceberg"),
        (Place(request=request(time_in_force="gtd", expires_ns=1)), "time in force gtd"),
        (
            Place(request=request(order_type="market", limit_price=None, time_in_force="fok")),
            "no market orders, fok",
        ),
        (Place(request=request(limit_price_kind="percent")), "distances"),
        (Place(request=request(display_quantity="1")), "icebergs"),
        (
            Place(request=request(post_only=True, time_in_force="ioc")),
            "limit orders, ioc, post-only",
        ),
        (Place(request=request(effective_ns=1)), "time to begin"),
        (Place(request=request(fee_asset="base")), "fee's asset"),
        (Place(request=request(user_reference=7)), "user references"),
        (Place(request=request(reduce_only=True)), "no reduce-only orders"),
        (Place(request=request(symbol=PERP, quote_quantity="5")), "amounts to spend"),
        (Place(request=request(symbol="SOL/USDT")), "that OKX lists"),
        (Place(request=request(symbol="BTC/USD:PERP-INVERSE")), "that OKX lists"),
        (Place(request=request(quantity=None)), "a quantity was expected"),
        (Place(request=request(limit_price=0)), "above zero"),
        (Place(request=request(), validate=True), "cannot do this: Place"),
        (PlaceBatch(requests=()), "1 to 20"),
        (PlaceBatch(requests=(request(),) * 21), "1 to 20"),
        (Edit(order_id="1", symbol=BTC), "cannot do this: Edit"),
        (Amend(order_id="1", quantity=1), "with its market"),
        (Amend(order_id="1", symbol=BTC, trigger_price=1), "quantity, price alone"),
        (Amend(order_id="1", symbol=BTC, limit_price=1, limit_price_kind="quote"), "alone"),
        (Cancel(), "at least one id"),
        (Cancel(order_ids=("1",)), "not known of '1'"),
        (Cancel(user_references=(7,)), "cannot do this: Cancel"),
        (CancelAllAfter(5), "10 to 120 s"),
        (CancelAllAfter(121), "10 to 120 s"),
    ],
)
def test_what_is_not_offered_is_refused_before_anything_is_sent(
    command: Command, reason: str
) -> None:
    protocol, _ = account()

    with pytest.raises(BadInput, match=reason):
        protocol.command(5, command, NOW)

    assert not protocol.outbox


# Answers


def test_the_published_answers_to_an_order() -> None:
    command = Place(request=request(client_order_id="mine"))

    (accepted,) = answered(command, "placed")
    assert isinstance(accepted, Accepted)
    assert (accepted.command_id, accepted.order_id) == (5, "12345689")
    assert (accepted.client_order_id, accepted.is_last) == ("mine", True)
    for name, message in (
        ("place_failed", "5XXXX not exist"),
        ("place_malformed", "60013 Invalid args"),
    ):
        (declined,) = answered(command, name)
        assert isinstance(declined, Declined)
        assert (declined.client_order_id, declined.message) == ("mine", message)


def test_an_answer_has_the_venues_time() -> None:
    protocol, _ = account()
    assert protocol.venue_time is None

    protocol.command(5, Place(request=request()), NOW)
    answer(protocol, "placed", "5p0")

    assert protocol.venue_time is not None
    assert protocol.venue_time.venue_ns == 1695190491423240 * 1000


def test_the_published_answers_to_a_batch_order_by_order() -> None:
    command = PlaceBatch(requests=(request(client_order_id="one"), request(client_order_id="two")))

    first, second = answered(command, "batch_placed")
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert [(one.order_id, one.client_order_id, one.is_last) for one in (first, second)] == [
        ("12345689", "one", False),
        ("12344", "two", True),
    ]
    taken, refused = answered(command, "batch_partly")
    assert isinstance(taken, Accepted)
    assert isinstance(refused, Declined)
    assert refused.message == "51008 Order failed. Insufficient USDT balance in account"
    failed = answered(command, "batch_failed")
    assert [isinstance(one, Declined) for one in failed] == [True, True]
    (malformed,) = answered(command, "batch_malformed")
    assert isinstance(malformed, Declined)
    assert malformed.message == "60013 Invalid args"


def test_the_published_answers_to_amendments_and_cancels() -> None:
    amend = Amend(order_id="2510789768709120", symbol=BTC, quantity=2)
    cancel = Cancel(order_ids=("2510789768709120",), symbols={"2510789768709120": BTC})

    for command, name in ((amend, "amended"), (cancel, "canceled")):
        (accepted,) = answered(command, name)
        assert isinstance(accepted, Accepted)
        assert accepted.order_id == "2510789768709120"
    for command, name, code in (
        (amend, "amend_failed", "51008"),
        (amend, "amend_malformed", "60013"),
        (cancel, "cancel_failed", "5XXXX"),
        (cancel, "cancel_malformed", "60013"),
    ):
        (declined,) = answered(command, name)
        assert isinstance(declined, Declined)
        assert declined.message.partition(" ")[0] == code


def test_the_published_answers_to_a_batch_of_cancels_are_counted() -> None:
    names = ("2517748157541376", "2517748155771904")
    command = CancelBatch(order_ids=names, symbols=dict.fromkeys(names, BTC))

    for name, count in (
        ("batch_canceled", 2),
        ("batch_canceled_partly", 1),
        ("batch_cancel_failed", 0),
    ):
        (accepted,) = answered(command, name)
        assert isinstance(accepted, Accepted)
        assert accepted.count == count
    (declined,) = answered(command, "batch_cancel_malformed")
    assert isinstance(declined, Declined)


def test_an_error_with_the_number_of_a_command_declines_it() -> None:
    protocol, _ = account()
    protocol.command(5, Place(request=request()), NOW)

    frame = b'{"id":"5p0","event":"error","code":"60014","msg":"Requests too frequent"}'
    (declined,) = protocol.receive(frame, NOW)

    assert isinstance(declined, Declined)
    assert declined.message == "60014 Requests too frequent"


# Canceling all


def pending(count: int, first: int = 1) -> bytes:
    row = json.loads(CAPTURES["rest_orders_pending"])["data"][0]
    return listed({**row, "ordId": str(first + at)} for at in range(count))


def called(protocol: AccountLink) -> Fetch:
    effect = protocol.outbox.popleft()
    assert isinstance(effect, Fetch)
    assert (effect.auth, effect.is_once) == (Auth.SIGNED, True)
    return effect


def canceled(number: str, good: int) -> bytes:
    rows = [{"sCode": "0"}] * good
    return json.dumps(
        {"id": number, "op": "batch-cancel-orders", "code": "0", "data": rows}
    ).encode()


def listings(protocol: AccountLink) -> list[Fetch]:
    """The calls for what is open: orders, and those that wait for a price, by their kinds."""
    calls = [one for one in protocol.outbox if isinstance(one, Fetch)]
    assert len(calls) == len(protocol.outbox) == 4
    protocol.outbox.clear()
    assert [one.path for one in calls[1:]] == [
        f"/api/v5/trade/orders-algo-pending?ordType={kind}&limit=100"
        for kind in ("conditional,oco", "trigger", "move_order_stop")
    ]
    return calls


def test_all_orders_are_listed_and_canceled_by_twenties_page_by_page() -> None:
    protocol, _ = account()
    protocol.command(5, CancelAll(), NOW)
    listing, *waiting = listings(protocol)
    assert (listing.method, listing.path) == ("GET", "/api/v5/trade/orders-pending?limit=100")
    for each in waiting:
        assert protocol.receive_response(each, pending(0), NOW) == ()

    assert protocol.receive_response(listing, pending(100), NOW) == ()
    following = protocol.outbox.pop()
    frames = sent(protocol)
    assert [len(one["args"]) for one in frames] == [20] * 5
    assert frames[0]["args"][0] == {"instIdCode": 123456, "ordId": "1"}
    for frame in frames:
        assert protocol.receive(canceled(frame["id"], 19), NOW) == ()
    assert isinstance(following, Fetch)
    assert following.path.endswith("&after=100")
    assert protocol.receive_response(following, pending(1, first=101), NOW) == ()
    (last,) = sent(protocol)
    assert last["id"] not in {one["id"] for one in frames}
    (accepted,) = protocol.receive(canceled(last["id"], 1), NOW)

    assert isinstance(accepted, Accepted)
    assert (accepted.command_id, accepted.count, accepted.is_last) == (5, 96, True)


def test_where_no_order_is_open_none_is_canceled_and_a_refusal_is_one() -> None:
    protocol, _ = account()
    protocol.command(5, CancelAll(), NOW)
    *others, last = listings(protocol)
    for each in others:
        assert protocol.receive_response(each, pending(0), NOW) == ()
    (none,) = protocol.receive_response(last, pending(0), NOW)
    assert isinstance(none, Accepted)
    assert none.count == 0

    protocol.command(6, CancelAll(), NOW)
    refusal = b'{"code":"50011","msg":"Too Many Requests","data":[]}'
    (declined,) = protocol.receive_response(listings(protocol)[0], refusal, NOW)
    assert isinstance(declined, Declined)
    assert declined.message == "50011 Too Many Requests"


def test_the_dead_man_switch_tells_when_it_will_cancel() -> None:
    protocol, _ = account()
    protocol.command(5, CancelAllAfter(60), NOW)
    call = called(protocol)
    assert (call.method, call.path) == ("POST", "/api/v5/trade/cancel-all-after")
    assert json.loads(call.body) == {"timeOut": "60"}
    (armed,) = protocol.receive_response(call, CAPTURES["rest_cancel_all_after"], NOW)
    assert isinstance(armed, Accepted)
    assert armed.triggers_ns == 1587971460 * 1000 * MS

    for text, triggers_ns in (("0", None), ("1587971460001", 1587971460001 * MS)):
        protocol.command(6, CancelAllAfter(0), NOW)
        (answer,) = protocol.receive_response(
            called(protocol), listed([{"triggerTime": text}]), NOW
        )
        assert isinstance(answer, Accepted)
        assert answer.triggers_ns == triggers_ns


# Rules


@pytest.mark.parametrize(
    ("message", "is_ambiguous"),
    [
        ("50004 Endpoint request timeout", True),
        ("51149 Order timed out", True),
        ("51054 Request timed out", True),
        ("51016 Client order ID already exists.", True),
        ("51008 Order failed.", False),
        ("50011 Too Many Requests", False),
        ("", False),
    ],
)
def test_refusals_that_leave_open_whether_an_order_was_entered(
    message: str, is_ambiguous: bool
) -> None:
    assert TIERS["default"].orders.is_ambiguous(message) is is_ambiguous


def test_names_of_orders_have_letters_and_digits() -> None:
    is_name = TIERS["default"].orders.is_name

    assert [is_name(one) for one in ("a" * 32, "A9", "", "a" * 33, "a-b", "ä")] == [
        *(True, True, False, False, False, False)
    ]


def test_sixty_orders_of_a_market_may_be_placed_in_two_seconds_and_twenty_that_wait() -> None:
    allowance = TIERS["default"].orders.allowance

    assert allowance is not None
    assert [
        (one.triggered, one.rate, one.operations, one.by_symbol) for one in allowance.rates
    ] == [
        (waits, Windowed(Decimal(most), Decimal(2)), frozenset({operation}), True)
        for waits, most in ((False, 60), (True, 20))
        for operation in (Operation.PLACE, Operation.AMEND)
    ]
