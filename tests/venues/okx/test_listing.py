"""Three calls make one list."""

import gzip
import json
from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import given

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, LeftOut, Refused, Subscribed, Subscription, VenueNotice
from fluxum.model.instrument import Instrument
from fluxum.venues.okx.listing import market, page
from fluxum.venues.okx.protocol import OkxProtocol
from fluxum.venues.venue import Effect, Fetch
from oddrows import OddRow, Received, odd_row, often
from recordings import recording

LIST = Subscription(Channel.INSTRUMENT)
NOTHING = b'{"code":"0","msg":"","data":[]}'
ONE = (
    b'{"code":"0","msg":"","data":[{"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC",'
    b'"quoteCcy":"USDT","tickSz":"0.1","lotSz":"0.00000001","minSz":"0.00001","state":"live"},'
    b'{"instType":"SPOT","instId":"NEW-USDT","baseCcy":"NEW","quoteCcy":"USDT","tickSz":"",'
    b'"lotSz":"","minSz":"","state":"preopen"}]}'
)


def calls(outbox: deque[Effect]) -> list[Fetch]:
    made = [effect for effect in outbox if isinstance(effect, Fetch)]
    outbox.clear()
    return made


def begun() -> tuple[OkxProtocol, list[Fetch]]:
    protocol = OkxProtocol()
    protocol.subscribe([LIST])
    return protocol, calls(protocol.outbox)


def test_a_list_is_requested_by_kind_and_nothing_waits_for_it_on_the_link() -> None:
    protocol, made = begun()

    assert [(one.method, one.path) for one in made] == [
        ("GET", "/api/v5/public/instruments?instType=SPOT"),
        ("GET", "/api/v5/public/instruments?instType=SWAP"),
        ("GET", "/api/v5/public/instruments?instType=FUTURES"),
    ]
    assert not protocol.unanswered()


def test_the_first_answer_accepts_and_what_cannot_be_read_is_counted() -> None:
    protocol, made = begun()

    accepted, left_out, instrument = protocol.receive_response(made[0], ONE, 5)

    assert accepted == Subscribed(venue="okx", subscription=LIST, received_ns=5)
    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (LIST, 1)
    assert "NEW-USDT" in left_out.sample
    assert isinstance(instrument, Instrument)
    assert instrument.symbol == "BTC/USDT"
    assert protocol.receive_response(made[1], NOTHING, 6) == []


def test_a_resync_requests_what_is_not_on_its_way() -> None:
    protocol, made = begun()
    protocol.resync(LIST)
    assert calls(protocol.outbox) == []

    protocol.receive_response(made[0], ONE, 5)
    protocol.resync(LIST)
    assert calls(protocol.outbox) == [made[0]]


def test_a_kind_that_is_refused_is_published_and_all_three_are_a_refusal() -> None:
    protocol, made = begun()

    (first,) = protocol.receive_refusal(made[0], "HTTP 403", 5)
    (second,) = protocol.receive_response(
        made[1], b'{"code":"51000","msg":"Parameter instType error","data":[]}', 6
    )
    (third,) = protocol.receive_refusal(made[2], "HTTP 403", 7)

    assert isinstance(first, VenueNotice)
    assert isinstance(second, VenueNotice)
    assert second.message == "no list of markets (SWAP): 51000 Parameter instType error"
    message = "no list of markets (FUTURES): HTTP 403"
    assert third == Refused(venue="okx", subscription=LIST, message=message, received_ns=7)
    assert protocol.receive_response(made[0], ONE, 8) == ()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'{"code":0}', b'{"code":"50011","msg":"Too Many Requests"}']
)
def test_nonsense_and_passing_faults_are_requested_again_by_the_session(body: bytes) -> None:
    protocol, made = begun()

    with pytest.raises(RemoteProtocolError):
        protocol.receive_response(made[0], body, 5)


def test_an_answer_after_the_end_is_late_and_the_next_beginning_requests_again() -> None:
    protocol, made = begun()
    protocol.unsubscribe([LIST])
    assert protocol.receive_response(made[0], ONE, 5) == ()
    assert protocol.receive_refusal(made[1], "HTTP 403", 5) == ()

    protocol.subscribe([LIST])
    assert calls(protocol.outbox) == made[:2]
    assert isinstance(protocol.receive_response(made[2], NOTHING, 6)[0], Subscribed)


def test_the_lists_of_2022_are_read_whole() -> None:
    """513 spot markets and 166 perpetuals, five times over: 126 linear and 40 inverse."""
    published: list[Instrument] = []
    with gzip.open(recording("okx/rest_instruments_20220513.jsonl.gz"), "rt") as lines:
        for line in lines:
            rows = page(Fetch("GET", "", ""), json.loads(line)["raw"].encode()).rows
            published += [one for one in (market(row, 1) for row in rows) if one is not None]

    assert len(published) == 5 * (513 + 166)
    assert sum(one.is_inverse for one in published) == 5 * 40
    assert sum(bool(one.symbol.contract) for one in published) == 5 * 166
    known = {one.symbol: one for one in published}
    inverse, linear = known["BTC/USD:PERP-INVERSE"], known["BTC/USDT:PERP"]  # type: ignore[index]
    assert (str(inverse.contract_size), inverse.contract_asset) == ("100", "USD")
    assert (str(linear.contract_size), linear.contract_asset) == ("0.01", "BTC")


# One odd row

SPOT = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "baseCcy": "BTC",
    "quoteCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.00000001",
    "minSz": "0.00001",
    "state": "live",
}
# nautilus_trader crates/adapters/okx/test_data/http_get_instruments_swap.json, shortened
SWAP = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "ctVal": "0.01",
    "ctValCcy": "BTC",
    "ctMult": "1",
    "ctType": "linear",
    "settleCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "state": "live",
}
ROWS = [SPOT, SWAP, {**SPOT, "instId": "ETH-USDT", "baseCcy": "ETH"}]


def answer(rows: Sequence[str]) -> bytes:
    return b'{"code":"0","msg":"","data":[%s]}' % ",".join(rows).encode()


def received(body: bytes) -> Received:
    protocol, made = begun()
    events = protocol.receive_response(made[0], body, 5)
    facts: dict[object, object] = {
        one.venue_symbol: one for one in events if isinstance(one, Instrument)
    }
    return Received(facts, sum(one.count for one in events if isinstance(one, LeftOut)))


@often
@given(odd_row(ROWS))
def test_an_odd_market_costs_itself_alone(odd: OddRow) -> None:
    odd.costs_itself_alone(answer, received)
