"""Tests of `private.rest_server`: signed calls, by the published vector, payloads and texts."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from box import BTC, SECRET, START, Box, limit
from fluxum.model.account import Credentials, EntryKind
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderStatus, OrderType, PriceKind, Trigger
from fluxum.venues.kraken.private.queries import account_queries
from fluxum.venues.kraken.private.signing import KrakenSigner, api_sign
from fluxum.venues.kraken.server.rest import KrakenRest
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery
from fluxum.venues.queries import RestQuery
from fluxum.venues.server.contract import Answer
from fluxum.venues.venue import Fetch
from needed import needed

BUY, SELL = Side.BUY, Side.SELL
D = Decimal
Message = dict[str, Any]
VECTOR_BODY = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
VECTOR_SIGN = (
    "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
)


class Client:
    """Whoever calls an exchange that stands still, with an account of its own."""

    def __init__(self, *, tier: str = "pro", **balances: str) -> None:
        self.box = Box()
        held = balances or {"USD": "100000", "BTC": "10"}
        self.account, _ = self.box.open(tier=tier, fees=("0.0025", "0.004"), **held)
        self.box.write(["26000.0 1"], ["27000.0 1"])
        self.box.add(BUY, "27000.0", "0.1")
        self.rest = KrakenRest(self.box.exchange)
        self.nonce = 0

    def call(self, name: str, **form: object) -> Message:
        """The envelope of a signed call."""
        self.nonce += 1
        body = urlencode({"nonce": self.nonce, **form}).encode()
        return decoded(self.post(name, body, str(self.nonce)))

    def post(self, name: str, body: bytes, nonce: str, *, key: str = "key") -> Answer:
        path = f"/0/private/{name}"
        headers = {"API-Key": key, "API-Sign": api_sign(path, nonce, body, SECRET)}
        return self.rest.answer(Fetch("POST", path, "", headers, body), self.box.time_ns)

    def result(self, name: str, **form: object) -> Any:
        envelope = self.call(name, **form)
        assert envelope["error"] == []
        return envelope["result"]

    def error(self, name: str, **form: object) -> str:
        envelope = self.call(name, **form)
        (text,) = envelope["error"]
        assert "result" not in envelope
        return str(text)

    def ask(self, question: RestQuery[Any]) -> Any:
        """What our own client makes of the answer."""
        fetch = question.fetch
        if fetch.method == "POST":
            self.nonce += 1
            signer = KrakenSigner(Credentials("key", SECRET))
            signed = signer.call(fetch, 0, self.nonce)
            fetch = Fetch("POST", fetch.path, "", signed.headers, signed.body)
        answer = self.rest.answer(fetch, self.box.time_ns)
        return question.read(answer.body, self.box.time_ns)


def decoded(answer: Answer) -> Message:
    assert answer.status == 200
    return msgspec.json.decode(answer.body, type=dict[str, Any])


def queries(client: Client) -> AccountQueries:
    asked = account_queries()
    for question in asked.preparations():
        client.ask(question)
    return asked


# Who calls


def test_the_published_signature_is_taken() -> None:
    client = Client(USD="100000")
    headers = {"API-Key": "key", "API-Sign": VECTOR_SIGN}
    call = Fetch("POST", "/0/private/AddOrder", "", headers, VECTOR_BODY)

    envelope = decoded(client.rest.answer(call, START))

    assert envelope["error"] == []
    (order_id,) = envelope["result"]["txid"]
    order = client.account.order(order_id)
    assert order is not None
    assert order.request.limit_price == D(37500)


@pytest.mark.parametrize("position", [0, 5, 40, len(VECTOR_BODY) - 1])
def test_one_bit_changed_in_the_body_is_refused(position: int) -> None:
    client = Client()
    body = bytearray(VECTOR_BODY)
    body[position] ^= 1
    headers = {"API-Key": "key", "API-Sign": VECTOR_SIGN}
    call = Fetch("POST", "/0/private/AddOrder", "", headers, bytes(body))

    envelope = decoded(client.rest.answer(call, START))

    assert envelope == {"error": ["EAPI:Invalid signature"]}
    assert not client.account.orders


@pytest.mark.parametrize("position", [0, 43, 84])
def test_one_bit_changed_in_the_signature_is_refused(position: int) -> None:
    client = Client()
    text = bytearray(VECTOR_SIGN.encode())
    text[position] ^= 1
    headers = {"api-key": "key", "api-sign": text.decode()}
    call = Fetch("POST", "/0/private/AddOrder", "", headers, VECTOR_BODY)

    assert decoded(client.rest.answer(call, START)) == {"error": ["EAPI:Invalid signature"]}


def test_another_path_needs_another_signature() -> None:
    client = Client()
    headers = {"API-Key": "key", "API-Sign": VECTOR_SIGN}
    call = Fetch("POST", "/0/private/Balance", "", headers, VECTOR_BODY)

    assert decoded(client.rest.answer(call, START)) == {"error": ["EAPI:Invalid signature"]}


def test_a_key_nobody_has_is_refused() -> None:
    client = Client()

    answer = client.post("Balance", b"nonce=1", "1", key="nobody")

    assert decoded(answer) == {"error": ["EAPI:Invalid key"]}


@pytest.mark.parametrize("nonce", ["5", "4", "", "-1", "five", "6.5", str(2**64)])
def test_a_nonce_has_to_grow(nonce: str) -> None:
    client = Client()
    assert decoded(client.post("Balance", b"nonce=5", "5"))["error"] == []

    answer = client.post("Balance", f"nonce={nonce}".encode(), nonce)

    assert decoded(answer) == {"error": ["EAPI:Invalid nonce"]}


def test_a_refused_signature_uses_no_nonce_up() -> None:
    client = Client()
    headers = {"API-Key": "key", "API-Sign": "bm8="}
    client.rest.answer(Fetch("POST", "/0/private/Balance", "", headers, b"nonce=9"), START)

    assert decoded(client.post("Balance", b"nonce=1", "1"))["error"] == []


def test_a_body_may_be_json() -> None:
    client = Client()
    body = b'{"nonce":163245617,"asset":"ZUSD","without_count":true}'

    envelope = decoded(client.post("Ledgers", body, "163245617"))

    assert [one["asset"] for one in envelope["result"]["ledger"].values()] == ["ZUSD"]


@pytest.mark.parametrize("body", [b"{", b'{"nonce":', b"=&=", b"\xff\xfe"])
def test_nonsense_is_answered(body: bytes) -> None:
    answer = Client().post("Balance", body, "")

    assert decoded(answer)["error"][0].startswith("EAPI:")


def test_unknown_calls_are_refused() -> None:
    client = Client()

    assert client.error("Sing") == "EGeneral:Unknown method"
    assert client.rest.answer(Fetch("GET", "/1/public/Time", ""), START).status == 404


# How often


@pytest.mark.parametrize(("tier", "most"), [("", 15), ("intermediate", 20), ("pro", 20)])
def test_calls_are_counted_by_tier(tier: str, most: int) -> None:
    client = Client(tier=tier)
    for _ in range(most):
        assert client.call("Balance")["error"] == []

    assert client.error("Balance") == "EAPI:Rate limit exceeded"


def test_history_counts_two_and_time_takes_it_back() -> None:
    client = Client()
    for _ in range(10):
        client.result("Ledgers")

    assert client.error("Ledgers") == "EAPI:Rate limit exceeded"
    client.box.wait(1)  # one a second
    assert client.error("Ledgers") == "EAPI:Rate limit exceeded"
    client.box.wait(1)

    assert client.result("Ledgers")


def test_orders_have_a_counter_of_their_own() -> None:
    client = Client()
    for _ in range(20):
        client.result("Balance")

    assert client.result("CancelAll") == {"count": 0}


def test_calls_can_be_refused_for_a_while() -> None:
    client = Client()

    client.box.exchange.limit_calls(5)

    assert client.error("Balance") == "EAPI:Rate limit exceeded"
    client.box.wait(5)
    assert client.result("Balance")


# The account


def test_a_token_opens_a_private_link() -> None:
    client = Client()

    result = client.result("GetWebSocketsToken")

    assert result["expires"] == 900
    accounts = client.box.exchange.accounts
    assert accounts.by_token(result["token"], client.box.time_ns) is client.account


def test_balances_have_the_older_names() -> None:
    client = Client(USD="171288.6158", BTC="1011.19088779", DOGE="5", SOL="2.5")

    # rest_balance
    assert client.result("Balance") == {
        "ZUSD": "171288.6158",
        "XXBT": "1011.1908877900",
        "XXDG": "5.00000000",
        "SOL": "2.5000000000",
    }


def test_what_orders_bind_is_told() -> None:
    client = Client(USD="1000", BTC="1")
    client.account.place(limit(SELL, "28000.0", "0.25"))

    assert client.result("BalanceEx") == {
        "ZUSD": {"balance": "1000.0000", "hold_trade": "0.0000"},
        "XXBT": {"balance": "1.0000000000", "hold_trade": "0.2500000000"},
    }


def test_an_open_order_is_told_as_published() -> None:
    client = Client()
    order_id = client.account.place(
        limit(BUY, "26500.0", "1.25", user_reference=45326)
    ).update.order_id

    result = client.result("OpenOrders")

    row = result["open"][order_id]
    opened = row.pop("opentm")
    assert int(opened) == START // 10**9
    # rest_open_orders
    assert row == {
        "refid": None,
        "userref": 45326,
        "status": "open",
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": "XBTUSD",
            "type": "buy",
            "ordertype": "limit",
            "price": "26500.0",
            "price2": "0",
            "leverage": "none",
            "order": "buy 1.25000000 XBTUSD @ limit 26500.0",
            "close": "",
        },
        "vol": "1.25000000",
        "vol_exec": "0.00000000",
        "cost": "0.00000",
        "fee": "0.00000",
        "price": "0.00000",
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "",
        "oflags": "fciq",
    }


def test_a_trailing_stop_is_told_as_seen() -> None:
    """https://github.com/ccxt/ccxt/issues/21063: the price is the distance."""
    client = Client()
    client.account.place(
        OrderRequest(
            symbol=BTC,
            side=SELL,
            order_type=OrderType.TRAILING_STOP,
            quantity=D(10),
            trigger=Trigger(D(50), PriceKind.PERCENT),
        )
    )

    (row,) = client.result("OpenOrders")["open"].values()

    assert row["descr"]["price"] == "+50.0000%"
    assert row["descr"]["order"] == "sell 10.00000000 XBTUSD @ trailing stop +50.0000%"
    assert (row["status"], row["stopprice"], row["trigger"]) == ("open", "13500.00000", "last")


def test_open_orders_can_be_asked_for_by_name_and_reference() -> None:
    client = Client()
    client.account.place(limit(BUY, "26500.0", "1", user_reference=5))
    named = client.account.place(limit(BUY, "26500.0", "1", client_order_id="mine"))

    by_name = client.result("OpenOrders", cl_ord_id="mine")["open"]
    by_reference = client.result("OpenOrders", userref=5)["open"]

    assert list(by_name) == [named.update.order_id]
    assert by_name[named.update.order_id]["cl_ord_id"] == "mine"
    assert [row["userref"] for row in by_reference.values()] == [5]


def test_an_order_tells_its_trades_where_they_are_wanted() -> None:
    client = Client()
    order_id = client.account.place(limit(BUY, "27000.0", "2")).update.order_id

    without = client.result("OpenOrders")["open"][order_id]
    row = client.result("OpenOrders", trades="true")["open"][order_id]

    assert "trades" not in without
    assert row["trades"] == [fill.fill_id for fill in client.account.fills]


def test_ended_orders_tell_when_and_why() -> None:
    client = Client()
    canceled = client.account.place(limit(BUY, "26500.0", "1")).update.order_id
    filled = client.account.place(limit(BUY, "27000.0", "0.5")).update.order_id
    client.box.wait(10)
    client.account.cancel(canceled)

    result = client.result("ClosedOrders")

    assert result["count"] == 2
    assert list(result["closed"]) == [canceled, filled]  # by when they ended
    row = result["closed"][canceled]
    assert (row["status"], row["reason"]) == ("canceled", "User requested")
    assert int(row["closetm"]) == START // 10**9 + 10
    done = result["closed"][filled]
    assert (done["status"], done["vol_exec"], done["cost"]) == (
        "closed",
        "0.50000000",
        "13500.00000",
    )
    assert (done["fee"], done["price"]) == ("54.00000", "27000.00000")


def test_any_order_can_be_asked_for_by_its_id() -> None:
    client = Client()
    opened = client.account.place(limit(BUY, "26500.0", "1")).update.order_id
    ended = client.account.place(limit(BUY, "27000.0", "0.5")).update.order_id

    result = client.result("QueryOrders", txid=f"{ended},{opened}", trades="true")

    assert {name: row["status"] for name, row in result.items()} == {
        ended: "closed",
        opened: "open",
    }
    assert client.error("QueryOrders", txid="ONEVER-WASONE-ATALL0") == "EOrder:Unknown order"


def test_a_trade_is_told_as_published() -> None:
    client = Client()
    client.account.place(limit(BUY, "26500.0", "0.02"))
    client.box.add(SELL, "26500.0", "0.02")

    result = client.result("TradesHistory")

    ((name, row),) = result["trades"].items()
    (fill,) = client.account.fills
    assert name == fill.fill_id
    del row["time"], row["postxid"], row["trade_id"]
    # rest_trades_history
    assert row == {
        "ordertxid": fill.order_id,
        "pair": "XXBTZUSD",
        "type": "buy",
        "ordertype": "limit",
        "price": "26500.00000",
        "cost": "530.00000",
        "fee": "1.32500",
        "vol": "0.02000000",
        "margin": "0.00000",
        "leverage": "0",
        "misc": "",
        "maker": True,
    }


def test_lists_come_by_fifty_the_newest_first() -> None:
    client = Client(USD="1000000", BTC="1")
    for _ in range(60):
        client.account.place(limit(BUY, "27000.0", "0.001"))

    first = client.result("TradesHistory")
    second = client.result("TradesHistory", ofs=50)

    names = [*first["trades"], *second["trades"]]
    assert (first["count"], len(first["trades"])) == (60, 50)
    assert names == [fill.fill_id for fill in reversed(client.account.fills)]


def test_start_is_exclusive_and_end_inclusive() -> None:
    client = Client(USD="1")
    for _ in range(3):
        client.box.wait(10)
        client.account.deposit({"USD": D(1)})
    second = START // 10**9

    result = client.result("Ledgers", start=second + 10, end=second + 20)["ledger"]
    after = list(client.account.entries)[1].entry_id
    by_id = client.result("Ledgers", start=after)["ledger"]

    assert [row["time"] for row in result.values()] == [second + 20]
    assert [row["time"] for row in by_id.values()] == [second + 30, second + 20]


def test_lines_can_be_asked_for_by_asset_and_type() -> None:
    client = Client(USD="1000", BTC="1")
    client.account.place(limit(BUY, "27000.0", "0.01"))

    kinds = client.result("Ledgers", type="trade")
    bitcoin = client.result("Ledgers", asset="XBT")

    assert (kinds["count"], bitcoin["count"]) == (2, 2)
    assert {row["asset"] for row in bitcoin["ledger"].values()} == {"XXBT"}
    newest = next(iter(kinds["ledger"].values()))
    # rest_ledgers
    del newest["time"]
    assert newest == {
        "refid": client.account.fills[0].fill_id,
        "type": "trade",
        "subtype": "",
        "aclass": "currency",
        "asset": "ZUSD",
        "amount": "-270.0000",
        "fee": "1.0800",
        "balance": "728.9200",
    }


def test_single_lines_have_no_wrapper() -> None:
    client = Client(USD="5")
    (entry,) = client.account.entries

    result = client.result("QueryLedgers", id=entry.entry_id)

    assert list(result) == [entry.entry_id]
    assert result[entry.entry_id]["amount"] == "5.0000"


def test_an_account_knows_its_own_fees() -> None:
    client = Client()

    result = client.result("TradeVolume", pair="XBTUSD")

    assert result["fees"]["XXBTZUSD"]["fee"] == "0.4000"
    assert result["fees_maker"]["XXBTZUSD"]["fee"] == "0.2500"


def test_all_is_worth_so_many_dollars() -> None:
    result = Client(USD="1000", BTC="2").result("TradeBalance")

    assert result["eb"] == "55000.0000"  # the last trade was at 27000


# Orders


def test_an_order_is_described_and_named() -> None:
    client = Client()

    result = client.result(
        "AddOrder",
        **{
            "pair": "XBTUSD",
            "type": "buy",
            "ordertype": "limit",
            "price": "26500.1",
            "volume": "1.25",
            "close[ordertype]": "stop-loss-limit",
            "close[price]": "22000.0",
            "close[price2]": "21000.0",
        },
    )

    (order,) = client.account.orders
    # https://docs.kraken.com/api/docs/rest-api/add-order
    assert result == {
        "descr": {
            "order": "buy 1.25000000 XBTUSD @ limit 26500.1",
            "close": "close position @ stop loss 22000.0 -> limit 21000.0",
        },
        "txid": [order.order_id],
    }


@pytest.mark.parametrize("pair", ["XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"])
def test_a_market_goes_by_any_of_its_names(pair: str) -> None:
    client = Client()

    client.result("AddOrder", pair=pair, type="buy", ordertype="market", volume="0.1")

    assert client.account.orders[0].status is OrderStatus.FILLED


def test_a_validated_order_is_not_entered() -> None:
    client = Client()
    form = {"pair": "XBTUSD", "type": "buy", "ordertype": "market", "volume": "0.1"}

    result = client.result("AddOrder", validate="true", **form)

    assert "txid" not in result
    assert not client.account.orders


@pytest.mark.parametrize(
    ("form", "field", "value"),
    [
        (
            {"ordertype": "market", "volume": "100", "oflags": "viqc,fcib"},
            "quote_quantity",
            D(100),
        ),
        (
            {"ordertype": "limit", "price": "26500", "volume": "1", "oflags": "post"},
            "post_only",
            True,
        ),
        (
            {"ordertype": "stop-loss", "price": "-2%", "volume": "1", "type": "sell"},
            "trigger",
            Trigger(D(-2), PriceKind.PERCENT),
        ),
        (
            {"ordertype": "trailing-stop", "price": "+50", "volume": "1", "type": "sell"},
            "trigger",
            Trigger(D(50), PriceKind.QUOTE),
        ),
        (
            {"ordertype": "iceberg", "price": "26500", "volume": "1", "displayvol": "0.1"},
            "display_quantity",
            D("0.1"),
        ),
        (
            {
                "ordertype": "limit",
                "price": "26500",
                "volume": "1",
                "timeinforce": "GTD",
                "expiretm": "1767225700",
            },
            "expires_ns",
            1_767_225_700 * 10**9,
        ),
        (
            {"ordertype": "limit", "price": "26500", "volume": "1", "cl_ord_id": "mine"},
            "client_order_id",
            "mine",
        ),
    ],
)
def test_every_way_to_word_an_order_is_understood(
    form: dict[str, str], field: str, value: object
) -> None:
    client = Client()

    client.result("AddOrder", **{"pair": "XBTUSD", "type": "buy", **form})

    placed = [*client.account.open_orders(), *client.account.ended]
    assert getattr(placed[0].request, field) == value


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"pair": "XBTXYZ"}, "EQuery:Unknown asset pair"),
        ({"type": "up"}, "EGeneral:Invalid arguments:type"),
        ({"ordertype": "wish"}, "EGeneral:Invalid arguments:ordertype"),
        ({"volume": "1e-7"}, "EGeneral:Invalid arguments:volume"),
        ({"price": "9.7e-7"}, "EOrder:Invalid price"),
        ({"volume": "0.00001"}, "EOrder:Order minimum not met"),
        ({"volume": "100"}, "EOrder:Insufficient funds"),
        ({"oflags": "foo"}, "EGeneral:Invalid arguments:oflags"),
        ({"price": "27000", "oflags": "post"}, "EOrder:Post only order"),
        ({"deadline": "2025-01-01T00:00:00Z"}, "EService:Deadline elapsed"),
    ],
)
def test_what_is_wrong_with_an_order_is_said(form: dict[str, str], error: str) -> None:
    client = Client()
    good = {
        "pair": "XBTUSD",
        "type": "buy",
        "ordertype": "limit",
        "price": "26500.0",
        "volume": "1",
    }

    assert client.error("AddOrder", **{**good, **form}) == error


def test_orders_are_amended_edited_and_canceled() -> None:
    client = Client()
    old = client.account.place(limit(BUY, "26500.0", "1")).update.order_id

    assert "amend_id" in client.result("AmendOrder", txid=old, limit_price="26400", order_qty=2)
    assert client.account.orders[0].limit_price == D(26400)
    edited = client.result("EditOrder", txid=old, pair="XBTUSD", volume="3", price="26300")
    assert edited["originaltxid"] == old
    assert client.result("CancelOrder", txid=edited["txid"]) == {"count": 1}
    assert client.error("CancelOrder", txid=old) == "EOrder:Unknown order"
    assert [one.status for one in client.account.orders] == [OrderStatus.CANCELED] * 2


def test_orders_are_canceled_by_either_name() -> None:
    client = Client()
    client.account.place(limit(BUY, "26500.0", "1", client_order_id="mine"))
    for _ in range(2):
        client.account.place(limit(BUY, "26500.0", "1", user_reference=5))

    assert client.result("CancelOrder", cl_ord_id="mine") == {"count": 1}
    assert client.result("CancelOrder", txid="5") == {"count": 2}


def test_the_switch_works_over_rest() -> None:
    client = Client()
    client.account.place(limit(BUY, "26500.0", "1"))

    result = client.result("CancelAllOrdersAfter", timeout=60)

    assert result == {
        "currentTime": "2026-01-01T00:00:00Z",
        "triggerTime": "2026-01-01T00:01:00Z",
    }
    client.box.wait(60)
    assert not client.account.open_orders()


def test_maintenance_takes_nothing() -> None:
    client = Client()
    client.box.exchange.set_status("maintenance")

    assert client.error("CancelAll") == "EService:Unavailable"
    assert client.result("Balance")


# Our own client understands it


def test_our_questions_are_answered() -> None:
    client = Client(USD="100000", BTC="1")
    asked = queries(client)
    client.account.place(limit(BUY, "26500.0", "1", client_order_id="mine"))
    client.account.place(limit(BUY, "27000.0", "0.5"))

    token = client.ask(needed(asked.token)())
    balances = client.ask(asked.balances())
    (order,) = client.ask(asked.open_orders())
    ended = client.ask(asked.closed_orders(FillQuery())).items
    fills = client.ask(asked.fills(FillQuery())).items
    entries = client.ask(needed(asked.entries)(EntryQuery(kind=EntryKind.DEPOSIT))).items
    lines = client.ask(needed(asked.entries)(EntryQuery())).items

    assert token.valid_s == 900
    assert {(one.asset, one.total, one.held) for one in balances} == {
        (one.asset, one.total, one.held) for one in client.account.balances()
    }
    assert (order.client_order_id, order.limit_price) == ("mine", D(26500))
    assert [one.order_id for one in ended] == [fills[0].order_id]
    truth = client.account.fills[0]
    assert (fills[0].fill_id, fills[0].venue_ns) == (truth.fill_id, truth.venue_ns)
    assert fills[0].fees is None  # the list of trades does not say in which asset
    charged = needed(asked.charged)(fills[0], lines)
    assert charged is not None
    assert charged.fees == truth.fees
    assert {one.asset for one in entries} == {Asset("USD"), Asset("BTC")}
