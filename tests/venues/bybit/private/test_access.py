"""The simulated half checks signatures, times and limits with codes of the venue."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.bybit.category import SPOT
from fluxum.venues.bybit.private.signing import BybitSigner
from fluxum.venues.bybit.server.private.link import order_server
from fluxum.venues.conversation import Fetch
from fluxum.venues.register import find_venue
from fluxum.venues.server.account_link import AccountServer

KEY, SECRET = "test_key", "test_secret_1234567890"
MS = 1_000_000
# The vectors of `test_signing`: an order and a list at the instant they were signed for.
NOW_NS = 1_700_000_000_000 * MS
ORDER = (
    b'{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001",'
    b'"price":"30000"}'
)
PLACED = "c159570bbab4cae9130b9376e1e8fb1d30fddc8a260534ba195812f6091a5a05"
LISTED = "cef65b96c056637cb1d0a91ef1aaf091afdd5dfccd01d6c8033786d9372a729c"
PLACE = Fetch("POST", "/v5/order/create", "", body=ORDER)
LIST = Fetch("GET", "/v5/order/realtime?category=spot&symbol=BTCUSDT", "")


def headers(signature: str, key: str = KEY, timestamp: str = "1700000000000") -> dict[str, str]:
    return {
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": timestamp,
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": signature,
    }


def flipped(text: str, at: int) -> str:
    """One bit of one character is another."""
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def answers(*calls: Fetch) -> list[dict[str, Any]]:
    """What the simulated exchange answers at that instant, to one call after another."""

    async def main() -> list[dict[str, Any]]:
        clock = SimulatedClock(start_ns=NOW_NS)
        async with SimulatedExchange(
            find_venue("bybit"), [Symbol("BTC/USDT")], seed=7, clock=clock, rate_per_s=0
        ) as exchange:
            exchange.open_account(KEY, SECRET, {"USDT": Decimal(1000)})
            return [json.loads((await exchange.answer(call)).body) for call in calls]

    return run(main())


def signed(call: Fetch, given: Mapping[str, str]) -> Fetch:
    return Fetch(call.method, call.path, "", given, call.body)


def test_the_vectors_are_taken() -> None:
    placed, listed = answers(signed(PLACE, headers(PLACED)), signed(LIST, headers(LISTED)))

    assert (placed["retCode"], listed["retCode"]) == (0, 0)
    (order,) = listed["result"]["list"]
    assert order["orderId"] == placed["result"]["orderId"]
    assert (order["qty"], order["price"], order["orderStatus"]) == ("0.001", "30000", "New")


def test_one_flipped_bit_is_refused_and_enters_nothing() -> None:
    calls = [signed(PLACE, headers(flipped(PLACED, at))) for at in (0, 31, 63)]
    for at in (2, 40, len(ORDER) - 3):
        body = ORDER[:at] + bytes([ORDER[at] ^ 1]) + ORDER[at + 1 :]
        calls.append(Fetch("POST", PLACE.path, "", headers(PLACED), body))
    path = LIST.path.replace("BTCUSDT", "BTCUSDU")
    calls.append(Fetch("GET", path, "", headers(LISTED)))
    calls.append(signed(PLACE, headers(PLACED, timestamp="1700000000001")))

    *refused, listed = answers(*calls, signed(LIST, headers(LISTED)))

    assert [one["retCode"] for one in refused] == [10004] * len(calls)
    assert listed["result"]["list"] == []


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (signed(LIST, headers(LISTED, key=flipped(KEY, 0))), 10003),
        (signed(LIST, {}), 10003),
        (LIST, 10003),
    ],
)
def test_a_key_that_no_account_has_is_refused(call: Fetch, code: int) -> None:
    assert [one["retCode"] for one in answers(call)] == [code]


@pytest.mark.parametrize(("off_ms", "code"), [(-5001, 10002), (-4000, 0), (900, 0), (2000, 10002)])
def test_a_call_of_another_time_is_refused(off_ms: int, code: int) -> None:
    sent = BybitSigner(Credentials(KEY, SECRET)).call(LIST, NOW_NS + off_ms * MS, 1)

    (answer,) = answers(signed(LIST, sent.headers))

    assert answer["retCode"] == code


@pytest.mark.parametrize("path", ["/v5/user/query-api", "/v5/account/info"])
def test_what_clients_look_up_first_is_there_for_a_key_alone(path: str) -> None:
    call = Fetch("GET", path, "")
    sent = BybitSigner(Credentials(KEY, SECRET)).call(call, NOW_NS, 1)

    known, stranger = answers(signed(call, sent.headers), call)

    assert (known["retCode"], stranger["retCode"]) == (0, 10003)
    assert known["result"].get("uta", 1) == 1
    assert known["result"].get("unifiedMarginStatus", 5) == 5


def test_more_orders_than_fit_in_a_second_are_refused() -> None:
    batch = b'{"category":"spot","request":[' + b",".join([ORDER] * 10) + b"]}"
    call = Fetch("POST", "/v5/order/create-batch", "", body=batch)
    sent = BybitSigner(Credentials(KEY, SECRET)).call(call, NOW_NS, 1)
    call = Fetch("POST", call.path, "", sent.headers, batch)

    codes = [one["retCode"] for one in answers(call, call, call)]

    assert codes == [0, 0, 10006]


@pytest.mark.parametrize("rows", [b"[1]", b"{}", b"[]", b'["x"]'])
def test_a_batch_of_something_else_is_refused(rows: bytes) -> None:
    body = b'{"category":"spot","request":' + rows + b"}"
    call = Fetch("POST", "/v5/order/create-batch", "", body=body)
    sent = BybitSigner(Credentials(KEY, SECRET)).call(call, NOW_NS, 1)

    (answer,) = answers(Fetch("POST", call.path, "", sent.headers, body))

    assert answer["retCode"] == 10001


def test_the_link_of_orders_refuses_what_makes_no_sense_by_its_code() -> None:
    async def opened() -> AccountServer:
        exchange = SimulatedExchange(
            find_venue("bybit"), [Symbol("BTC/USDT")], seed=7, clock=SimulatedClock(), rate_per_s=0
        )
        exchange.open_account(KEY, SECRET, {"USDT": Decimal(1000)})
        return order_server(exchange, SPOT)

    server = run(opened())
    server.opened(NOW_NS)
    login = BybitSigner(Credentials(KEY, SECRET)).frame(b'{"op":"auth"}', NOW_NS, 1)

    def code(message: bytes | dict[str, Any]) -> int:
        frame = message if isinstance(message, bytes) else json.dumps(message).encode()
        (answer,) = server.receive(frame, NOW_NS)
        assert isinstance(answer, bytes)
        found: int = json.loads(answer)["retCode"]
        return found

    order = {"reqId": "1", "op": "order.create", "args": [json.loads(ORDER)]}
    times = {"X-BAPI-TIMESTAMP": str(NOW_NS // MS)}
    assert code(order) == 10005  # no login yet
    assert code(login[:-3]) == 10001
    assert code(login.replace(b"test_key", b"other_ky")) == 10003
    assert code(login) == 0
    assert code(login) == 20001
    assert code(order) == 10001  # without its time
    assert code({**order, "header": times}) == 20006  # the same number again
    assert code({**order, "reqId": "2", "header": times, "args": [1]}) == 10001
    assert code({**order, "reqId": "3", "header": times, "op": "order.dance"}) == 10404
    assert code({**order, "reqId": "4", "header": times, "op": "dance"}) == 10404
    assert code({**order, "reqId": "5", "header": times}) == 0
    numbers = {"X-BAPI-TIMESTAMP": NOW_NS // MS}  # as pybit 5.17 sends it
    assert code({**order, "reqId": "6", "header": numbers}) == 0
    assert code({"op": "ping"}) == 0
