"""The Exchange's account: proofs, its channels and lists by published examples, and commands."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.account import Credentials, EntryKind, Fee, Fill, LedgerEntry, Liquidity
from fluxum.model.event import Channel, Event, Refused, Subscribed, Subscription
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Place,
    Trigger,
)
from fluxum.venues.account_link import AccountLink
from fluxum.venues.coinbase.exchange.private.normalize import fill, order
from fluxum.venues.coinbase.exchange.private.protocol import user_link
from fluxum.venues.coinbase.exchange.private.queries import (
    ACCOUNTS_CALL,
    OPEN_CALL,
    PRODUCTS_CALL,
    account_queries,
)
from fluxum.venues.coinbase.exchange.private.signing import DEADLINE, ExchangeSigner
from fluxum.venues.coinbase.exchange.signing import proof, signature
from fluxum.venues.conversation import Auth, Fetch, Send, UnreadableStream
from fluxum.venues.private import EntryQuery, FillQuery, OrderQuery
from fluxum.venues.queries import Page, RestQuery

NOW = 1_790_358_506_844 * 1_000_000
D = Decimal
BTC = Symbol("BTC/USD")
NAME = "0123456789abcdef0123456789abcdef"
WIRE_NAME = "01234567-89ab-cdef-0123-456789abcdef"
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
_PATH = Path(__file__).parents[2] / "coinbase-exchange" / "captures" / "private.jsonl"
CAPTURES: dict[str, Any] = {
    one["name"]: json.loads(one["frame"]) for one in map(json.loads, _PATH.read_text().splitlines())
}
# Shared by several independent clients; recomputed.
SECRET = "+xT7GWTDRHi09EZEhkOC8S7ktzngKtoT1ZoZ6QclGURlq3ePfUd7kLQzK4+P54685NEqYDaIerYj9cuYFILOhQ=="


# Proofs


def test_the_vectors_of_calls_and_of_requests() -> None:
    body = b'{"size": "1.0", "price": "1.0", "side": "buy", "product_id": "BTC-USD"}'

    assert proof(SECRET, b"1610075590POST/orders" + body) == (
        "QLKK5AWZ5akrAiaH5ugZzm3uRs5XnbsChlojmAs78Wk="
    )
    assert signature(SECRET, "1610075590") == "LsMgSoRPsykYuSCvN+yO4wSlBsd11Sr4aemZHFe5KNg="


def test_a_call_is_signed_with_its_time_method_path_and_body() -> None:
    body = b'{"size": "1.0", "price": "1.0", "side": "buy", "product_id": "BTC-USD"}'
    signer = ExchangeSigner(Credentials("k", SECRET, "p"))

    signed = signer.call(Fetch("POST", "/orders", "", body=body), 1_610_075_590_000_000_000, 1)

    assert signed.headers == {
        "CB-ACCESS-KEY": "k",
        "CB-ACCESS-SIGN": proof(SECRET, b"1610075590.000POST/orders" + body),
        "CB-ACCESS-TIMESTAMP": "1610075590.000",
        "CB-ACCESS-PASSPHRASE": "p",
        "Content-Type": "application/json",
    }
    assert (signed.path, signed.body) == ("/orders", body)


def test_a_command_is_signed_so_that_it_ends_with_its_deadline() -> None:
    signer = ExchangeSigner(Credentials("k", SECRET, "p"))
    call = Fetch("POST", "/orders", "", {DEADLINE: str(NOW + 5_000_000_000)})

    signed = signer.call(call, NOW, 1)

    assert signed.headers["CB-ACCESS-TIMESTAMP"] == "1790358481.844"  # 25 s ago, good for 30
    assert DEADLINE not in signed.headers


def test_a_request_has_its_proof_and_nothing_shows_it() -> None:
    signer = ExchangeSigner(Credentials("k", SECRET, "p"))

    request = json.loads(signer.frame(b'{"type":"subscribe","channels":["user"]}', NOW, 1))

    assert request["signature"] == signature(SECRET, "1790358506.844")
    assert set(CAPTURES["auth_subscribe"]) - {"product_ids"} == set(request)
    with pytest.raises(BadInput, match="base64 was expected") as error:
        ExchangeSigner(Credentials("k", "no base64!", "p"))
    assert "no base64!" not in f"{error.value!r}"


# The link


class Link:
    """One link that is logged in and subscribed."""

    def __init__(self, *open_orders: dict[str, Any]) -> None:
        self.protocol: AccountLink = user_link()
        self.protocol.subscribe([EXECUTIONS, BALANCES])
        assert self.sent() == [PRODUCTS_CALL, ACCOUNTS_CALL, OPEN_CALL]
        self.answer(PRODUCTS_CALL, [PRODUCT])
        self.answer(ACCOUNTS_CALL, [{"id": "A-1", "currency": "USD", "balance": "1"}])
        self.answer(OPEN_CALL, list(open_orders))
        self.requests = [self.request()]
        for listed in ([], ["user"], ["user", "balance"]):
            self.requests += self.listed(*listed)

    def sent(self) -> list[Any]:
        outbox = self.protocol.outbox
        return [outbox.popleft() for _ in range(len(outbox))]

    def request(self) -> dict[str, Any]:
        (send,) = self.sent()
        assert isinstance(send, Send)
        assert send.auth is Auth.SIGNED
        found: dict[str, Any] = json.loads(send.frame)
        return found

    def listed(self, *channels: str) -> list[dict[str, Any]]:
        """The venue lists what is subscribed; returns the requests that follow."""
        channel: list[dict[str, Any]] = [
            {"name": one, "product_ids": []} for one in ("heartbeat", *channels)
        ]
        self.events = self.say({"type": "subscriptions", "channels": channel})
        return [json.loads(one.frame) for one in self.sent()]

    def say(self, frame: Any) -> Sequence[Event]:
        return self.protocol.receive(json.dumps(frame).encode(), NOW)

    def answer(self, fetch: Fetch, body: Any) -> Sequence[Event]:
        return self.protocol.receive_response(fetch, json.dumps(body).encode(), NOW)


PRODUCT = {
    "id": "BTC-USD",
    "base_currency": "BTC",
    "quote_currency": "USD",
    "quote_increment": "0.01",
    "base_increment": "0.00000001",
    "status": "online",
}
RECEIVED = {
    **CAPTURES["full_received_limit"],
    "client_oid": WIRE_NAME,
    "size": "2",
    "price": "100",
}
ID = RECEIVED["order_id"]
FILL = {
    **CAPTURES["rest_get_fills__response"][0],
    "trade_id": 10,
    "order_id": ID,
    "side": "buy",
    "price": "100",
    "size": "0.5",
    "fee": "0.25",
    "liquidity": "M",
}


def frame(kind: str, **members: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "time": "2014-11-07T08:19:28Z",
        "product_id": "BTC-USD",
        "side": "buy",
        "order_id": ID,
        **members,
    }


def match(number: int = 10, size: str = "0.5") -> dict[str, Any]:
    traded = {"trade_id": number, "size": size, "price": "100", "maker_order_id": ID}
    return {**CAPTURES["full_match"], **traded}


def test_heartbeats_are_the_login_and_each_channel_has_its_own_request() -> None:
    link = Link()

    assert link.requests == [
        {"type": "subscribe", "channels": ["heartbeat"], "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channels": ["user"], "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channels": ["balance"], "account_ids": ["A-1"]},
    ]
    assert [one.subscription for one in link.events if isinstance(one, Subscribed)] == [BALANCES]


def test_a_published_refusal_of_the_login_refuses_what_waits_for_it() -> None:
    protocol = user_link()
    protocol.subscribe([EXECUTIONS])
    products = json.dumps([PRODUCT]).encode()
    for fetch, body in ((PRODUCTS_CALL, products), (ACCOUNTS_CALL, b"[]"), (OPEN_CALL, b"[]")):
        protocol.receive_response(fetch, body, NOW)
    (refused,) = protocol.receive(json.dumps(CAPTURES["error_ip_whitelist"]).encode(), NOW)

    assert isinstance(refused, Refused)
    assert "IP does not match IP whitelist" in refused.message


def test_the_published_messages_of_an_order() -> None:
    (limit,) = Link().say(CAPTURES["full_received_limit"])
    (market,) = Link().say(CAPTURES["full_received_market"])
    activate = {**CAPTURES["full_activate"], "product_id": "BTC-USD"}
    (waits,) = Link().say(activate)

    assert isinstance(limit, OrderUpdate)
    assert (limit.quantity, limit.limit_price, limit.side.value) == (D("1.34"), D("502.1"), "buy")
    assert limit.client_order_id == "d50ec974-76a2-454b-66f135b1ea8c"  # which is no UUID
    assert limit.venue_ns == 1_415_348_367_028_459_000
    assert isinstance(market, OrderUpdate)
    assert (market.order_type, market.quantity) == (OrderType.MARKET, D(0))
    assert isinstance(waits, OrderUpdate)
    assert (waits.status, waits.trigger_price) == (OrderStatus.PENDING, D(80))
    assert waits.order_type is OrderType.STOP_LOSS_LIMIT  # a buy above the market
    assert waits.venue_ns == 1_483_736_448_299_000_000


def test_a_trade_is_a_fill_at_once_and_its_fee_and_the_order_follow_from_the_list() -> None:
    link = Link()
    link.say(RECEIVED)

    (traded,) = link.say(match())
    (call,) = link.sent()

    assert isinstance(traded, Fill)
    assert (traded.fees, traded.liquidity, traded.quantity) == (None, Liquidity.MAKER, D("0.5"))
    assert call.path == f"/fills?order_id={ID}&limit=100"
    whole, updated = link.answer(call, [FILL])
    assert isinstance(whole, Fill)
    assert whole.identity == traded.identity
    assert whole.fees == (Fee("USD", D("0.25")),)  # type: ignore[arg-type]
    assert isinstance(updated, OrderUpdate)
    assert (updated.filled, updated.cost, updated.status) == (
        D("0.5"),
        D("50.0"),
        OrderStatus.PARTIALLY_FILLED,
    )


def test_trades_while_fills_are_listed_are_listed_once_more() -> None:
    link = Link()
    link.say(RECEIVED)
    link.say(match(10))
    (call,) = link.sent()
    link.say(match(11))
    assert link.sent() == []

    link.answer(call, [FILL])

    assert link.sent() == [call]
    link.answer(call, [{**FILL, "trade_id": 11}, FILL])
    assert link.sent() == []


def test_an_end_that_agrees_with_its_trades_is_published_at_once() -> None:
    link = Link()
    link.say(RECEIVED)
    link.say(match(10, "2"))
    link.sent()

    (done,) = link.say(frame("done", reason="filled", remaining_size="0"))

    assert isinstance(done, OrderUpdate)
    assert (done.status, done.filled, done.average_price) == (OrderStatus.FILLED, D(2), D(100))
    assert link.sent() == []
    assert link.say(RECEIVED) == ()  # again, and late


def test_an_end_after_a_trade_that_was_lost_is_looked_up() -> None:
    link = Link()
    link.say(RECEIVED)

    assert link.say(frame("done", reason="canceled", remaining_size="1.5")) == ()
    (call,) = link.sent()
    assert call.path == f"/orders/{ID}"
    row = {**CAPTURES["rest_post_orders__response"], "id": ID, "size": "2", "filled_size": "0.5"}
    row |= {"status": "done", "done_reason": "canceled", "executed_value": "50"}
    (done,) = link.answer(call, row)

    assert isinstance(done, OrderUpdate)
    assert (done.status, done.filled, done.cost) == (OrderStatus.CANCELED, D("0.5"), D(50))


def test_a_look_up_that_is_refused_ends_no_stream() -> None:
    link = Link()
    link.say(RECEIVED)
    link.say(frame("done", reason="canceled"))
    (call,) = link.sent()

    assert link.protocol.receive_refusal(call, "404 NotFound", NOW) == ()


def test_an_order_of_before_the_link_is_known_from_the_list() -> None:
    row = {**CAPTURES["rest_post_orders__response"], "id": ID}
    link = Link(row)

    (done,) = link.say(frame("done", reason="canceled", remaining_size="1.00000000"))

    assert isinstance(done, OrderUpdate)
    assert (done.status, done.filled) == (OrderStatus.CANCELED, D(0))


def test_a_published_change_makes_an_order_smaller() -> None:
    row = {**CAPTURES["rest_post_orders__response"], "id": ID, "size": "12.234412"}
    link = Link(row)

    (changed,) = link.say({**CAPTURES["full_change_stp"], "order_id": ID})

    assert isinstance(changed, OrderUpdate)
    assert changed.quantity == D("5.23512")


@pytest.mark.parametrize(
    "message", [frame("open", remaining_size="1"), frame("done"), match(), frame("done", time="x")]
)
def test_a_message_about_an_unknown_order_begins_the_stream_anew(message: Any) -> None:
    link = Link()

    with pytest.raises(UnreadableStream) as error:
        link.say(message)

    assert error.value.subscriptions == (EXECUTIONS,)
    assert link.sent() == [PRODUCTS_CALL, ACCOUNTS_CALL, OPEN_CALL]


def test_a_published_balance() -> None:
    (balance,) = Link().say(CAPTURES["balance"])

    assert balance.asset == "USD"  # type: ignore[union-attr]
    assert (balance.total, balance.held) == (D("103031.22"), D("1000.23"))  # type: ignore[union-attr]


# Commands


def request(**changes: Any) -> OrderRequest:
    plain = OrderRequest(
        symbol=BTC, side="buy", quantity="1.5", limit_price="100.25", client_order_id=NAME
    )
    return structs.replace(plain, **changes)


def sent_for(command: Any) -> list[Any]:
    link = Link()
    link.protocol.command(7, command, NOW)
    return link.sent()


def test_an_order_is_a_call_of_its_own_and_is_never_repeated() -> None:
    (call,) = sent_for(Place(request=request(post_only=True), deadline_ns=NOW + 1))

    assert (call.method, call.path) == ("POST", "/orders")
    assert (call.is_once, call.auth) == (True, Auth.SIGNED)
    assert call.headers == {DEADLINE: str(NOW + 1)}
    assert json.loads(call.body) == {
        "type": "limit",
        "side": "buy",
        "product_id": "BTC-USD",
        "size": "1.5",
        "price": "100.25",
        "post_only": True,
        "time_in_force": "GTC",
        "client_oid": WIRE_NAME,
    }


def test_other_kinds_of_orders() -> None:
    market = request(order_type=OrderType.MARKET, limit_price=None)
    spends = structs.replace(market, quantity=None, quote_quantity=D(50))
    stop = request(order_type=OrderType.STOP_LOSS_LIMIT, trigger=Trigger("99"), side="sell")

    bodies = [json.loads(sent_for(Place(request=one))[0].body) for one in (market, spends, stop)]

    assert (bodies[0]["type"], bodies[0]["size"]) == ("market", "1.5")
    assert bodies[1]["funds"] == "50"
    assert (bodies[2]["stop"], bodies[2]["stop_price"]) == ("loss", "99")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Place(request=request(client_order_id="short")), "32 hexadecimal digits"),
        (Place(request=request(reduce_only=True)), "reduce-only"),
        (Amend(order_id="1", quantity="1"), "cannot do this: Amend"),
        (CancelAllAfter(60), "cannot do this: CancelAllAfter"),
        (Cancel(order_ids=("1",)), "names an order with its market"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_is_sent(command: Any, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        sent_for(command)


def test_cancels_name_the_market_and_either_id() -> None:
    by_id = Cancel(order_ids=("O-1",), symbols={"O-1": BTC})
    by_name = Cancel(client_order_ids=(NAME,), symbols={NAME: BTC})

    paths = [sent_for(one)[0].path for one in (by_id, by_name)]

    assert paths == [
        "/orders/O-1?product_id=BTC-USD",
        f"/orders/client:{WIRE_NAME}?product_id=BTC-USD",
    ]


def test_of_several_to_cancel_one_may_be_gone() -> None:
    link = Link()
    batch = CancelBatch(order_ids=("O-1", "O-2"), symbols={"O-1": BTC, "O-2": BTC})
    link.protocol.command(7, batch, NOW)
    first, second = link.sent()

    link.answer(first, "O-1")
    (taken,) = link.protocol.receive_refusal(second, '404 {"message":"order not found"}', NOW)

    assert isinstance(taken, Accepted)
    assert taken.count == 1


def test_a_cancel_of_all_is_repeated_until_nothing_was_left() -> None:
    link = Link()
    link.protocol.command(7, CancelAll(), NOW)
    (first,) = link.sent()
    assert (first.method, first.path) == ("DELETE", "/orders")

    assert link.answer(first, ["O-1", "O-2"]) == ()
    (second,) = link.sent()
    link.answer(second, ["O-3"])
    (third,) = link.sent()
    (taken,) = link.answer(third, [])

    assert isinstance(taken, Accepted)
    assert taken.count == 3


# Lists


def test_a_published_order_and_a_published_fill() -> None:
    placed = order(json.dumps(CAPTURES["rest_post_orders__response"]).encode(), NOW)  # type: ignore[arg-type]
    traded = fill(
        json.dumps(CAPTURES["rest_get_fills__response"][0]).encode(),  # type: ignore[arg-type]
        NOW,
        backfilled=True,
    )

    assert (placed.order_id, placed.status) == (
        "a9625b04-fc66-4999-a876-543c3684d702",
        OrderStatus.OPEN,
    )
    assert (placed.quantity, placed.limit_price, placed.display_quantity) == (D(1), D(10), D(4))
    assert placed.post_only
    assert (traded.quantity, traded.price) == (D("0.006018"), D("8087.38"))
    assert traded.fees == (Fee("USD", D("0.2433492642")),)  # type: ignore[arg-type]
    assert (traded.fill_id, traded.liquidity) == ("78098253", Liquidity.TAKER)


def read(query: RestQuery[Page[Any]], body: Any) -> Page[Any]:
    return query.read(json.dumps(body).encode(), NOW)


ACCOUNTS = [
    {"id": "A-1", "currency": "USD", "balance": "10"},
    {"id": "A-2", "currency": "BTC", "balance": "1"},
]


def row(kind: str, number: int, amount: str, balance: str, trade: str = "7") -> dict[str, Any]:
    return {
        **CAPTURES["rest_get_ledger__entry"],
        "id": str(number),
        "type": kind,
        "amount": amount,
        "balance": balance,
        "details": {"order_id": "O-1", "product_id": "BTC-USD", "trade_id": trade},
    }


def ledgers(query: EntryQuery) -> RestQuery[Page[LedgerEntry]]:
    entries = account_queries().entries
    assert entries is not None
    return entries(query)


def test_entries_are_listed_account_by_account_with_dates() -> None:
    first = read(ledgers(EntryQuery(since_ns=1_560_000_000_000_000_000)), ACCOUNTS).next
    assert first is not None
    assert first.fetch.path == (
        "/accounts/A-1/ledger?start_date=2019-06-08T13%3A20%3A00Z&limit=100"
    )

    page = read(first, [CAPTURES["rest_get_ledger__entry"]])

    (entry,) = page.items
    assert (entry.entry_id, entry.asset, entry.kind) == ("1444415179", "USD", EntryKind.TRANSFER)
    assert (entry.amount, entry.balance) == (D("3.22"), D("3.22"))
    assert page.next is not None
    assert page.next.fetch.path.startswith("/accounts/A-2/ledger?")
    assert read(page.next, []).next is None


def test_a_trade_and_its_fee_are_one_entry() -> None:
    first = read(ledgers(EntryQuery(asset="USD")), ACCOUNTS).next
    assert first is not None

    trade, older = row("match", 11, "-50", "50"), row("match", 10, "9", "1")
    page = read(first, [row("fee", 12, "-0.5", "49.5"), trade, older])

    assert [(one.entry_id, one.amount, one.fee, one.balance) for one in page.items] == [
        ("11", D(-50), D("0.5"), D("49.5")),
        ("10", D(9), D(0), D(1)),
    ]


def test_a_fee_that_ends_a_page_is_read_with_its_trade_on_the_next() -> None:
    first = read(ledgers(EntryQuery(asset="USD")), ACCOUNTS).next
    assert first is not None
    rows = [row("transfer", 200 - at, "1", "1") for at in range(99)]

    page = read(first, [*rows, row("fee", 12, "-0.5", "49.5")])

    assert len(page) == 99
    assert page.next is not None
    assert page.next.fetch.path.endswith("&after=102")


def test_a_fee_of_another_trade_stays_by_itself() -> None:
    first = read(ledgers(EntryQuery(asset="USD")), ACCOUNTS).next
    assert first is not None

    page = read(first, [row("fee", 12, "-0.5", "49.5", "8"), row("match", 11, "-50", "50")])

    assert [(one.kind, one.change) for one in page.items] == [
        (EntryKind.FEE, D("-0.5")),
        (EntryKind.TRADE, D(-50)),
    ]


def test_an_account_whose_balance_stayed_is_not_listed_again() -> None:
    entries = account_queries().entries
    assert entries is not None
    query = EntryQuery(since_ns=NOW - 10**12)
    first = read(entries(query), ACCOUNTS).next
    assert first is not None
    second = read(first, []).next
    assert second is not None
    last = read(second, [])
    assert last.next is None

    query = structs.replace(query, resume=last.resume)
    none = read(entries(query), ACCOUNTS)
    assert (none.next, none.resume) == (None, last.resume)
    changed = [{**ACCOUNTS[0], "balance": "11"}, ACCOUNTS[1]]
    again = read(entries(query), changed).next
    assert again is not None
    assert again.fetch.path.startswith("/accounts/A-1/")
    older = read(entries(structs.replace(query, since_ns=NOW - 10**15)), ACCOUNTS).next
    assert older is not None  # further back than they were listed
    moved = read(entries(structs.replace(query, moved=frozenset({Asset("BTC")}))), ACCOUNTS).next
    assert moved is not None  # it was bought and sold
    assert moved.fetch.path.startswith("/accounts/A-2/")


def test_fills_are_listed_behind_the_last_one() -> None:
    rows = [{**FILL, "trade_id": 500 - at} for at in range(100)]
    query = account_queries().fills(FillQuery(symbol=BTC))
    assert query.fetch.path == "/fills?product_id=BTC-USD&limit=100"

    page = read(query, rows)

    assert page.next is not None
    assert page.next.fetch.path.endswith("&after=401")
    later = account_queries().fills(FillQuery(symbol=BTC, since_ns=1_600_000_000 * 10**9))
    assert read(later, rows).next is None  # they are of 2019
    with pytest.raises(BadInput, match="market by market"):
        account_queries().fills(FillQuery())


def test_an_order_that_is_not_known_is_none() -> None:
    query = OrderQuery(symbol=BTC, client_order_id=NAME)
    (by_name,) = account_queries().order(query)
    assert by_name.fetch.path == f"/orders/client:{WIRE_NAME}"
    assert by_name.refused is not None

    gone = VenueRefused("GET /orders answered 404", "404", '{"message":"NotFound"}')
    assert len(by_name.refused(gone)) == 0
    with pytest.raises(VenueRefused):
        by_name.refused(VenueRefused("GET /orders answered 401", "401", ""))
