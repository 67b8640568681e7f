"""The simulated half checks signatures, times and limits with codes of the venue."""

import json
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.binance.policy import SPOT
from fluxum.venues.binance.private.signing import BinanceSigner
from fluxum.venues.binance.server.private.link import account_server
from fluxum.venues.binance.server.sides import BINANCE
from fluxum.venues.conversation import Fetch
from fluxum.venues.register import find_venue
from venues.binance.private.test_signing import ED25519, KEY, SECRET, pem

MS = 1_000_000
NOW_MS = 1_645_423_376_532
"""The instant of the published request."""
PRIVATE = pem(ED25519)
PARAMS = (
    '"symbol":"BTCUSDT","side":"SELL","type":"LIMIT","timeInForce":"GTC","quantity":"0.01000000",'
    '"price":"52000.00","recvWindow":100,"timestamp":1645423376532'
)
SIGNATURE = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"


def request(signature: str = SIGNATURE, params: str = PARAMS, key: str = KEY) -> bytes:
    """The published request, with other parts."""
    auth = f'"apiKey":"{key}","signature":"{signature}"'
    return f'{{"id":"7","method":"order.place","params":{{{params},{auth}}}}}'.encode()


def flipped(text: str, at: int) -> str:
    """One bit of one character is another."""
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def at_exchange(
    story: Callable[[SimulatedExchange], Awaitable[list[Any]]], start_ms: int = NOW_MS
) -> list[Any]:
    async def main() -> list[Any]:
        clock, symbols = SimulatedClock(start_ns=start_ms * MS), [Symbol("BTC/USDT")]
        async with SimulatedExchange(
            find_venue("binance"), symbols, seed=7, clock=clock, rate_per_s=0
        ) as exchange:
            exchange.open_account(KEY, SECRET, {"BTC": Decimal(1)})
            exchange.open_account("of a pair", PRIVATE, {"BTC": Decimal(1)})
            return await story(exchange)

    return run(main())


def over_link(*frames: bytes, start_ms: int = NOW_MS) -> list[dict[str, Any]]:
    """What is answered over one link at that instant, to one frame after another."""

    async def story(exchange: SimulatedExchange) -> list[Any]:
        server = account_server(SPOT, exchange)
        server.opened(start_ms * MS)
        found: list[Any] = []
        for frame in frames:
            sent = [
                json.loads(one)
                for one in server.receive(frame, start_ms * MS)
                if isinstance(one, bytes)
            ]
            found += [one for one in sent if "event" not in one]
        return found

    return at_exchange(story, start_ms)


def over_rest(*calls: Fetch) -> list[tuple[int, Any]]:
    """What is answered at that instant, to one call after another."""

    async def story(exchange: SimulatedExchange) -> list[Any]:
        assert BINANCE.rest is not None
        rest = BINANCE.rest(exchange)
        answers = [rest.answer(one, NOW_MS * MS) for one in calls]
        return [(one.status, json.loads(one.body)) for one in answers]

    return at_exchange(story)


def code(answer: dict[str, Any]) -> int:
    assert answer["status"] != 200
    return int(answer["error"]["code"])


def signed(method: str, key: str = KEY, secret: str = SECRET, **params: object) -> bytes:
    frame = json.dumps({"id": "8", "method": method, "params": params}).encode()
    return BinanceSigner(Credentials(key, secret)).frame(frame, NOW_MS * MS, 1)


def call(method: str, path: str, key: str = KEY, secret: str = SECRET) -> Fetch:
    made = BinanceSigner(Credentials(key, secret)).call(Fetch(method, path, ""), NOW_MS * MS, 1)
    return Fetch(method, made.path, "", made.headers, made.body)


def test_the_published_request_is_taken_and_one_flipped_bit_is_refused() -> None:
    bad = [request(flipped(SIGNATURE, at)) for at in (0, 31, 63)]
    bad += [request(params=PARAMS.replace(*one)) for one in (("52000", "52001"), ("532", "533"))]

    *refused, taken = over_link(*bad, request(SIGNATURE.upper()))

    assert [code(one) for one in refused] == [-1022] * len(bad)
    assert refused[0]["error"]["msg"] == "Signature for this request is not valid."
    assert (taken["id"], taken["status"], taken["result"]["orderId"]) == ("7", 200, 1)


@pytest.mark.parametrize(
    ("start_ms", "wanted"),
    [(NOW_MS + 101, -1021), (NOW_MS - 1000, -1021), (NOW_MS + 100, 200), (NOW_MS - 999, 200)],
)
def test_a_request_is_good_within_its_receive_window(start_ms: int, wanted: int) -> None:
    (answer,) = over_link(request(), start_ms=start_ms)

    assert (200 if answer["status"] == 200 else code(answer)) == wanted


def test_keys_and_parameters_that_are_missing_or_unknown() -> None:
    without_time = signed("order.place", timestamp="")
    answers = over_link(
        request(key="unknown"),
        b'{"id":1,"method":"account.status","params":{"timestamp":1}}',
        without_time,
        signed("order.place", symbol="BTCUSDT"),
        signed("order.place", symbol="NOPE", side="BUY", type="MARKET", quantity="1"),
        b'{"id":1,"method":"what"}',
        b"nonsense",
    )

    assert [code(one) for one in answers] == [-2015, -2014, -1102, -1102, -1121, -1099, -1135]


def test_a_key_pair_signs_requests_and_calls() -> None:
    good = signed("account.status", "of a pair", PRIVATE)
    bad = json.loads(good)
    bad["params"]["signature"] = flipped(bad["params"]["signature"], 5)
    taken, refused = over_link(good, json.dumps(bad).encode())
    (status, body), *_ = over_rest(call("GET", "/api/v3/account", "of a pair", PRIVATE))

    (held,) = taken["result"]["balances"]
    assert [held["asset"], *map(Decimal, (held["free"], held["locked"]))] == ["BTC", 1, 0]
    assert code(refused) == -1022
    assert (status, body["balances"]) == (200, taken["result"]["balances"])


def test_calls_are_checked_as_requests_are() -> None:
    good = call("GET", "/api/v3/openOrders")
    bad = Fetch("GET", good.path.replace("recvWindow=5000", "recvWindow=6000"), "", good.headers)
    keyless = Fetch("GET", good.path, "")
    unknown = call("GET", "/api/v3/order?symbol=BTCUSDT&orderId=7")
    unnamed = call("GET", "/api/v3/order?symbol=BTCUSDT")

    answers = over_rest(good, bad, keyless, unknown, unnamed)

    assert answers[0] == (200, [])
    assert [(status, body["code"]) for status, body in answers[1:]] == [
        (400, -1022),
        (401, -2014),
        (400, -2013),
        (400, -1102),
    ]


def test_a_form_in_the_body_is_signed_behind_the_query() -> None:
    """As other clients send orders; the text is that of the published call, its order another."""
    query, form = "symbol=BTCUSDT&side=SELL&type=MARKET", f"quantity=0.01&timestamp={NOW_MS}"
    made = BinanceSigner(Credentials(KEY, SECRET))._sign(query + form)
    placed = Fetch(
        "POST",
        f"/api/v3/order?{query}",
        "",
        {"x-mbx-apikey": KEY},
        f"{form}&signature={made}".encode(),
    )

    ((status, body),) = over_rest(placed)

    assert (status, body["status"], body["executedQty"]) == (200, "FILLED", "0.01")
    assert sum(Decimal(one["qty"]) for one in body["fills"]) == Decimal("0.01")


def test_a_session_is_logged_on_with_its_key() -> None:
    answers = over_link(
        b'{"id":1,"method":"userDataStream.subscribe"}',
        signed("session.logon", "of a pair", PRIVATE),
        b'{"id":2,"method":"session.status"}',
        b'{"id":3,"method":"userDataStream.subscribe"}',
        b'{"id":4,"method":"userDataStream.subscribe"}',
        b'{"id":5,"method":"session.subscriptions"}',
        f'{{"id":6,"method":"openOrders.status","params":{{"timestamp":{NOW_MS}}}}}'.encode(),
        b'{"id":7,"method":"openOrders.status","params":{"timestamp":1}}',
        b'{"id":8,"method":"session.logout"}',
        b'{"id":9,"method":"userDataStream.unsubscribe"}',
        f'{{"id":10,"method":"openOrders.status","params":{{"timestamp":{NOW_MS}}}}}'.encode(),
    )

    assert code(answers[0]) == -2014
    assert [one["result"]["apiKey"] for one in answers[1:3]] == ["of a pair", "of a pair"]
    assert answers[3]["result"] == {"subscriptionId": 0}
    assert code(answers[4]) == -2035
    assert answers[5]["result"] == [{"subscriptionId": 0}]
    assert answers[6]["result"] == []
    assert code(answers[7]) == -1021
    assert answers[8]["result"]["apiKey"] is None
    assert answers[9]["result"] == {}
    assert code(answers[10]) == -2014


def test_more_orders_than_the_limit_are_refused() -> None:
    place = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC"}
    frames: Sequence[bytes] = [
        signed("order.place", **place, quantity="0.001", price="90000", newClientOrderId=f"n{at}")
        for at in range(51)
    ]

    *taken, refused = over_link(*frames)

    assert {one["status"] for one in taken} == {200}
    assert (refused["status"], refused["error"]) == (
        429,
        {"code": -1015, "msg": "Too many new orders; current limit is 50 orders per 10 SECOND."},
    )


def test_calls_count_their_weight() -> None:
    answers = over_rest(*[call("GET", "/api/v3/openOrders")] * 76)

    assert [status for status, _ in answers] == [200] * 75 + [429]
    assert answers[-1][1]["code"] == -1003


def test_listen_keys_are_gone() -> None:
    async def story(exchange: SimulatedExchange) -> list[Any]:
        assert BINANCE.rest is not None
        rest = BINANCE.rest(exchange)
        return [rest.answer(Fetch("POST", "/api/v3/userDataStream", ""), NOW_MS * MS)]

    (answer,) = at_exchange(story)

    assert (answer.status, answer.body[:6]) == (410, b"<html>")
