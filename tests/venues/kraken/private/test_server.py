"""Tests of `private.server`: a private link's dialogue, by the published messages and texts."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from box import BTC, SECOND, Box, limit
from fluxum.model.market import Side
from fluxum.model.order import Amend, OrderType
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.kraken.server.counters import trading
from fluxum.venues.kraken.server.private import KrakenPrivateServer
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.server.contract import Close

BUY, SELL = Side.BUY, Side.SELL
D = Decimal
Message = dict[str, Any]


class Client:
    """One private link to an exchange that stands still, with an account of its own."""

    def __init__(self, *, tier: str = "intermediate", **balances: str) -> None:
        self.box = Box()
        held = balances or {"USD": "100000", "BTC": "10"}
        self.account, _ = self.box.open(tier=tier, fees=("0.0025", "0.004"), **held)
        self.box.write(["26000.0 1"], ["27000.0 1"])
        self.box.add(BUY, "27000.0", "0.1")
        self.server = KrakenPrivateServer(self.box.exchange)
        self.server.opened(self.box.time_ns)
        self.token = self.box.exchange.accounts.issue_token(self.account, self.box.time_ns, 900)

    def ask(self, method: str, *, req_id: int | None = 7, **params: Any) -> list[Message]:
        """Everything that is said to a request, and what happened since."""
        request: Message = {"method": method, "params": {"token": self.token, **params}}
        if req_id is not None:
            request["req_id"] = req_id
        words = self.server.receive(msgspec.json.encode(request), self.box.time_ns)
        return [message(one) for one in words if isinstance(one, bytes)] + self.told()

    def told(self) -> list[Message]:
        words = self.server.publish(BTC, self.box.time_ns)
        return [message(one) for one in words if isinstance(one, bytes)]

    def answer(self, method: str, **params: Any) -> Message:
        """The one answer to a request, without its times."""
        (answer,) = (one for one in self.ask(method, **params) if "method" in one)
        assert answer.pop("time_in") == answer.pop("time_out")
        return answer

    def error(self, method: str, **params: Any) -> str:
        answer = self.answer(method, **params)
        assert answer["success"] is False
        assert "result" not in answer
        text = answer["error"]
        assert isinstance(text, str)
        return text

    def follow(self, **params: Any) -> None:
        self.ask("subscribe", channel="executions", **params)
        self.ask("subscribe", channel="balances")

    def add(self, **params: Any) -> Message:
        return self.answer("add_order", **{**LIMIT, **params})

    def refused(self, **params: Any) -> str:
        answer = self.add(**params)
        assert answer["success"] is False
        return str(answer["error"])


LIMIT: Message = {
    "symbol": "BTC/USD",
    "side": "buy",
    "order_type": "limit",
    "order_qty": 0.01,
    "limit_price": 26500.4,
}


def message(frame: bytes) -> Message:
    return msgspec.json.decode(frame, type=dict[str, Any])


def kinds(messages: list[Message]) -> list[str]:
    return [one["data"][0]["exec_type"] for one in messages if one.get("channel") == "executions"]


def open_orders(account: SimulatedAccount) -> list[str]:
    return list(account.live)


# Subscribing


def test_balances_are_acknowledged_and_told_from_one_on() -> None:
    client = Client(USD="80595.4943")

    ack, snapshot = client.ask("subscribe", channel="balances", req_id=None)

    del ack["time_in"], ack["time_out"]
    # balances_subscribe_ack
    assert ack == {
        "method": "subscribe",
        "result": {"channel": "balances", "snapshot": True},
        "success": True,
    }
    assert (snapshot["type"], snapshot["sequence"]) == ("snapshot", 1)
    assert snapshot["data"] == [
        {
            "asset": "USD",
            "asset_class": "currency",
            "balance": 80595.4943,
            "wallets": [{"type": "spot", "id": "main", "balance": 80595.4943}],
        }
    ]


def test_executions_are_acknowledged_with_the_tiers_threshold() -> None:
    client = Client()

    ack, snapshot = client.ask(
        "subscribe", channel="executions", snap_orders=True, snap_trades=True
    )

    # executions_subscribe_ack
    assert ack["result"] == {
        "channel": "executions",
        "maxratecount": 125,
        "snap_orders": True,
        "snap_trades": True,
    }
    assert snapshot["channel"] == "executions"
    assert (snapshot["data"], snapshot["sequence"]) == ([], 1)


@pytest.mark.parametrize(("tier", "most"), [("", 60), ("starter", 60), ("pro", 180)])
def test_each_tier_has_a_threshold_of_its_own(tier: str, most: int) -> None:
    ack = Client(tier=tier).ask("subscribe", channel="executions")[0]

    assert ack["result"]["maxratecount"] == most


def test_a_snapshot_has_open_orders_and_the_last_fifty_fills_if_wanted() -> None:
    client = Client(tier="pro")
    for _ in range(60):
        client.account.place(limit(BUY, "27000.0", "0.001"))
    client.account.place(limit(BUY, "25000.0", "0.01"))

    snapshot = client.ask("subscribe", channel="executions", snap_trades=True)[1]

    reports = snapshot["data"]
    assert [one["exec_type"] for one in reports] == ["new"] + ["trade"] * 50
    assert reports[0]["limit_price"] == 25000.0
    assert {one["order_status"] for one in reports[1:]} == {"filled"}
    assert [one["exec_id"] for one in reports[1:]] == [
        fill.fill_id for fill in client.account.fills[-50:]
    ]


def test_without_flags_there_are_orders_and_no_fills() -> None:
    client = Client()
    client.account.place(limit(BUY, "27000.0", "0.001"))

    ack, snapshot = client.ask("subscribe", channel="executions")

    assert (ack["result"]["snap_orders"], ack["result"]["snap_trades"]) == (True, False)
    assert snapshot["data"] == []


def test_a_bad_token_is_answered_as_captured() -> None:
    client = Client()
    client.token = "nonsense"

    (answer,) = client.ask("subscribe", channel="executions", req_id=None)

    # cap_error_invalid_session
    del answer["time_in"], answer["time_out"]
    assert answer == {
        "channel": "executions",
        "error": "ESession:Invalid session",
        "method": "subscribe",
        "status": "error",
        "success": False,
    }
    assert client.error("add_order", **LIMIT) == "EAPI:Invalid token"


def test_a_token_is_good_for_fifteen_minutes_unless_it_is_used() -> None:
    used, unused = Client(), Client()
    used.ask("subscribe", channel="balances")

    for client in (used, unused):
        client.box.wait(900)

    assert used.add()["success"] is True
    assert unused.refused() == "EAPI:Invalid token"


def test_a_token_that_was_revoked_ends_orders_and_not_the_stream() -> None:
    client = Client()
    client.follow()

    client.box.exchange.expire_tokens()

    assert client.refused() == "EAPI:Invalid token"
    client.account.deposit({"USD": D(1)})
    assert [one["channel"] for one in client.told()] == ["balances"]


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        (
            "book",
            "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com",
        ),
        ("status", "Symbol(s) not found"),
        ("nonsense", "Subscription name invalid"),
    ],
)
def test_other_channels_are_refused(channel: str, error: str) -> None:
    assert Client().error("subscribe", channel=channel) == error


def test_an_unsubscribed_channel_says_nothing_and_begins_anew() -> None:
    client = Client()
    client.follow()
    client.add()

    answer = client.answer("unsubscribe", channel="executions")
    assert answer["result"] == {"channel": "executions"}
    assert client.add()["success"]
    assert client.told() == []

    snapshot = client.ask("subscribe", channel="executions")[1]
    assert (snapshot["sequence"], len(snapshot["data"])) == (1, 2)


def test_a_channel_is_subscribed_once() -> None:
    client = Client()
    client.follow()

    assert client.error("subscribe", channel="balances") == "Already subscribed"


def test_nonsense_is_answered() -> None:
    client = Client()

    for frame in (b"", b"[]", b'{"method":1}', b"\xff", b'{"method":"subscribe","params":3}'):
        (answer,) = client.server.receive(frame, client.box.time_ns)
        assert isinstance(answer, bytes)
        assert message(answer)["error"] == "Malformed request"
    assert client.error("sing") == "Unknown method"


def test_a_ping_needs_no_token() -> None:
    client = Client()

    (frame,) = client.server.receive(b'{"method":"ping","req_id":101}', client.box.time_ns)

    assert isinstance(frame, bytes)
    assert (message(frame)["method"], message(frame)["req_id"]) == ("pong", 101)


def test_a_link_that_is_used_for_nothing_is_closed_after_a_minute() -> None:
    client = Client()

    client.box.wait(60)
    assert client.server.tick(client.box.time_ns) == ()
    client.box.wait(1)

    assert client.server.tick(client.box.time_ns) == (Close(1000, "idle"),)


def test_a_quiet_stream_has_heartbeats() -> None:
    client = Client()
    client.follow()

    client.box.wait(1)

    assert client.server.tick(client.box.time_ns) == (b'{"channel":"heartbeat"}',)


# What happens to the account


def test_a_marketable_order_is_told_step_by_step() -> None:
    client = Client()
    client.follow()

    messages = client.ask("add_order", **{**LIMIT, "limit_price": 27000, "order_userref": 3})

    assert kinds(messages) == ["pending_new", "new", "trade", "filled"]
    reports = [one for one in messages if one.get("channel") == "executions"]
    assert [one["sequence"] for one in reports] == [2, 3, 4, 5]
    (_, new, trade, filled) = (one["data"][0] for one in reports)
    assert set(new) == {"timestamp", "order_status", "exec_type", "order_userref", "order_id"}
    assert (trade["order_status"], filled["order_status"]) == ("partially_filled", "filled")
    entries = [one for one in messages if one.get("channel") == "balances"]
    assert [one["sequence"] for one in entries] == [2, 3]
    (base,), (quote,) = (one["data"] for one in entries)
    assert base["ref_id"] == quote["ref_id"] == trade["exec_id"]
    assert (base["asset"], base["amount"], base["fee"]) == ("BTC", 0.01, 0.0)
    assert (quote["asset"], quote["amount"], quote["fee"]) == ("USD", -270.0, 1.08)


def test_the_answer_comes_before_the_reports_or_after() -> None:
    async def main() -> set[str]:
        clock = SimulatedClock()
        exchange = SimulatedExchange(KRAKEN, [BTC], seed=1, clock=clock, rate_per_s=0)
        account = exchange.open_account("key", "c2VjcmV0", {"USD": D(100_000)})
        token = exchange.accounts.issue_token(account, clock.now_ns(), 900)
        firsts: set[str] = set()
        async with exchange, exchange.dial("wss://ws-auth.kraken.com/v2") as link:
            await link.receive()
            subscribe = {"channel": "executions", "token": token}
            for method, params, count in (
                ("subscribe", subscribe, 2),
                *[("add_order", {**LIMIT, "limit_price": 20_000, "token": token}, 3)] * 20,
            ):
                await link.send(msgspec.json.encode({"method": method, "params": params}))
                heard = [message(await link.receive()) for _ in range(count)]
                firsts.add(heard[0].get("channel", "answer"))
                assert ["method" in one for one in heard].count(True) == 1
        return firsts

    assert run(main()) == {"answer", "executions"}


def test_the_rate_counter_is_told_where_it_is_wanted() -> None:
    client = Client()
    client.follow(ratecounter=True)

    messages = client.ask("add_order", **LIMIT)

    counts = [one["data"][0]["ratecount"] for one in messages if "sequence" in one]
    assert counts == [1.0, 1.0]


def test_only_the_ends_are_told_where_that_is_wanted() -> None:
    client = Client()
    client.follow(order_status=False)

    messages = client.ask("add_order", **{**LIMIT, "limit_price": 27000})

    assert kinds(messages) == ["new", "filled"]


def test_another_link_of_the_account_hears_it_too() -> None:
    client = Client()
    other = KrakenPrivateServer(client.box.exchange)
    other.opened(client.box.time_ns)
    params = {"channel": "executions", "token": client.token}
    other.receive(
        msgspec.json.encode({"method": "subscribe", "params": params}), client.box.time_ns
    )

    client.add()

    frames = [message(one) for one in other.publish(BTC, 0) if isinstance(one, bytes)]
    assert kinds(frames) == ["pending_new", "new"]


def test_a_deposit_is_one_message() -> None:
    client = Client()
    client.follow()

    client.account.deposit({"BTC": D("0.01")})

    (update,) = client.told()
    (entry,) = update["data"]
    # balances_update_deposit
    assert (entry["type"], entry["category"], entry["amount"]) == ("deposit", "deposit", 0.01)


# Orders


def test_an_order_is_accepted_as_published() -> None:
    client = Client()

    answer = client.answer(
        "add_order",
        req_id=123456789,
        order_type="limit",
        side="buy",
        limit_price=26500.4,
        order_userref=100054,
        order_qty=1.2,
        symbol="BTC/USD",
    )

    # add_order_response
    (order_id,) = open_orders(client.account)
    assert answer == {
        "method": "add_order",
        "req_id": 123456789,
        "result": {"order_id": order_id, "order_userref": 100054},
        "success": True,
    }


def test_a_validated_order_is_not_entered() -> None:
    client = Client()

    answer = client.add(validate=True, cl_ord_id="mine")

    assert answer["result"] == {"cl_ord_id": "mine", "order_id": ""}
    assert not client.account.orders


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"leverage": 5}, "Unsupported field: 'leverage'"),
        ({"triggers": {"price": 1, "foo": 2}}, "Unsupported field: 'foo'"),
        ({"symbol": "XBT/USD"}, "EQuery:Unknown asset pair"),
        ({"symbol": "BTCUSD"}, "Currency pair not supported BTCUSD"),
        ({"side": "up"}, "EGeneral:Invalid arguments:side"),
        ({"order_type": "wish"}, "EGeneral:Invalid arguments:order_type"),
        ({"order_qty": "0.01"}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_qty": 1e-9}, "EGeneral:Invalid arguments:order_qty"),  # written like this
        ({"order_qty": 0.123456789}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_qty": 0.00009}, "EOrder:Order minimum not met"),
        ({"limit_price": 1e30}, "EOrder:Invalid price"),
        ({"limit_price": -5}, "EOrder:Invalid price"),
        ({"limit_price": "26500"}, "EOrder:Invalid price"),
        (
            {"limit_price": 26500.45},
            "EOrder:Invalid price:BTC/USD price can only be specified up to 1 decimals.",
        ),
        ({"limit_price": 100, "order_qty": 0.001}, "EOrder:Cost minimum not met"),
        ({"order_qty": 100}, "EOrder:Insufficient funds"),
        ({"limit_price": 27000, "post_only": True}, "EOrder:Post only order"),
        ({"cl_ord_id": "x" * 19}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "mine", "order_userref": 1}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"expire_time": "soon"}, "EGeneral:Invalid arguments:expire_time"),
        ({"time_in_force": "gtd"}, "EGeneral:Invalid arguments:expire_time"),
        ({"margin": True}, "EOrder:Insufficient margin"),
        ({"reduce_only": True}, "EOrder:Reduce only:No position exists"),
        ({"deadline": "2025-12-31T23:59:59Z"}, "EService:Deadline elapsed"),
        ({"deadline": "2026-01-01T00:02:00Z"}, "EGeneral:Invalid arguments:deadline"),
        (
            {
                "order_type": "stop-loss-limit",
                "triggers": {"price": 26000, "reference": "index"},
            },
            "EGeneral:Invalid arguments:Index unavailable",
        ),
    ],
)
def test_what_is_wrong_with_an_order_is_said_in_the_venues_words(
    params: Message, error: str
) -> None:
    client = Client()

    assert client.refused(**params) == error
    assert not client.account.orders


def test_a_name_cannot_be_given_to_two_open_orders() -> None:
    client = Client()
    name = "0835958d-c526-4ad8-aea8-af54836de47e"
    assert client.add(cl_ord_id=name)["result"]["cl_ord_id"] == name

    assert client.refused(cl_ord_id=name) == "EGeneral:Invalid arguments:cl_ord_id"


@pytest.mark.parametrize(
    ("status", "placed", "careful", "canceled"),
    [
        ("maintenance", "EService:Unavailable", "EService:Unavailable", "EService:Unavailable"),
        (
            "cancel_only",
            "EService:Market in cancel_only mode",
            "EService:Market in cancel_only mode",
            None,
        ),
        ("post_only", "EService:Market in post_only mode", None, None),
    ],
)
def test_the_engines_status_decides_what_is_taken(
    status: str, placed: str, careful: str | None, canceled: str | None
) -> None:
    client = Client()
    (order_id,) = (client.add()["result"]["order_id"],)

    client.box.exchange.set_status(status)

    assert client.refused() == placed
    assert client.add(post_only=True).get("error") == careful
    assert client.answer("cancel_order", order_id=[order_id]).get("error") == canceled


def test_the_published_stop_waits_two_percent_below() -> None:
    client = Client()

    # add_order_stop_loss_pct, for bitcoin
    answer = client.answer(
        "add_order",
        order_type="stop-loss",
        side="sell",
        order_qty=1,
        symbol="BTC/USD",
        triggers={"reference": "last", "price": -2.0, "price_type": "pct"},
    )

    assert answer["success"] is True
    assert client.account.orders[0].trigger_price == D("26460.0")


def test_the_published_close_order_is_kept_for_later() -> None:
    client = Client()

    # add_order_conditional_oto, at prices of this market
    answer = client.add(
        conditional={
            "order_type": "stop-loss-limit",
            "trigger_price": 26410,
            "limit_price": 26400,
        }
    )

    assert answer["success"] is True
    (order,) = client.account.open_orders()
    assert order.request.close is not None
    assert order.request.close.order_type is OrderType.STOP_LOSS_LIMIT


# Changing orders


def test_an_amendment_echoes_the_name_it_was_given() -> None:
    client = Client()
    name = "2c6be801-1f53-4f79-a0bb-4ea1c95dfae9"
    order_id = client.add(cl_ord_id=name)["result"]["order_id"]

    by_name = client.answer("amend_order", cl_ord_id=name, limit_price=26400, order_qty=0.02)
    by_id = client.answer("amend_order", order_id=order_id, order_qty=0.01)

    assert set(by_name["result"]) == {"amend_id", "cl_ord_id"}
    assert set(by_id["result"]) == {"amend_id", "order_id"}
    assert client.account.orders[0].limit_price == D(26400)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"order_qty": 0.02}, "EGeneral:Invalid arguments:order_id"),
        ({"order_id": "OX"}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_id": "OX", "order_qty": 1}, "EOrder:Unknown order"),
        ({"order_id": "OX", "quantity": 1}, "Unsupported field: 'quantity'"),
    ],
)
def test_an_amendment_of_nothing_is_refused(params: Message, error: str) -> None:
    assert Client().error("amend_order", **params) == error


def test_an_amendment_is_told_with_what_changed() -> None:
    client = Client()
    order_id = client.add()["result"]["order_id"]
    client.follow()

    messages = client.ask("amend_order", order_id=order_id, order_qty=0.005)

    (update,) = (one for one in messages if one.get("channel") == "executions")
    (told,) = update["data"]
    assert (told["exec_type"], told["order_status"], told["order_qty"]) == ("amended", "new", 0.005)
    assert "symbol" not in told


def test_an_edited_order_has_a_new_id() -> None:
    client = Client()
    order_id = client.add()["result"]["order_id"]

    answer = client.answer("edit_order", order_id=order_id, order_qty=0.2, symbol="BTC/USD")

    # edit_order_response
    (new_id,) = open_orders(client.account)
    assert answer["result"] == {"order_id": new_id, "original_order_id": order_id}


def test_a_named_order_cannot_be_edited() -> None:
    client = Client()
    order_id = client.add(cl_ord_id="mine")["result"]["order_id"]

    error = client.error("edit_order", order_id=order_id, order_qty=0.2, symbol="BTC/USD")

    assert error == "EOrder:Invalid order"


# Canceling


def test_each_canceled_order_is_answered_by_itself() -> None:
    client = Client()
    first = client.add()["result"]["order_id"]
    second = client.add(cl_ord_id="mine")["result"]["order_id"]

    messages = client.ask(
        "cancel_order", order_id=[first, "ONEVER-WASONE-ATALL0"], cl_ord_id=["mine"]
    )

    answers = [one for one in messages if one.get("method") == "cancel_order"]
    assert [one["req_id"] for one in answers] == [7, 7, 7]
    results = [one["result"] for one in answers if one["success"]]
    assert sorted(results, key=str) == [{"cl_ord_id": "mine"}, {"order_id": first}]
    assert [one["error"] for one in answers if not one["success"]] == ["EOrder:Invalid order"]
    assert {order.order_id for order in client.account.orders} == {first, second}


def test_orders_are_canceled_by_the_users_reference() -> None:
    client = Client()
    orders = [client.add(order_userref=5)["result"]["order_id"] for _ in range(2)]

    messages = client.ask("cancel_order", order_userref=[5])

    results = [one["result"]["order_id"] for one in messages]
    assert sorted(results) == sorted(orders)


def test_a_cancel_of_nothing_is_refused() -> None:
    assert Client().error("cancel_order") == "EGeneral:Invalid arguments:order_id"


def test_all_orders_are_counted() -> None:
    client = Client()
    client.add()
    client.add()

    assert client.answer("cancel_all")["result"] == {"count": 2}
    assert client.answer("cancel_all")["result"] == {"count": 0}


def test_the_switch_is_answered_in_camel_case() -> None:
    client = Client()
    client.add()

    # cancel_all_orders_after_response: a hundred seconds apart
    answer = client.answer("cancel_all_orders_after", timeout=100)
    assert answer["result"] == {
        "currentTime": "2026-01-01T00:00:00Z",
        "triggerTime": "2026-01-01T00:01:40Z",
    }
    disarmed = client.answer("cancel_all_orders_after", timeout=0)
    assert disarmed["result"]["triggerTime"] == "0"
    assert client.error("cancel_all_orders_after", timeout=86400).endswith(":timeout")
    client.answer("cancel_all_orders_after", timeout=100)
    client.box.wait(100)

    assert not open_orders(client.account)


# Batches


def test_a_batch_is_answered_row_by_row() -> None:
    client = Client()
    orders = [
        {"limit_price": 26500.4, "order_qty": 1, "order_type": "limit", "side": "buy"},
        {"limit_price": 26500.4, "order_qty": 100, "order_type": "limit", "side": "buy"},
        {
            "limit_price": 26900,
            "order_qty": 1,
            "order_type": "limit",
            "side": "sell",
            "order_userref": 2,
            "stp_type": "cancel_both",
        },
    ]

    answer = client.answer("batch_add", orders=orders, symbol="BTC/USD")

    first, third = open_orders(client.account)
    assert answer["success"] is True
    assert answer["result"] == [
        {"order_id": first},
        {"error": "EOrder:Insufficient funds"},
        {"order_id": third, "order_userref": 2},
    ]


def test_one_bad_row_refuses_the_whole_batch() -> None:
    client = Client()
    good = {"limit_price": 26500.4, "order_qty": 1, "order_type": "limit", "side": "buy"}

    for bad, error in (
        ({**good, "foo": 1}, "Unsupported field: 'foo'"),
        ({**good, "limit_price": -1}, "EOrder:Invalid price"),
    ):
        assert client.error("batch_add", orders=[good, bad], symbol="BTC/USD") == error
    assert client.error("batch_add", orders=[good], symbol="BTC/USD").endswith(":orders")
    assert not client.account.orders


def test_a_batch_of_cancels_is_only_counted() -> None:
    client = Client()
    order_id = client.add()["result"]["order_id"]
    client.add(order_userref=2)
    client.add(cl_ord_id="mine")

    answer = client.answer(
        "batch_cancel", orders=[order_id, "2", "ONEVER-WASONE-ATALL0"], cl_ord_id=["mine"]
    )

    assert answer["result"] == {"count": 3}


# The trading counter


def test_the_published_example_of_the_counter() -> None:
    """Add (+1), amend at 7 s (+1 +2), cancel 36 s later (+4): 8, decay aside."""
    client = Client(tier="starter")
    order_id = client.add()["result"]["order_id"]
    client.box.wait(7)
    client.ask("amend_order", order_id=order_id, order_qty=0.02)
    client.box.wait(36)
    client.ask("cancel_order", order_id=[order_id])

    # 1, less 7 x 1, plus 3, less 36 x 1, plus 4
    assert trading(client.account, BTC).used(client.box.time_ns) == D(4)


def test_orders_beyond_the_threshold_are_refused_until_it_has_decayed() -> None:
    client = Client(tier="starter")
    trading(client.account, BTC).replace(D(59), client.box.time_ns)
    assert client.add()["success"]

    assert client.refused() == "EOrder:Rate limit exceeded"
    client.box.wait(0.9)
    assert client.refused() == "EOrder:Rate limit exceeded"
    client.box.wait(0.1)  # one a second

    assert client.add()["success"]


def test_cancels_may_overshoot_and_are_refused_above() -> None:
    client = Client(tier="starter")
    orders = [client.add()["result"]["order_id"] for _ in range(2)]
    trading(client.account, BTC).replace(D(60), client.box.time_ns)

    assert client.answer("cancel_order", order_id=[orders[0]])["success"]
    assert trading(client.account, BTC).used(client.box.time_ns) == D(68)

    assert client.error("cancel_order", order_id=[orders[1]]) == "EOrder:Rate limit exceeded"
    assert client.answer("cancel_all")["success"]


def test_a_request_that_makes_no_sense_counts_too() -> None:
    client = Client()

    client.refused(limit_price=-1)

    assert trading(client.account, BTC).used(client.box.time_ns) == D(1)


def test_so_many_orders_may_be_open_in_one_market() -> None:
    client = Client(tier="starter")
    for _ in range(60):
        client.account.place(limit(BUY, "1000.0", "0.001"))

    assert client.refused() == "EOrder:Orders limit exceeded"


def test_a_batch_counts_half_for_each() -> None:
    client = Client()
    one = {"limit_price": 26500.4, "order_qty": 0.01, "order_type": "limit", "side": "buy"}

    client.ask("batch_add", orders=[one, one, one], symbol="BTC/USD")

    assert trading(client.account, BTC).used(client.box.time_ns) == D("1.5")


# What goes wrong


def test_a_lost_answer_leaves_the_order() -> None:
    client = Client()
    client.follow()

    client.box.exchange.lose_next_ack()

    messages = client.ask("add_order", **LIMIT)
    assert kinds(messages) == ["pending_new", "new"]
    assert not [one for one in messages if "method" in one]
    assert len(open_orders(client.account)) == 1
    assert client.add()["success"]


def test_a_refused_order_has_no_answer_to_lose() -> None:
    client = Client()
    client.box.exchange.lose_next_ack()

    assert client.refused(limit_price=-1) == "EOrder:Invalid price"
    assert [one for one in client.ask("add_order", **LIMIT) if "method" in one] == []


def test_a_command_may_be_cut_off_before_it_is_obeyed() -> None:
    client = Client()
    client.box.exchange.cut_next_command()
    request = {"method": "add_order", "params": {**LIMIT, "token": client.token}}

    (word,) = client.server.receive(msgspec.json.encode(request), client.box.time_ns)

    assert isinstance(word, Close)
    assert word.code == 1006
    assert not client.account.orders


def test_an_amendment_by_another_hand_is_told_too() -> None:
    client = Client()
    order_id = client.add()["result"]["order_id"]
    client.follow()

    client.account.amend(Amend(order_id=order_id, quantity=D("0.005")))

    assert kinds(client.told()) == ["amended"]
    assert client.box.time_ns % SECOND == 0
