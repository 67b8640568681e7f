"""Tests of `venues.stream_readers`: frames of one subscription, read at once or row by row."""

import json
from collections.abc import Sequence

import pytest
from msgspec import Raw
from msgspec.json import Decoder

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, LeftOut, Subscribed, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle, Ticker
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.rows import exact
from fluxum.venues.stream_readers import RowCodec, RowReader, closing, read_frame

NOW = 1_700_000_000_000_000_000
BTC = Symbol("BTC/USD")
TICKERS = Subscription(Channel.TICKER, BTC)
ACKNOWLEDGED = Subscribed(venue="toy", subscription=TICKERS, received_ns=NOW)
CODEC = RowCodec(Decoder(list[str]).decode, Decoder(list[Raw]).decode, Decoder(str).decode)


class Reading:
    """A reader of tickers, whose frames are lists of prices, and how often it acknowledged."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.reader = RowReader("toy", TICKERS, self.acknowledge, CODEC, ticker)

    def acknowledge(self, received_ns: int) -> Sequence[Event]:
        self.acknowledged += 1
        return () if self.acknowledged > 1 else [ACKNOWLEDGED]

    def read(self, *rows: object) -> Sequence[Event]:
        return read_frame(self.reader, json.dumps(rows).encode(), NOW, (TICKERS,))


def ticker(price: str, received_ns: int) -> Ticker:
    return Ticker(venue="toy", symbol=BTC, last=exact(price), received_ns=received_ns)


def candle(start_s: int, close: str, *, closed: bool) -> Candle:
    one = exact("1")
    return Candle(
        venue="toy",
        symbol=BTC,
        interval_s=60,
        start_ns=start_s * 1_000_000_000,
        end_ns=(start_s + 60) * 1_000_000_000,
        open=one,
        high=one,
        low=one,
        close=exact(close),
        volume=one,
        closed=closed,
        received_ns=NOW,
    )


def test_the_first_rows_acknowledge_and_each_row_is_a_fact() -> None:
    reading = Reading()

    assert reading.read("1", "2") == [ACKNOWLEDGED, ticker("1", NOW), ticker("2", NOW)]
    assert reading.read("3") == [ticker("3", NOW)]


@pytest.mark.parametrize("odd", [7, None, "x", ["1"]])
def test_a_row_that_cannot_be_read_is_left_out_and_the_others_are_published(odd: object) -> None:
    acknowledged, left_out, *facts = Reading().read("1", odd, "2")

    assert acknowledged == ACKNOWLEDGED
    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (TICKERS, 1)
    assert facts == [ticker("1", NOW), ticker("2", NOW)]


@pytest.mark.parametrize("frame", [b"[7]", b"{}", b"", b"\xff", b"[" * 5000])
def test_a_frame_of_which_nothing_can_be_read_harms_its_subscription(frame: bytes) -> None:
    reading = Reading()

    with pytest.raises(UnreadableStream) as caught:
        read_frame(reading.reader, frame, NOW, (TICKERS,))

    assert caught.value.subscriptions == (TICKERS,)
    assert reading.acknowledged == 0


def test_a_frame_without_rows_has_nothing_to_read_loosely() -> None:
    with pytest.raises(RemoteProtocolError, match="no rows"):
        Reading().reader.read_loosely(b"[]", NOW)


def test_candles_of_one_subscription_close_once_each() -> None:
    publish = closing()

    running, closed = candle(0, "1", closed=False), candle(0, "1", closed=True)
    assert publish([running, closed, closed, running]) == [running, closed]
    (correction,) = publish([candle(0, "2", closed=True)])
    assert isinstance(correction, Candle)
    assert correction.is_correction
