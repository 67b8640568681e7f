"""Events as JSON lines: exact digits, no exponents, and back without loss."""

import json
import re
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts import EVENT_TYPES, structs
from fluxum.errors import BadInput
from fluxum.model.codec import decode_event, encode_event, plain
from fluxum.model.event import (
    Channel,
    Event,
    Gap,
    GapCause,
    Refused,
    Repair,
    Subscribed,
    Subscription,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate, Level, Side, Ticker, Trade

BTC = Symbol("BTC/USD")


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.__name__)
def test_every_event_comes_back_as_it_went(cls: type[Event]) -> None:
    @given(structs(cls))
    def check(event: Event) -> None:
        line = encode_event(event)

        assert decode_event(line) == event
        assert type(decode_event(line)) is cls
        assert b"\n" not in line
        assert not re.search(rb"\d[eE][+-]?\d", line)
        assert b'"text"' not in line

    check()


@pytest.mark.parametrize("cls", EVENT_TYPES, ids=lambda cls: cls.__name__)
def test_the_encoder_writes_the_bytes_of_plain(cls: type[Event]) -> None:
    @given(structs(cls))
    def check(event: Event) -> None:
        assert encode_event(event) == msgspec.json.encode(plain(event))

    check()


def test_a_text_that_looks_like_a_field_stays_as_it_is() -> None:
    text = '","text":"1E-8","price":"1E-8","'
    level = Level(Decimal("1E-8"), Decimal("2E+3"), None, b"18")

    refused = encode_event(Refused(venue="k", message=text, received_ns=1))
    book = encode_event(BookUpdate(text, BTC, (level,), (level,), None, 1))

    assert json.loads(refused)["message"] == text
    assert json.loads(book)["venue"] == text
    assert json.loads(book)["asks"] == [{"price": "0.00000001", "quantity": "2000", "orders": None}]


def test_a_trade_is_written_like_this() -> None:
    trade = Trade(
        venue="kraken",
        symbol=BTC,
        side=Side.SELL,
        price=Decimal("45283.50"),
        quantity=Decimal("1E-8"),
        trade_id="4665846",
        venue_ns=1_700_000_000_123_456_789,
        received_ns=1_700_000_000_200_000_000,
    )

    assert json.loads(encode_event(trade)) == {
        "type": "trade",
        "venue": "kraken",
        "symbol": "BTC/USD",
        "side": "sell",
        "price": "45283.50",
        "quantity": "0.00000001",
        "trade_id": "4665846",
        "sequence": None,
        "order_type": "",
        "backfilled": False,
        "venue_ns": 1_700_000_000_123_456_789,
        "received_ns": 1_700_000_000_200_000_000,
    }


def test_a_gap_is_written_like_this() -> None:
    gap = Gap(
        venue="kraken",
        subscription=Subscription(Channel.BOOK, BTC, 10),
        cause=GapCause.LINK_LOST,
        repair=Repair.SNAPSHOT,
        since_ns=1,
        until_ns=5,
        received_ns=5,
    )

    assert encode_event(gap) == (
        b'{"type":"gap","venue":"kraken","subscription":'
        b'{"channel":"book","symbol":"BTC/USD","depth":10,"interval_s":null},'
        b'"cause":"link_lost","repair":"snapshot","since_ns":1,"until_ns":5,'
        b'"missing":null,"detail":"","received_ns":5}'
    )


def test_the_checksum_text_of_a_level_is_left_out() -> None:
    level = Level(Decimal("1.10"), Decimal(0), 2, b"11000")
    update = BookUpdate("kraken", BTC, (level,), (), None, 1)

    (written,) = plain(update)["bids"]

    assert written == {"price": "1.10", "quantity": "0", "orders": 2}
    assert decode_event(encode_event(update)) == BookUpdate(
        "kraken", BTC, (Level(Decimal("1.10"), Decimal(0), 2),), (), None, 1
    )


def test_digits_are_kept_and_exponents_are_not() -> None:
    for number, text in (
        (Decimal("45283.50"), "45283.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0E-8"), "0.00000000"),
        (Decimal("-1.5E-7"), "-0.00000015"),
    ):
        assert plain(Ticker(venue="k", symbol=BTC, last=number, received_ns=1))["last"] == text


def test_a_nonsense_exponent_does_not_fill_the_memory() -> None:
    told = plain(Ticker(venue="k", symbol=BTC, last=Decimal("1E+999999"), received_ns=1))

    assert told["last"] == "1E+999999"


def test_plain_takes_any_fact() -> None:
    assert plain([Subscription(Channel.TRADE, BTC), Side.BUY, None, 1]) == [
        {"channel": "trade", "symbol": "BTC/USD", "depth": None, "interval_s": None},
        "buy",
        None,
        1,
    ]


def test_a_symbol_comes_back_as_a_symbol() -> None:
    event = decode_event(
        encode_event(
            Subscribed(venue="k", subscription=Subscription(Channel.TRADE, BTC), received_ns=1)
        )
    )

    assert isinstance(event, Subscribed)
    assert isinstance(event.subscription.symbol, Symbol)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"{}",
        b"[]",
        b'{"type":"nothing"}',
        b'{"type":"dropped","venue":"k","count":"two","received_ns":1}',
        b'{"type":"dropped","venue":"k","count":2}',
        b'{"type":"ticker","venue":"k","symbol":"BTCUSD","received_ns":1}',
        b'{"type":"ticker","venue":"k","symbol":"A/B","last":"x","received_ns":1}',
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_event_is_refused_with_its_beginning(line: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        decode_event(line)
    assert repr(line[:80]) in str(caught.value)


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_bad_input(line: bytes) -> None:
    with pytest.raises(BadInput):
        decode_event(line)
