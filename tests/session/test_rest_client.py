"""Questions in virtual time: signed, paced, repeated where that helps, and counted."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from random import Random
from urllib.parse import parse_qs

import pytest

from fluxum.errors import (
    BadInput,
    CircuitOpen,
    NonceRefused,
    RateLimited,
    Redirected,
    RemoteProtocolError,
    TransportError,
    VenueRefused,
)
from fluxum.model.account import Balance, Credentials
from fluxum.model.instrument import Symbol
from fluxum.pacing import CallCounter
from fluxum.session.authenticator import Authenticator, Nonces
from fluxum.session.rest_client import QueryStatistics, RestClient
from fluxum.sim.loop import SimulatedClock, run
from fluxum.transport.http import Http
from fluxum.venues.kraken.private.queries import account_queries
from fluxum.venues.kraken.private.signing import KrakenSigner
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.private import FillQuery
from fluxum.venues.queries import RestQuery, after
from fluxum.venues.venue import Fetch

SECRET = "c2VjcmV0"
HOLDINGS = b'{"error":[],"result":{"ZUSD":{"balance":"1.5","hold_trade":"0"}}}'
EMPTY = b'{"error":[],"result":{}}'
Answer = bytes | Exception


class Bank:
    """Answers calls as scripted, the last answer for ever; lists of names are empty."""

    def __init__(self, *answers: Answer) -> None:
        self.calls: list[tuple[float, str, Mapping[str, str], bytes]] = []
        self._answers = list(answers)

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if method == "GET":
            assert "API-Key" not in headers
            return EMPTY
        self.calls.append((asyncio.get_running_loop().time(), url, headers, body))
        await asyncio.sleep(0.1)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def nonces(self) -> list[int]:
        return [int(parse_qs(body.decode())["nonce"][0]) for _, _, _, body in self.calls]


QUESTIONS = account_queries()


def rest_client(bank: Bank | None, most: float = 15, decay_per_s: float = 0.33) -> RestClient:
    clock = SimulatedClock()
    return RestClient(
        bank,
        "https://rest",
        clock,
        Random(1),
        CallCounter(most, decay_per_s),
        authenticator(bank or Bank(EMPTY), clock),
        account_queries().preparations,
    )


def authenticator(http: Http, clock: SimulatedClock) -> Authenticator:
    signer = KrakenSigner(Credentials("the-key", SECRET))
    assert KRAKEN.private is not None
    return Authenticator("kraken", KRAKEN.private, signer, http, Nonces(clock), clock.now_ns)


class Asked:
    """A bank asked for balances in virtual time, and what was counted."""

    def __init__(self, *answers: Answer) -> None:
        self.bank = Bank(*answers)
        self.statistics = QueryStatistics()

    def balances(self) -> Sequence[Balance]:
        async def main() -> Sequence[Balance]:
            one = rest_client(self.bank)
            self.statistics = one.statistics
            return (await one.query(QUESTIONS.balances())).items

        return run(main())


def test_a_question_is_signed_and_its_answer_read() -> None:
    asked = Asked(HOLDINGS)

    (balance,) = asked.balances()

    ((_, url, headers, _),) = asked.bank.calls
    assert balance.total == balance.free == Decimal("1.5")
    assert url == "https://rest/0/private/BalanceEx"
    assert headers["API-Key"] == "the-key"
    assert asked.statistics.answered == 4  # with the three lists of names


@pytest.mark.parametrize(
    "trouble",
    [
        TransportError("no answer"),
        b'{"error":["EAPI:Invalid nonce"]}',
        b'{"error":["EAPI:Rate limit exceeded"]}',
        b'{"error":["EService:Unavailable"]}',
        b"<html>",
    ],
)
def test_what_may_pass_is_asked_again_with_a_higher_number(trouble: Answer) -> None:
    asked = Asked(trouble, HOLDINGS)

    asked.balances()

    first, second = asked.bank.nonces
    assert first < second
    assert (asked.statistics.repeated, asked.statistics.failed) == (1, 0)


def test_a_no_is_raised_at_once() -> None:
    asked = Asked(b'{"error":["EGeneral:Permission denied"]}')

    with pytest.raises(VenueRefused, match="Permission denied"):
        asked.balances()

    assert len(asked.bank.calls) == 1
    assert asked.statistics.refused == 1


@pytest.mark.parametrize("first", [HOLDINGS, b'{"error":["EGeneral:Permission denied"]}'])
def test_a_refusal_is_final_if_such_a_query_was_never_answered(first: Answer) -> None:
    bank = Bank(first, b'{"error":["EGeneral:Permission denied"]}')

    async def main() -> None:
        one = rest_client(bank)
        if first == HOLDINGS:
            await one.query(QUESTIONS.balances())
        with pytest.raises(VenueRefused) as refused:
            await one.query(QUESTIONS.balances())
        assert refused.value.is_final == (first != HOLDINGS)
        with pytest.raises(VenueRefused) as refused:
            await one.query(QUESTIONS.open_orders())  # of another kind
        assert refused.value.is_final

    run(main())


def test_a_nonce_that_stays_too_small_is_asked_with_once_more_and_then_named() -> None:
    asked = Asked(b'{"error":["EAPI:Invalid nonce"]}')

    with pytest.raises(NonceRefused, match="larger nonce"):
        asked.balances()

    first, second = asked.bank.nonces
    assert first < second
    assert asked.bank.calls[1][0] < 1.0  # at once, not after a minute of silence
    assert (asked.statistics.refused, asked.statistics.failed) == (1, 0)


def test_nonces_are_no_smaller_than_those_of_other_programs() -> None:
    class Clock:
        def now_ns(self) -> int:
            return 1_700_000_000_123_456_789

    # kraken-cli counts nanoseconds, python-kraken-sdk int(time * 1e8).
    assert Nonces(Clock()).next() == 1_700_000_000_123_456_789 > 1_700_000_000_12345678


def test_a_wait_that_is_long_is_reported_at_once() -> None:
    asked = Asked(b'{"error":["EGeneral:Temporary lockout"]}')

    with pytest.raises(RateLimited) as caught:
        asked.balances()

    assert caught.value.retry_after_s == 900
    assert len(asked.bank.calls) == 1


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (b'{"error":["EAPI:Rate limit exceeded"]}', RateLimited),
        (b"<html>", RemoteProtocolError),
        (TransportError("no answer"), CircuitOpen),
    ],
)
def test_what_does_not_pass_is_given_up_on_after_a_few_tries(
    trouble: Answer, kind: type[Exception]
) -> None:
    asked = Asked(trouble)

    with pytest.raises(kind):
        asked.balances()

    assert 5 <= len(asked.bank.calls) <= 6
    assert asked.statistics.failed + asked.statistics.refused == 1


def test_usage_shows_the_rate_limit_and_the_queries_that_are_stopped() -> None:
    async def main() -> None:
        one = rest_client(Bank(TransportError("no answer")))
        free = Fetch("GET", "/0/public/Time", "time", cost=2)
        await one.query(RestQuery(free, lambda _body, _received_ns: 1))

        with pytest.raises(CircuitOpen):
            await one.query(QUESTIONS.balances())

        usage = one.usage()
        assert (usage.breakers_open, usage.stopped) == (1, 1)
        assert (usage.queries.answered, usage.queries.refused) == (4, 1)
        assert usage.cost_max == 15
        assert 0 < usage.cost < 15
        await asyncio.sleep(100)
        assert one.usage().cost == 0

    run(main())


def test_calls_keep_to_the_venues_counter() -> None:
    async def main() -> None:
        bank = Bank(b'{"error":[],"result":{"open":{}}}')
        one = rest_client(bank)  # starter: at most 15, 0.33 less each second, two for each of these

        for _ in range(10):
            await one.query(QUESTIONS.open_orders())

        times = [at_s for at_s, _, _, _ in bank.calls]
        assert times[6] - times[0] < 1.0
        # 20 are counted; all but 15 had to fall away, at 0.33 a second.
        assert times[9] - times[0] >= 5 / 0.33 - 1e-6

    run(main())


def test_calls_go_out_one_at_a_time_in_the_order_of_their_numbers() -> None:
    async def main() -> None:
        bank = Bank(HOLDINGS)
        one = rest_client(bank, 20, 1.0)

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(one.query(QUESTIONS.balances()))

        assert bank.nonces == sorted(set(bank.nonces))
        times = [at_s for at_s, _, _, _ in bank.calls]
        assert all(later - earlier > 0.09 for earlier, later in pairwise(times))

    run(main())


def test_a_question_that_needs_another_answer_first_gets_that() -> None:
    bank = Bank(b"10", b"20", b"3")

    def one(path: str) -> RestQuery[bytes]:
        return RestQuery(Fetch("POST", path, path), lambda body, _: body)

    def third(found: bytes) -> RestQuery[str]:
        return RestQuery(Fetch("POST", "/c", "c"), lambda body, _: f"{found!r} {body!r}")

    async def main() -> str:
        client = RestClient(bank, "", SimulatedClock(), Random(1), CallCounter(15, 1))
        return await client.query(after(after(one("/a"), lambda _: one("/b")), third))

    assert run(main()) == "b'20' b'3'"
    assert [url for _, url, _, _ in bank.calls] == ["/a", "/b", "/c"]


def test_what_is_needed_first_reads_its_refusals_itself() -> None:
    absent = VenueRefused("answered 400", "400", "absent")
    busy = VenueRefused("answered 400", "400", "busy")
    bank = Bank(busy, absent, b"3")

    def refused(error: VenueRefused) -> str:
        if error.body == "busy":
            raise RateLimited("try again")
        return "none"

    first = RestQuery(Fetch("POST", "/a", "a"), lambda _body, _ns: "some", refused=refused)

    async def main() -> str:
        client = RestClient(bank, "", SimulatedClock(), Random(1), CallCounter(15, 1))
        second = Fetch("POST", "/b", "b")
        return await client.query(
            after(first, lambda found: RestQuery(second, lambda _body, _ns: found))
        )

    assert run(main()) == "none"
    assert [url for _, url, _, _ in bank.calls] == ["/a", "/a", "/b"]


def test_without_a_way_to_call_it_says_so() -> None:
    async def main() -> None:
        one = rest_client(None)
        with pytest.raises(BadInput, match="no HTTP"):
            await one.query(QUESTIONS.balances())

    run(main())


def test_numbers_grow_even_if_the_clock_goes_back() -> None:
    class Clock:
        def __init__(self) -> None:
            self.at_ns = 5_000_000

        def now_ns(self) -> int:
            self.at_ns -= 1000
            return self.at_ns

    nonces = Nonces(Clock())

    numbers = [nonces.next() for _ in range(5)]

    assert numbers == [4_999_000, 4_999_001, 4_999_002, 4_999_003, 4_999_004]


def test_lists_of_names_are_asked_for_again_for_an_unknown_market_and_the_answer_read_again() -> (
    None
):
    lists = {"Assets": {"XXBT": {"altname": "XBT"}, "ZUSD": {"altname": "USD"}}}
    old = {"XXBTZUSD": {"altname": "XBTUSD", "base": "XXBT", "quote": "ZUSD"}}
    new = {"NEWZUSD": {"altname": "NEWUSD", "base": "NEWCOIN", "quote": "ZUSD"}}
    trade = {"ordertxid": "O", "pair": "NEWZUSD", "time": 1_700_000_000, "type": "buy"}
    trade |= {"price": "1", "fee": "0", "vol": "1"}
    asked: list[str] = []

    class Venue:
        async def call(
            self, method: str, url: str, headers: Mapping[str, str], body: bytes
        ) -> bytes:
            name = url.removeprefix("https://rest/0/")
            asked.append(name)
            result: object = {"trades": {"T-1": trade}}
            if name == "public/Assets":
                result = lists["Assets"]
            elif name == "public/AssetPairs":
                result = old | (new if asked.count(name) > 1 else {})
            elif method == "GET":
                return b'{"error":["EGeneral:Invalid arguments"]}'  # not offered here
            return json.dumps({"error": [], "result": result}).encode()

    async def main() -> Symbol:
        queries = account_queries()
        venue, clock = Venue(), SimulatedClock()
        one = RestClient(
            venue,
            "https://rest",
            clock,
            Random(1),
            CallCounter(15, 0.33),
            authenticator(venue, clock),
            preparations=queries.preparations,
            renewals=queries.renewals,
        )
        (fill,) = await one.query(queries.fills(FillQuery()))
        return fill.symbol

    assert run(main()) == "NEWCOIN/USD"
    assert asked.count("private/TradesHistory") == 1
    assert asked.count("public/AssetPairs?aclass_base=tokenized_asset") == 2


def test_a_redirect_is_raised_at_once() -> None:
    async def main() -> None:
        bank = Bank(Redirected("to evil.example; this is not followed"))
        asked = rest_client(bank)

        with pytest.raises(Redirected, match=r"evil\.example"):
            await asked.query(QUESTIONS.balances())

        assert len(bank.calls) == 1

    run(main())


def test_a_host_that_cannot_be_reached_is_named_with_the_cause_while_it_is_not_called() -> None:
    async def main() -> None:
        bank = Bank(TransportError("POST https://rest/0 failed: Cannot connect to host rest:443"))
        asked = rest_client(bank)

        with pytest.raises(CircuitOpen, match=r"Cannot connect to host rest:443.*not called for"):
            await asked.query(QUESTIONS.balances())

    run(main())


def test_an_answer_of_any_depth_is_a_typed_error() -> None:
    async def main() -> None:
        def read(body: bytes, received_ns: int) -> int:
            raise RecursionError("too deep")

        asked = rest_client(Bank(EMPTY))

        with pytest.raises(RemoteProtocolError, match="deep cannot be read: too deep"):
            await asked.query(RestQuery(Fetch("POST", "/0/private/Deep", "deep"), read))

    run(main())


def test_a_refusal_that_stands_for_an_answer_is_read_as_one() -> None:
    absent = VenueRefused("answered 400", "400", '{"code":-7}')
    bank = Bank(absent, absent, RateLimited("answered 429", "429"), HOLDINGS)

    def refused(error: VenueRefused) -> str:
        if error.body != '{"code":-7}':
            raise error
        return "none"

    async def main() -> None:
        client = rest_client(bank)
        fetch = QUESTIONS.balances().fetch
        plain = RestQuery(fetch, lambda _body, _ns: "some")
        with pytest.raises(VenueRefused, match="answered 400"):
            await client.query(plain)
        reading = RestQuery(fetch, lambda _body, _ns: "some", refused=refused)
        assert await client.query(reading) == "none"
        assert await client.query(reading) == "some"  # too many calls is no answer

    run(main())
