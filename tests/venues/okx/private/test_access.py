"""The simulated half checks signatures, times, limits and arguments with codes of the venue."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.conversation import Fetch
from fluxum.venues.okx.private.signing import OkxSigner
from fluxum.venues.okx.server.private.link import account_server
from fluxum.venues.register import find_venue
from fluxum.venues.server.account_link import AccountServer
from fluxum.venues.server.contract import Close

KEY, SECRET, PHRASE = "test_key", "22582BD0CFF14C41EDBF1AB98506286D", "test_phrase"
MS, SECOND = 1_000_000, 1_000_000_000
# The instant and the vector of `test_signing`.
NOW_NS = 1_607_418_537_715 * MS
CALL = Fetch("GET", "/api/v5/account/balance?ccy=BTC", "")
SIGN = "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="
SIGNER = OkxSigner(Credentials(KEY, SECRET, PHRASE))
ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit"} | {
    "px": "30000",
    "sz": "0.001",
}


def exchange() -> SimulatedExchange:
    opened = SimulatedExchange(
        find_venue("okx"),
        [Symbol("BTC/USDT"), Symbol("BTC/USDT:PERP")],
        seed=7,
        clock=SimulatedClock(start_ns=NOW_NS),
        rate_per_s=0,
    )
    money = {"USDT": Decimal(1000), "BTC": Decimal(1)}
    opened.open_account(KEY, SECRET, money, passphrase=PHRASE)
    return opened


def answers(*calls: Fetch) -> list[tuple[int, dict[str, Any]]]:
    """What the simulated exchange answers at that instant, to one call after another."""

    async def main() -> list[tuple[int, dict[str, Any]]]:
        async with exchange() as opened:
            found = [await opened.answer(call) for call in calls]
            return [(one.status, json.loads(one.body)) for one in found]

    return run(main())


def signed(method: str, path: str, body: object = None, at_ns: int = NOW_NS) -> Fetch:
    content = b"" if body is None else json.dumps(body).encode()
    call = Fetch(method, f"/api/v5/{path}", "", body=content)
    made = SIGNER.call(call, at_ns, 1)
    return Fetch(method, made.path, "", made.headers, made.body)


def headers(**changed: str) -> Mapping[str, str]:
    given = {
        "OK-ACCESS-KEY": KEY,
        "OK-ACCESS-SIGN": SIGN,
        "OK-ACCESS-TIMESTAMP": "2020-12-08T09:08:57.715Z",
        "OK-ACCESS-PASSPHRASE": PHRASE,
    }
    return given | {f"OK-ACCESS-{name.upper()}": value for name, value in changed.items()}


def flipped(text: str, at: int) -> str:
    """One bit of one character is another."""
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


# Calls


def test_the_vector_is_taken() -> None:
    ((status, answer),) = answers(Fetch("GET", CALL.path, "", headers()))

    assert (status, answer["code"]) == (200, "0")
    (detail,) = answer["data"][0]["details"]
    assert (detail["ccy"], detail["cashBal"], detail["frozenBal"]) == ("BTC", "1", "0")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        *(({"sign": flipped(SIGN, at)}, "50113") for at in (0, 20, 42)),
        ({"timestamp": "2020-12-08T09:08:57.716Z"}, "50113"),
        ({"key": "other_key"}, "50111"),
        ({"key": ""}, "50111"),
        ({"passphrase": flipped(PHRASE, 3)}, "50105"),
    ],
)
def test_one_flipped_bit_is_refused(changed: dict[str, str], code: str) -> None:
    ((status, answer),) = answers(Fetch("GET", CALL.path, "", headers(**changed)))

    assert (status, answer["code"]) == (401, code)


def test_a_flipped_bit_of_a_body_enters_nothing() -> None:
    call = signed("POST", "trade/order", ORDER)
    calls = [
        Fetch("POST", call.path, "", call.headers, call.body[:at] + b"8" + call.body[at + 1 :])
        for at in (call.body.index(b"30000"), call.body.index(b"0.001") + 4)
    ]

    *refused, (_, pending) = answers(*calls, signed("GET", "trade/orders-pending"))

    assert [answer["code"] for _, answer in refused] == ["50113", "50113"]
    assert pending["data"] == []


@pytest.mark.parametrize(("off_s", "code"), [(-31, "50102"), (-29, "0"), (29, "0"), (31, "50102")])
def test_a_call_of_another_time_is_refused(off_s: int, code: str) -> None:
    call = signed("GET", "account/balance", at_ns=NOW_NS + off_s * SECOND)

    ((_, answer),) = answers(call)

    assert answer["code"] == code


def test_what_is_called_too_often_is_refused() -> None:
    found = answers(*[signed("GET", "account/config")] * 6)

    assert [(status, answer["code"]) for status, answer in found] == [
        *[(200, "0")] * 5,
        (429, "50011"),
    ]
    config = found[0][1]["data"][0]
    assert (config["acctLv"], config["posMode"]) == ("2", "net_mode")


def test_orders_of_calls_name_their_market_and_are_listed() -> None:
    rows = [ORDER, ORDER | {"instId": "X-USDT"}, {"tdMode": "cash"}, ORDER | {"sz": "0.0000001"}]
    (_, one), (_, batch), (_, pending), (_, none) = answers(
        signed("POST", "trade/order", ORDER | {"clOrdId": "mine"}),
        signed("POST", "trade/batch-orders", rows),
        signed("GET", "trade/orders-pending?instType=SPOT"),
        signed("GET", "trade/order?instId=BTC-USDT&ordId=X"),
    )

    assert (one["code"], one["data"][0]["clOrdId"], one["data"][0]["sCode"]) == ("0", "mine", "0")
    assert (batch["code"], [row["sCode"] for row in batch["data"]]) == (
        "2",
        ["0", "51001", "50014", "51020"],
    )
    assert [row["ordId"] for row in pending["data"]] == [
        batch["data"][0]["ordId"],
        one["data"][0]["ordId"],
    ]
    assert none["code"] == "51603"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("trade/order", [], "60013"),
        ("trade/batch-orders", [ORDER] * 21, "60013"),
        ("trade/dance", ORDER, "60019"),
        ("trade/order", "x", "50000"),
        ("trade/cancel-all-after", {"timeOut": "9"}, "51000"),
        ("trade/cancel-all-after", {"timeOut": "soon"}, "51000"),
        ("trade/cancel-all-after", [], "51000"),
    ],
)
def test_operations_that_make_no_sense_are_refused(path: str, body: object, code: str) -> None:
    ((_, answer),) = answers(signed("POST", path, body))

    assert answer["code"] == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"side": "hold"}, "51000"),
        ({"tdMode": "cross"}, "51000"),
        ({"ordType": "dance"}, "51000"),
        ({"sz": ""}, "51000"),
        ({"px": "-1"}, "51000"),
        ({"clOrdId": "a-b"}, "51000"),
        ({"sz": "1"}, "51008"),
        ({"instId": "BTC-USDT-SWAP", "tdMode": "cross", "reduceOnly": True, "sz": "1"}, "51169"),
    ],
)
def test_an_order_is_refused_by_its_code(changed: dict[str, object], code: str) -> None:
    ((_, answer),) = answers(signed("POST", "trade/order", ORDER | changed))

    assert answer["code"] == "1"
    assert answer["data"][0]["sCode"] == code


def test_the_dead_man_switch_is_armed_and_disarmed() -> None:
    (_, armed), (_, off) = answers(
        signed("POST", "trade/cancel-all-after", {"timeOut": "60"}),
        signed("POST", "trade/cancel-all-after", {"timeOut": "0"}),
    )

    left_ms = int(armed["data"][0]["triggerTime"]) - int(armed["data"][0]["ts"])
    assert left_ms == 60_000
    assert off["data"][0]["triggerTime"] == "0"


# The link


def opened() -> AccountServer:
    async def main() -> AccountServer:
        async with exchange() as found:
            server = account_server(found)
            server.opened(NOW_NS)
            return server

    return run(main())


def said(server: AccountServer, message: bytes | dict[str, Any]) -> dict[str, Any]:
    """The one answer to a frame."""
    frame = message if isinstance(message, bytes) else json.dumps(message).encode()
    (answer, *_) = server.receive(frame, NOW_NS)
    assert isinstance(answer, bytes)
    found: dict[str, Any] = json.loads(answer)
    return found


def login(**changed: object) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(SIGNER.frame(b'{"op":"login"}', NOW_NS, 1))
    frame["args"][0] |= changed
    return frame


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"apiKey": "other"}, "60005"),
        ({"sign": flipped(login()["args"][0]["sign"], 7)}, "60007"),
        ({"passphrase": "another"}, "60024"),
        ({"timestamp": "soon"}, "60004"),
        ({"timestamp": 7.5}, "60009"),
        ({"timestamp": 7}, "60007"),
    ],
)
def test_a_login_is_refused_by_its_code(changed: dict[str, object], code: str) -> None:
    server = opened()

    answer = said(server, login(**changed))

    assert (answer["event"], answer["code"]) == ("error", code)
    assert server.account is None


def test_the_time_of_a_login_may_be_a_number_and_must_not_be_too_old() -> None:
    server = opened()
    number = login(timestamp=NOW_NS // SECOND)  # as some clients send it
    assert said(opened(), number)["code"] == "0"
    old = SIGNER.frame(b'{"op":"login"}', NOW_NS - 32 * SECOND, 1)

    assert said(server, old)["code"] == "60006"


def test_the_link_refuses_what_makes_no_sense_by_its_code() -> None:
    server = opened()
    orders = {"id": "1", "op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}]}
    assert server.receive(b"ping", NOW_NS) == (b"pong",)
    assert said(server, orders)["code"] == "60011"
    assert said(server, login())["code"] == "0"
    assert said(server, login())["code"] == "60031"
    assert said(server, b"{")["code"] == "60012"

    ack = said(server, orders)
    assert (ack["id"], ack["event"], ack["arg"]) == ("1", "subscribe", orders["args"][0])
    unknown = {"op": "subscribe", "args": [{"channel": "algo-advance", "instType": "ANY"}]}
    assert said(server, unknown)["code"] == "60018"
    assert said(server, orders | {"op": "unsubscribe"})["event"] == "unsubscribe"
    assert server.topics == set()
    assert said(server, {"id": "2", "op": "dance", "args": [{}]})["code"] == "60019"
    late = {"id": "3", "op": "order", "args": [ORDER], "expTime": str(NOW_NS // MS - 1)}
    assert said(server, late)["code"] == "50037"
    (row,) = said(server, late | {"expTime": str(NOW_NS // MS)})["data"]
    assert row["sCode"] == "50014"  # it names its market, not the number of it


def test_the_account_begins_with_a_snapshot_in_pages() -> None:
    server = opened()
    said(server, login())
    frame = b'{"op":"subscribe","args":[{"channel":"account"}]}'

    _, first, second = (json.loads(one) for one in server.receive(frame, NOW_NS))  # type: ignore[arg-type]

    assert [(one["curPage"], one["lastPage"]) for one in (first, second)] == [(1, False), (2, True)]
    assert [one["data"][0]["details"][0]["ccy"] for one in (first, second)] == ["USDT", "BTC"]


def test_a_link_on_which_nothing_moves_is_closed() -> None:
    server = opened()

    assert server.tick(NOW_NS + 29 * SECOND) == ()
    (close,) = server.tick(NOW_NS + 30 * SECOND)
    assert isinstance(close, Close)
