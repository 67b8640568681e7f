"""The simulated half checks keys, signatures and listen keys, and refuses in the venue's words."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.binance.private.signing import BinanceSigner
from fluxum.venues.binance.server.sides import BINANCE_USDM
from fluxum.venues.conversation import Fetch
from fluxum.venues.register import find_venue
from fluxum.venues.server.contract import Dialled, RestServer, VenueServer

MS = 1_000_000
SECOND, HOUR = 1000 * MS, 3600 * 1000 * MS
NOW_MS = 1_591_702_613_943
NOW = NOW_MS * MS
"""The instant of the published call."""
KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
QUERY = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
    "&timestamp=1591702613943"
)
SIGNATURE = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
"""Published: .../general-info#signed-endpoint-examples-for-post-fapiv1order---hmac-keys."""
SIGNER = BinanceSigner(Credentials(KEY, SECRET))
ORDER = "symbol=BTCUSDT&side=BUY&type={}&quantity=1&price=90000&timeInForce=GTC"


class Venue:
    """One exchange: its calls, and its links."""

    def __init__(self, exchange: SimulatedExchange, rest: RestServer) -> None:
        self.exchange = exchange
        self.rest = rest

    def raw(self, method: str, path: str, key: str = KEY, now_ns: int = NOW) -> tuple[int, Any]:
        """The answer to a call as it is."""
        answer = self.rest.answer(Fetch(method, path, "", {"X-MBX-APIKEY": key}), now_ns)
        return answer.status, json.loads(answer.body)

    def call(self, method: str, path: str, now_ns: int = NOW) -> tuple[int, Any]:
        """The answer to a call that is signed."""
        made = SIGNER.call(Fetch(method, f"/fapi/v1/{path}", ""), now_ns, 1)
        return self.raw(method, made.path, now_ns=now_ns)

    def link(self, endpoint: str, query: str = "") -> VenueServer:
        """The server of a link."""
        return BINANCE_USDM.link(self.exchange, Dialled(endpoint, "/private/ws", query))


def at_exchange(story: Callable[[Venue], Awaitable[None]]) -> None:
    async def main() -> None:
        clock, symbols = SimulatedClock(start_ns=NOW), [Symbol("BTC/USDT:PERP")]
        async with SimulatedExchange(
            find_venue("binance-usdm"), symbols, seed=7, clock=clock, rate_per_s=0
        ) as exchange:
            exchange.open_account(KEY, SECRET, {"USDT": Decimal(1_000_000)})
            assert exchange._rest is not None
            await story(Venue(exchange, exchange._rest))

    run(main())


def test_the_published_call_is_signed_as_published_and_one_flipped_bit_is_refused() -> None:
    signed = SIGNER.call(Fetch("POST", f"/fapi/v1/order?{QUERY}", ""), 1, 1)
    assert signed.path == f"/fapi/v1/order?{QUERY}&signature={SIGNATURE}"
    assert signed.headers == {"X-MBX-APIKEY": KEY}

    async def story(venue: Venue) -> None:
        for at in (0, 31, 63):
            bad = SIGNATURE[:at] + chr(ord(SIGNATURE[at]) ^ 1) + SIGNATURE[at + 1 :]
            status, body = venue.raw("POST", f"/fapi/v1/order?{QUERY}&signature={bad}")
            assert (status, body["code"]) == (400, -1022)
        other = QUERY.replace("9000", "9001")
        assert (
            venue.raw("POST", f"/fapi/v1/order?{other}&signature={SIGNATURE}")[1]["code"] == -1022
        )
        assert venue.raw("POST", signed.path, "another key")[1]["code"] == -2015
        status, order = venue.raw("POST", signed.path)
        assert (status, order["price"], order["status"]) == (200, "9000", "NEW")

    at_exchange(story)


def test_a_listen_key_is_one_of_each_account_and_lives_an_hour() -> None:
    path = "/fapi/v1/listenKey"
    assert SIGNER.call(Fetch("POST", path, ""), NOW, 1).path == path  # for the key alone

    async def story(venue: Venue) -> None:
        assert venue.raw("PUT", path)[1]["code"] == -1125
        _, first = venue.raw("POST", path)
        assert venue.raw("POST", path, now_ns=NOW + HOUR - SECOND) == (200, first)
        assert venue.raw("PUT", path, now_ns=NOW + 2 * HOUR - 2 * SECOND) == (200, first)
        _, second = venue.raw("POST", path, now_ns=NOW + 3 * HOUR)
        assert second != first
        assert venue.raw("DELETE", path, now_ns=NOW + 3 * HOUR) == (200, {})
        assert venue.raw("PUT", path, now_ns=NOW + 3 * HOUR)[1]["code"] == -1125
        assert venue.raw("POST", path, "another key") == (
            401,
            {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
        )

    at_exchange(story)


def test_only_a_key_that_lives_opens_the_stream_and_its_end_is_told_once() -> None:
    async def story(venue: Venue) -> None:
        key = venue.raw("POST", "/fapi/v1/listenKey")[1]["listenKey"]
        live, silent = (venue.link("private", f"listenKey={one}") for one in (key, "made-up"))
        for link in (live, silent):
            assert link.opened(NOW) == ()
            (answer,) = link.receive(b'{"method":"GET_PROPERTY","id":1}', NOW)
            assert answer == b'{"result":false,"id":1}'
            (error,) = link.receive(b"{", NOW)
            assert isinstance(error, bytes)
            assert json.loads(error)["error"]["code"] == 3
        venue.call("POST", f"order?{ORDER.format('MARKET')}")
        kinds = [json.loads(one)["e"] for one in live.publish(Symbol("BTC/USDT:PERP"), NOW)]  # type: ignore[arg-type]
        assert kinds[0] == "ORDER_TRADE_UPDATE"
        assert kinds.count("ACCOUNT_UPDATE") == 2  # of the balance, and of the position
        assert list(silent.publish(Symbol("BTC/USDT:PERP"), NOW)) == []

        (notice,) = live.tick(NOW + HOUR)
        assert isinstance(notice, bytes)
        assert json.loads(notice) == {
            "e": "listenKeyExpired",
            "E": NOW_MS + 3_600_000,
            "listenKey": key,
        }
        assert live.tick(NOW + HOUR + 1) == ()
        venue.call("POST", f"order?{ORDER.format('MARKET')}")
        assert list(live.publish(Symbol("BTC/USDT:PERP"), NOW)) == []

    at_exchange(story)


def test_requests_are_refused_in_the_venues_words() -> None:
    refusals = {
        ("POST", f"order?{ORDER.format('STOP_MARKET')}"): -4120,
        ("POST", f"order?{ORDER.format('ODD')}"): -1102,
        ("POST", f"order?{ORDER.format('LIMIT')}&positionSide=LONG"): -4061,
        ("POST", f"order?{ORDER.format('LIMIT').replace('BTCUSDT', 'XUSDT')}"): -1121,
        ("POST", f"order?{ORDER.format('LIMIT').replace('90000', '90000.123')}"): -1111,
        ("POST", "algoOrder?algoType=CONDITIONAL&type=LIMIT&side=BUY"): -1116,
        ("POST", "batchOrders?batchOrders=odd"): -1102,
        ("POST", "batchOrders?batchOrders=[]"): -4082,
        ("DELETE", "order?symbol=BTCUSDT&orderId=99"): -2011,
        ("DELETE", "algoOrder?algoId=99"): -2011,
        ("GET", "order?symbol=BTCUSDT&orderId=99"): -2013,
        ("GET", "order?symbol=BTCUSDT"): -1102,
        ("GET", "algoOrder?clientAlgoId=odd"): -2013,
        ("GET", "allOrders?symbol=BTCUSDT&startTime=1&endTime=604800002"): -1127,
        ("GET", "userTrades?limit=10"): -1102,
    }

    async def story(venue: Venue) -> None:
        for (method, path), code in refusals.items():
            status, body = venue.call(method, path)
            assert (status, body["code"]) == (400, code), path
        late = NOW + 6 * SECOND
        made = SIGNER.call(Fetch("GET", "/fapi/v3/account", ""), NOW, 1)
        assert venue.raw("GET", made.path, now_ns=late)[1]["code"] == -1021

    at_exchange(story)


def test_batches_and_cancels_answer_row_by_row() -> None:
    async def story(venue: Venue) -> None:
        one = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01"}
        orders = [{**one, "price": price, "timeInForce": "GTC"} for price in ("8000", "8000.001")]
        batch = json.dumps(orders, separators=(",", ":")).replace('"', "%22")
        _, (placed, refused) = venue.call("POST", f"batchOrders?batchOrders={batch}")
        assert (placed["status"], refused["code"]) == ("NEW", -1111)
        number = placed["orderId"]
        _, (canceled, unknown) = venue.call(
            "DELETE", f"batchOrders?symbol=BTCUSDT&orderIdList=[{number},99]"
        )
        assert (canceled["status"], unknown["code"]) == ("CANCELED", -2011)
        assert venue.call("DELETE", "allOpenOrders?symbol=BTCUSDT")[1]["code"] == 200
        assert venue.call("GET", "openOrders") == (200, [])
        assert venue.call("GET", "positionSide/dual") == (200, {"dualSidePosition": False})

    at_exchange(story)
