"""The envelope: what other programs read, so it is written here by hand."""

from decimal import Decimal

import msgspec
import pytest

from fluxum.book.proof import BookStatus
from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level, Levels
from fluxum.model.market import BookSnapshot, BookUpdate, Side, Trade
from fluxum.sink.wire import (
    Checkpoint,
    Notice,
    OutboxDropped,
    Tally,
    encode_batch,
    encode_event_line,
    encode_notice,
    events_of,
    read_envelope,
)

BTC = Symbol("BTC/USD")
TRADE = Trade(
    venue="kraken",
    symbol=BTC,
    side=Side.BUY,
    price=Decimal("50000.10"),
    quantity=Decimal("1E-8"),
    trade_id="7",
    received_ns=5,
)
TRADE_LINE = (
    b'{"type":"trade","venue":"kraken","symbol":"BTC/USD","side":"buy","price":"50000.10",'
    b'"quantity":"0.00000001","trade_id":"7","sequence":null,"order_type":"",'
    b'"backfilled":false,"venue_ns":null,"received_ns":5}'
)
UPDATE = BookUpdate(
    "kraken", BTC, (Level(Decimal("1.50"), Decimal(2), None, b"1502"),), (), None, 6, 99, None
)
BOOK = BookSnapshot(
    venue="kraken",
    symbol=BTC,
    bids=(Level(Decimal("1.50"), Decimal(2), None, b"1502"),),
    asks=(),
    depth=10,
    received_ns=6,
    checksum=99,
)
CHECKPOINT = Checkpoint(
    book=BOOK, status=BookStatus.VALID, reason="", generation=2, checks=7, sent_ns=8
)


def test_a_batch_is_this_json() -> None:
    tally = Tally(offered=1, dropped=0, notices=0, held_since_ns=4, sent_ns=9)
    lines = [encode_event_line(TRADE), encode_notice(tally)]

    batch = encode_batch("kraken/BTC-USD/trade", 1_795_636_966_734_432_000, 4711, lines, 1)

    assert batch.payload == (
        b'{"stream":"kraken/BTC-USD/trade","epoch":1795636966734432000,"n":4711,"count":2,'
        b'"events":[' + TRADE_LINE + b',{"type":"tally","offered":1,"dropped":0,"notices":0,'
        b'"held_since_ns":4,"is_last":false,"sent_ns":9}]}'
    )
    assert batch.key == "kraken/BTC-USD/trade.1795636966734432000.4711"
    assert (batch.count, batch.notices, batch.size) == (2, 1, len(lines[0]) + len(lines[1]))
    assert events_of(batch.payload) == b"[" + b",".join(lines) + b"]"


def test_the_events_of_a_batch_are_found_whatever_its_stream_is_called() -> None:
    batch = encode_batch('x"events":[7]/a', 1, 1, [b'{"events":[8]}'], 0)

    assert events_of(batch.payload) == b'[{"events":[8]}]'


def test_every_fact_comes_back_as_it_was() -> None:
    notices: list[Notice] = [OutboxDropped(count=3, sent_ns=1), CHECKPOINT]
    lines = [encode_event_line(TRADE), encode_event_line(UPDATE), *map(encode_notice, notices)]

    found = read_envelope(encode_batch("kraken/link", 1, 1, lines, 2).payload)

    assert list(found.events) == [TRADE, UPDATE, *notices]


def test_the_text_of_levels_comes_back_as_checksums_need_it() -> None:
    found = read_envelope(encode_batch("s", 1, 1, [encode_event_line(UPDATE)], 0).payload)

    assert isinstance(found.events[0], BookUpdate)
    assert found.events[0].bids[0].text == b"1502"


def test_levels_that_are_made_when_read_are_written_as_levels() -> None:
    lazy = msgspec.structs.replace(UPDATE, bids=Levels([("1.50", "2")]))

    found = read_envelope(encode_batch("s", 1, 1, [encode_event_line(lazy)], 0).payload)

    assert isinstance(found.events[0], BookUpdate)
    assert found.events[0].bids == (Level(Decimal("1.50"), Decimal(2)),)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nonsense",
        b'{"stream":"s","epoch":1,"n":1,"count":2,"events":[]}',
        b'{"stream":"s","epoch":1,"n":1,"count":0,"events":[]}',
        b'{"stream":"s","epoch":1,"n":0,"count":1,"events":[' + TRADE_LINE + b"]}",
        b'{"stream":"s","epoch":1,"n":1,"count":1,"events":[{"type":"unknown"}]}',
        b'{"stream":"s","epoch":1,"n":1,"count":1,"events":['
        + TRADE_LINE.replace(b"BTC/USD", b"BTCUSD")
        + b"]}",
    ],
)
def test_what_is_no_batch_is_refused(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_envelope(payload)
