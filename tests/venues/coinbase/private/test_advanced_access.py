"""The simulated half checks tokens, what they are for, their time, and how often they come."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jwt
import pytest
from msgspec import structs

from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.coinbase.advanced.private.signing import AdvancedSigner
from fluxum.venues.coinbase.server.private.access import account_by_token
from fluxum.venues.conversation import Fetch
from fluxum.venues.register import find_venue

NAME = "organizations/1/apiKeys/2"
SEED = base64.b64encode(bytes(range(32))).decode()
SIGNER = AdvancedSigner(Credentials(NAME, SEED))
NOW_NS = 1_700_000_000_000_000_000
LIST = Fetch("GET", "/api/v3/brokerage/accounts?limit=250", "")


def at_the_exchange(act: Callable[[SimulatedExchange], Any]) -> Any:
    """What happens at the simulated exchange at that instant."""

    async def main() -> Any:
        clock = SimulatedClock(start_ns=NOW_NS)
        async with SimulatedExchange(
            find_venue("coinbase"), [Symbol("BTC/USD")], seed=7, clock=clock, rate_per_s=0
        ) as exchange:
            exchange.open_account(NAME, SEED, {"USD": Decimal(1000)})
            return await act(exchange)

    return run(main())


def statuses(*calls: Fetch) -> list[int]:
    async def act(exchange: SimulatedExchange) -> list[int]:
        return [(await exchange.answer(call)).status for call in calls]

    found: list[int] = at_the_exchange(act)
    return found


def signed(call: Fetch = LIST, now_ns: int = NOW_NS) -> Fetch:
    one = SIGNER.call(call, now_ns, 7)
    return structs.replace(call, headers=one.headers)


def token(call: Fetch) -> str:
    return call.headers["Authorization"].removeprefix("Bearer ")


def given(text: str) -> Fetch:
    return structs.replace(LIST, headers={"authorization": f"Bearer {text}"})


def test_a_signed_call_is_answered() -> None:
    assert statuses(signed(), given(token(signed()))) == [200, 200]


def test_one_flipped_bit_of_a_token_is_refused() -> None:
    text = token(signed())
    places = [at for at in range(0, len(text), 7) if text[at] != "."]
    # The last character of 86 holds four bits of the signature and two of nothing.
    calls = [given(text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]) for at in places]

    assert len(calls) > 50
    assert set(statuses(*calls)) == {401}


@pytest.mark.parametrize(
    "call",
    [
        LIST,
        given(""),
        given("a.b.c"),
        structs.replace(signed(), headers={"Authorization": f"Basic {token(signed())}"}),
        structs.replace(signed(), method="POST"),
        structs.replace(signed(), path="/api/v3/brokerage/orders/historical/fills"),
        signed(now_ns=NOW_NS - 121 * 10**9),
        signed(now_ns=NOW_NS + 60 * 10**9),
        given(token(signed(Fetch("GET", "/", "")))),
    ],
    ids=["none", "empty", "no token", "basic", "method", "path", "old", "early", "other call"],
)
def test_other_tokens_are_refused(call: Fetch) -> None:
    assert statuses(call) == [401]


def test_a_command_that_arrives_after_its_deadline_is_refused() -> None:
    path = "/api/v3/brokerage/orders/batch_cancel"
    deadline = {"deadline": str(NOW_NS)}

    assert statuses(signed(Fetch("POST", path, "", deadline, b'{"order_ids":["x"]}'))) == [401]


def test_a_token_of_another_key_or_for_longer_is_refused() -> None:
    other = Credentials("organizations/1/apiKeys/3", SEED)
    unknown = AdvancedSigner(other).call(LIST, NOW_NS, 7).headers["Authorization"]
    second = NOW_NS // 10**9
    claims = {"sub": NAME, "nbf": second, "exp": second + 121, "uri": f"GET x{LIST.path}"}
    long = jwt.encode(claims, SIGNER._key, "EdDSA", {"kid": NAME})
    unsigned = jwt.encode({**claims, "exp": second + 9}, "", "none", {"kid": NAME})

    calls = [given(one) for one in (unknown.removeprefix("Bearer "), long, unsigned)]

    assert statuses(*calls) == [401, 401, 401]


def test_the_thirty_first_call_of_a_second_is_refused() -> None:
    async def act(exchange: SimulatedExchange) -> list[int]:
        assert exchange._rest is not None
        return [exchange._rest.answer(signed(), NOW_NS).status for _ in range(31)]

    assert at_the_exchange(act) == [200] * 30 + [429]


def test_a_subscription_needs_a_token_without_a_call() -> None:
    async def act(exchange: SimulatedExchange) -> list[str]:
        frame = SIGNER.frame(b'{"type":"subscribe","channel":"user"}', NOW_NS, 7)
        account = account_by_token(exchange.accounts, json.loads(frame)["jwt"], NOW_NS)
        return [account.key]

    assert at_the_exchange(act) == [NAME]


def test_nonsense_and_unknown_calls() -> None:
    root = "/api/v3/brokerage"
    calls = [
        signed(Fetch("POST", f"{root}/orders", "", body=b"[]")),
        signed(Fetch("POST", f"{root}/orders/edit", "", body=b"")),
        signed(Fetch("POST", f"{root}/orders/batch_cancel", "", body=b'{"order_ids":[]}')),
        signed(Fetch("POST", f"{root}/orders/nothing", "", body=b"{}")),
        signed(Fetch("GET", f"{root}/nothing", "")),
        signed(Fetch("GET", f"{root}/orders/historical/nothing", "")),
        signed(Fetch("GET", f"{root}/orders/historical/batch?start_date=never", "")),
        signed(Fetch("GET", f"{root}/orders/historical/batch?cursor=x", "")),
        signed(
            Fetch(
                "GET", f"{root}/orders/historical/batch?order_status=OPEN&order_status=FILLED", ""
            )
        ),
    ]

    assert statuses(*calls) == [400, 400, 400, 404, 404, 404, 400, 400, 400]
