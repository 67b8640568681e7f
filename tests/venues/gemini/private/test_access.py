"""The simulated half checks signatures, nonces and rates with the venue's reasons."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from fluxum.errors import LinkClosed, VenueRefused
from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.conversation import Fetch
from fluxum.venues.gemini.private.signing import GeminiSigner, signature
from fluxum.venues.register import find_venue
from venues.gemini.private.test_signing import PAYLOAD, SIGNED

KEY, SECRET = "mykey", "1234abcd"
SIGNER = GeminiSigner(Credentials(KEY, SECRET))
NOW_NS = 123_456 * 10**9  # the nonce of the published vector
Answer = TypeVar("Answer")


def at_the_exchange(
    act: Callable[[SimulatedExchange], Awaitable[Answer]], now_ns: int = NOW_NS
) -> Answer:
    async def main() -> Answer:
        clock = SimulatedClock(start_ns=now_ns)
        venue = find_venue("gemini")
        async with SimulatedExchange(
            venue, [Symbol("BTC/USD")], seed=7, clock=clock, rate_per_s=0
        ) as exchange:
            exchange.open_account(KEY, SECRET, {"USD": Decimal(1000)})
            return await act(exchange)

    return run(main())


def reasons(*calls: Fetch) -> list[str]:
    """The reason of each refusal, empty where there is none."""

    async def act(exchange: SimulatedExchange) -> list[str]:
        bodies: list[Any] = [json.loads((await exchange.answer(call)).body) for call in calls]
        return ["" if isinstance(one, list) else one.get("reason", "") for one in bodies]

    return at_the_exchange(act)


def published(
    payload: str = PAYLOAD,
    signed: str = SIGNED,
    key: str = KEY,
    path: str = "/v1/order/status",
) -> Fetch:
    headers = {
        "X-GEMINI-APIKEY": key,
        "X-GEMINI-PAYLOAD": payload,
        "X-GEMINI-SIGNATURE": signed,
    }
    return Fetch("POST", path, "", headers)


def flipped(text: str, at: int) -> str:
    """One bit of one character is another."""
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def call(path: str, nonce: object = 123_456, **given: object) -> Fetch:
    """A signed call with a nonce of one's own."""
    text = json.dumps({"request": path, "nonce": nonce, **given}).encode()
    payload = base64.b64encode(text).decode()
    return published(payload, signature(SECRET, payload), path=path)


def test_the_published_vector_is_taken_and_its_order_is_not_known() -> None:
    assert reasons(published()) == ["OrderNotFound"]


def test_one_flipped_bit_is_refused() -> None:
    wrong = [published(signed=flipped(SIGNED, at)) for at in (0, 47, 95)]
    wrong += [published(payload=flipped(PAYLOAD, at)) for at in (0, 50, 100)]

    assert reasons(*wrong) == ["InvalidSignature"] * len(wrong)


def test_what_is_missing_or_of_another_call_is_named() -> None:
    headers = published().headers
    without = [
        Fetch("POST", "/v1/orders", "", {one: headers[one] for one in headers if name not in one})
        for name in ("APIKEY", "PAYLOAD", "SIGNATURE")
    ]
    text = base64.b64encode(b"nonsense").decode()

    assert reasons(
        *without,
        published(key="another"),
        published(path="/v1/orders"),
        published(text, signature(SECRET, text)),
    ) == [
        "MissingApikeyHeader",
        "MissingPayloadHeader",
        "MissingSignatureHeader",
        "InvalidApiKey",
        "EndpointMismatch",
        "InvalidJson",
    ]


@pytest.mark.parametrize(
    ("nonce", "reason"),
    [(123_426, ""), (123_425, "InvalidNonce"), (123_486.5, "InvalidNonce"), ("123486", ""),
     ("", "InvalidNonce"), ("x", "InvalidNonce")],
)  # fmt: skip
def test_a_nonce_is_a_second_within_half_a_minute(nonce: object, reason: str) -> None:
    assert reasons(call("/v1/balances", nonce)) == [reason]


def test_the_first_nonce_decides_of_which_kind_a_key_is() -> None:
    now_ms = 1_670_305_260_021  # https://github.com/vansergen/gemini-node-api/issues/108
    balances = "/v1/balances"

    increasing = reasons(*(call(balances, one) for one in (now_ms, now_ms + 1, now_ms + 1, 5)))
    timely = reasons(call(balances), call(balances), call(balances, now_ms))

    assert increasing == ["", "", "InvalidNonce", "InvalidNonce"]
    assert timely == ["", "", "InvalidNonce"]


def test_more_calls_than_fit_in_a_minute_are_refused() -> None:
    async def act(exchange: SimulatedExchange) -> list[int]:
        beat = call("/v1/heartbeat")
        answers = await asyncio.gather(*(exchange.answer(beat) for _ in range(601)))
        return [one.status for one in answers]

    assert sorted(at_the_exchange(act)) == [200] * 600 + [429]


async def _first_frame(
    exchange: SimulatedExchange, endpoint: str, headers: Mapping[str, str]
) -> dict[str, Any]:
    async with exchange.dial(find_venue("gemini").endpoints[endpoint], headers) as link:
        if endpoint == "trade":
            await link.send(b'{"id":"1","method":"subscribe","params":["balances@account"]}')
        frame: dict[str, Any] = json.loads(await link.receive())
        return frame


def test_links_are_opened_with_the_headers_of_the_account() -> None:
    events = SIGNER.call(Fetch("GET", "/v1/order/events", ""), NOW_NS, 1).headers
    orders = SIGNER.headers(NOW_NS, 1)

    async def act(exchange: SimulatedExchange) -> tuple[dict[str, Any], ...]:
        return (
            await _first_frame(exchange, "events", events),
            await _first_frame(exchange, "trade", orders),
        )

    ack, answer = at_the_exchange(act)

    assert ack["type"] == "subscription_ack"
    assert answer == {"id": "1", "status": 200}


@pytest.mark.parametrize("endpoint", ["events", "trade"])
def test_a_link_without_good_headers_is_refused(endpoint: str) -> None:
    events = SIGNER.call(Fetch("GET", "/v1/order/events", ""), NOW_NS, 1).headers
    good = events if endpoint == "events" else SIGNER.headers(NOW_NS, 1)
    bad = {**good, "X-GEMINI-SIGNATURE": flipped(good["X-GEMINI-SIGNATURE"], 3)}

    async def act(exchange: SimulatedExchange) -> None:
        for headers in ({}, bad, {**good, "X-GEMINI-PAYLOAD": "eA=="}):
            with pytest.raises(VenueRefused) as refused:
                await _first_frame(exchange, endpoint, headers)
            assert refused.value.code == "401"

    at_the_exchange(act)


def test_a_link_of_another_time_is_closed_with_the_reason() -> None:
    events = SIGNER.call(Fetch("GET", "/v1/order/events", ""), NOW_NS, 1).headers
    orders = SIGNER.headers(NOW_NS, 1)

    async def act(exchange: SimulatedExchange) -> dict[str, Any]:
        await asyncio.sleep(0)
        with pytest.raises(LinkClosed, match="InvalidNonce"):
            await _first_frame(exchange, "trade", orders)
        return await _first_frame(exchange, "events", events)

    refusal = at_the_exchange(act, NOW_NS + 31 * 10**9)

    assert (refusal["result"], refusal["reason"]) == ("error", "InvalidNonce")
