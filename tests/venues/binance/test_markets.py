"""The list of markets: what it publishes, which streams it rules out, odd rows in it."""

import json

import pytest

from fluxum.model.event import LeftOut, Refused, Unsubscribed
from fluxum.model.instrument import Instrument
from fluxum.venues.binance.policy import SPOT, USDM
from fluxum.venues.binance.protocol import BinanceProtocol
from fluxum.venues.conversation import UnreadableStream
from venues.binance.wire import (
    LIST,
    NOW,
    TRADES,
    drain,
    fetched,
    listed,
    market,
    markets,
    refused,
    rest_client,
    sent,
    subscribed,
    yes,
)


def test_the_list_is_published_when_it_is_subscribed_to() -> None:
    protocol = BinanceProtocol(SPOT)
    protocol.subscribe([LIST])
    (fetch,) = fetched(drain(protocol))

    first, *published = protocol.receive_response(fetch, markets("BTCUSDT", "ETHUSDT"), NOW)

    assert first == subscribed(LIST)
    assert [one.symbol for one in published if isinstance(one, Instrument)] == [
        "BTC/USDT",
        "ETH/USDT",
    ]
    protocol.resync(LIST)
    (again,) = fetched(drain(protocol))
    published_again = protocol.receive_response(again, markets("BTCUSDT"), NOW)
    assert [type(one) for one in published_again] == [Instrument]


def test_a_contract_that_ends_is_published_with_its_date() -> None:
    protocol = BinanceProtocol(USDM)
    protocol.subscribe([LIST])
    (fetch,) = fetched(drain(protocol))
    assert fetch.path == "/fapi/v1/exchangeInfo"

    published = protocol.receive_response(fetch, markets("BTCUSDT", "BTCUSDT_261225"), NOW)

    symbols = [one.symbol for one in published if isinstance(one, Instrument)]
    assert symbols == ["BTC/USDT:PERP", "BTC/USDT:261225"]


def test_a_list_that_was_unsubscribed_is_not_published() -> None:
    protocol = BinanceProtocol(SPOT)
    protocol.subscribe([LIST])
    (fetch,) = fetched(drain(protocol))
    protocol.unsubscribe([LIST])
    (request,) = sent(drain(protocol))

    assert protocol.receive_response(fetch, markets("BTCUSDT"), NOW) == []
    answer = json.dumps({"result": [], "id": request["id"]}).encode()
    assert list(protocol.receive(answer, NOW)) == [
        Unsubscribed(venue="binance", subscription=LIST, received_ns=NOW)
    ]


def test_a_list_that_is_refused_is_refused() -> None:
    protocol = BinanceProtocol(SPOT)
    protocol.subscribe([LIST])
    (fetch,) = fetched(drain(protocol))

    assert list(protocol.receive_refusal(fetch, "answered 451", NOW)) == [
        refused(LIST, "no list of markets (instruments): answered 451")
    ]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"symbols":5}', b"\xff"])
def test_a_list_that_is_none_harms_what_waits_for_it(body: bytes) -> None:
    """Streams that were only to be looked up in it are not harmed."""
    protocol = rest_client(TRADES)
    protocol.receive(yes(1), NOW)
    (fetch,) = fetched(drain(protocol))
    with pytest.raises(UnreadableStream) as error:
        protocol.receive_response(fetch, body, NOW)
    assert error.value.subscriptions == ()

    protocol.subscribe([LIST])
    assert not fetched(drain(protocol))  # it is on its way already
    with pytest.raises(UnreadableStream) as error:
        protocol.receive_response(fetch, body, NOW)
    assert error.value.subscriptions == (LIST,)

    first, *_ = protocol.receive_response(fetch, markets("BTCUSDT"), NOW)
    assert first == subscribed(LIST)


def odd_market(**fields: object) -> dict[str, object]:
    return {**market("ETHUSDT"), **fields}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        5,
        [],
        {},
        odd_market(baseAsset=None),
        odd_market(symbol=7),
        odd_market(filters=None),
        odd_market(filters=[{"filterType": "LOT_SIZE", "stepSize": 0.1}]),
        odd_market(quotePrecision=10**30),
        odd_market(baseAsset="A /"),
    ],
)
def test_an_odd_market_costs_itself_alone(odd: object) -> None:
    protocol = BinanceProtocol(SPOT)
    protocol.subscribe([LIST])
    (fetch,) = fetched(drain(protocol))
    body = listed([market("BTCUSDT"), odd, market("SOLUSDT")])

    first, left_out, *published = protocol.receive_response(fetch, body, NOW)

    assert first == subscribed(LIST)
    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (LIST, 1)
    assert [one.symbol for one in published if isinstance(one, Instrument)] == [
        "BTC/USDT",
        "SOL/USDT",
    ]


@pytest.mark.parametrize(
    "row",
    [
        odd_market(status=None),
        odd_market(status="SOMETHING_NEW"),
        odd_market(filters=[{"filterType": "NEW", "notional": 5}, {"filterType": ["?"]}]),
    ],
)
def test_words_and_rules_of_a_new_kind_leave_a_market_readable(row: object) -> None:
    protocol = BinanceProtocol(SPOT)
    protocol.subscribe([LIST])
    (fetch,) = fetched(drain(protocol))

    _, one = protocol.receive_response(fetch, listed([row]), NOW)

    assert isinstance(one, Instrument)
    assert one.symbol == "ETH/USDT"


def test_a_list_without_its_time_is_a_list() -> None:
    protocol = BinanceProtocol(SPOT)
    protocol.subscribe([LIST])
    (fetch,) = fetched(drain(protocol))

    _, one = protocol.receive_response(fetch, b'{"symbols":[%b]}' % dumps(market("ETHUSDT")), NOW)

    assert isinstance(one, Instrument)
    assert one.venue_ns is None


@pytest.mark.parametrize(
    ("rows", "are_refused"),
    [
        ([market("SOLUSDT")], True),
        ([market("SOLUSDT"), {**market("BTCUSDT"), "quoteAsset": 5}], False),
        ([market("SOLUSDT"), {**market("BTCUSDT"), "symbol": None}], False),
        ([], False),
    ],
)
def test_streams_of_a_market_whose_row_cannot_be_read_stay_active(
    rows: list[object], are_refused: bool
) -> None:
    protocol = rest_client(TRADES)
    protocol.receive(yes(1), NOW)
    (fetch,) = fetched(drain(protocol))

    events = protocol.receive_response(fetch, listed(rows), NOW)

    assert [type(one) for one in events] == ([Refused] if are_refused else [])


def dumps(value: object) -> bytes:
    return json.dumps(value).encode()
