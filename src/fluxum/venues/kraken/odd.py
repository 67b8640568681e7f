"""Frames of which something cannot be read: the rest of them, and which streams that harms.

Every stream but books is a list of rows, which are read one by one. The levels of a book are read
so as well, and its checksum says whether one that was left out is missed. A frame that names
neither a row nor a market harms every stream of its channel; an answer harms none, as it is no
data.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import MsgspecError, Raw, Struct

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import LeftOut, Subscription
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.kraken import native, normalize
from fluxum.venues.kraken.normalize import VENUE, Numbers
from fluxum.venues.rows import LeftOutRows

__all__ = ["Carrier", "OddRow", "left_out", "readable"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_ODD = (*_UNREADABLE, RemoteProtocolError)
_SAMPLE_BYTES = 200


class Carrier(Protocol):
    """What a link carries."""

    def named(
        self, channel: str, symbol: str | None, interval_s: int | None
    ) -> tuple[Subscription, ...]:
        """The subscriptions of a channel, of one symbol and interval where these are given."""
        ...

    def takes(self, channel: str, symbol: str, interval_s: int | None) -> bool:
        """Whether data of a stream is expected, late or learned from."""
        ...


class OddRow(Struct, frozen=True):
    """A row that was left out, and the stream that it names if that is subscribed to."""

    raw: bytes
    reason: str
    subscription: Subscription | None


class _Rows(Struct, frozen=True):
    """How a row of a channel is read; `check` raises for one that makes no sense."""

    decode: Callable[[Raw], Any]
    check: Callable[[Any], object]


_ROWS: Mapping[str, _Rows] = {
    "trade": _Rows(native.decode_trade, lambda wire: normalize.trade(wire, "update", 0)),
    "ticker": _Rows(native.decode_ticker, lambda wire: normalize.ticker(wire, 0)),
    "ohlc": _Rows(native.decode_candle, lambda wire: normalize.candle(wire, None, 0)),
    "book": _Rows(native.decode_level, lambda wire: Numbers().levels((wire,))),
    "level3 snapshot": _Rows(native.decode_order, lambda wire: Numbers().orders((wire,))),
    "level3 update": _Rows(native.decode_order, lambda wire: Numbers().changes((wire,))),
}


def readable(frame: bytes, reason: str, carrier: Carrier) -> tuple[Any, Sequence[OddRow]]:
    """The frame without what is odd about it, and the rows that were left out.

    Raises RemoteProtocolError with the reason for a frame that names no channel, and
    UnreadableStream if nothing of it is left.
    """
    try:
        outline = native.decode_outline(frame)
    except _UNREADABLE:
        raise RemoteProtocolError(reason) from None
    channel = outline.channel
    if outline.method is not None:
        raise UnreadableStream(reason, ())
    rows = _rows_of(outline.data)
    if rows and outline.type in {"snapshot", "update"}:
        if channel in {"trade", "ticker", "ohlc"}:
            return _without_rows(outline, rows, carrier)
        if channel in {"book", "level3"} and len(rows) == 1:
            return _without_levels(outline, rows[0], reason, carrier)
    raise UnreadableStream(reason, carrier.named(channel, None, None))


def left_out(rows: Sequence[OddRow], received_ns: int) -> list[LeftOut]:
    """An event for each stream that lacks rows."""
    by_stream: dict[Subscription | None, list[OddRow]] = {}
    for row in rows:
        by_stream.setdefault(row.subscription, []).append(row)
    return [
        LeftOutRows(
            len(odd), odd[0].reason, odd[0].raw[:_SAMPLE_BYTES].decode("utf-8", "replace")
        ).event(VENUE, subscription, received_ns)
        for subscription, odd in by_stream.items()
    ]


def _without_rows(
    outline: native.Outline, raws: Sequence[Raw], carrier: Carrier
) -> tuple[Any, Sequence[OddRow]]:
    channel, how = outline.channel, _ROWS[outline.channel]
    rows: list[Any] = []
    odd: list[OddRow] = []
    for raw in raws:
        try:
            wire = how.decode(raw)
            how.check(wire)
            if not carrier.takes(channel, wire.symbol, _interval_s(wire)):
                raise RemoteProtocolError(f"{channel} data that nobody asked for: {wire.symbol}")
        except _ODD as error:
            odd.append(OddRow(bytes(raw), str(error), _stream_of(channel, raw, carrier)))
        else:
            rows.append(wire)
    if not rows:
        streams = dict.fromkeys(row.subscription for row in odd if row.subscription is not None)
        raise UnreadableStream(odd[0].reason, tuple(streams))
    frame: dict[str, Any] = {"type": outline.type, "data": tuple(rows)}
    if channel == "ohlc":
        return native.OhlcFrame(**frame, timestamp=_time(outline.timestamp)), odd
    return (native.TradeFrame if channel == "trade" else native.TickerFrame)(**frame), odd


def _without_levels(
    outline: native.Outline, raw: Raw, reason: str, carrier: Carrier
) -> tuple[Any, Sequence[OddRow]]:
    channel = outline.channel
    stream = _stream_of(channel, raw, carrier)
    try:
        book = native.decode_book_outline(raw)
    except _UNREADABLE:
        harmed = carrier.named(channel, None, None) if stream is None else (stream,)
        raise UnreadableStream(reason, harmed) from None
    how = _ROWS["book" if channel == "book" else f"level3 {outline.type}"]
    odd: list[OddRow] = []

    def side(raws: Raw) -> tuple[Any, ...]:
        levels = _rows_of(raws)
        if levels is None:
            raise UnreadableStream(reason, () if stream is None else (stream,))
        found: list[Any] = []
        for one in levels:
            try:
                wire = how.decode(one)
                how.check(wire)
            except _ODD as error:
                odd.append(OddRow(bytes(one), str(error), stream))
            else:
                found.append(wire)
        return tuple(found)

    data: dict[str, Any] = {
        "symbol": book.symbol,
        "bids": side(book.bids),
        "asks": side(book.asks),
        "checksum": book.checksum,
        "timestamp": _time(book.timestamp),
    }
    frame: dict[str, Any] = {"type": outline.type}
    if channel == "book":
        return native.BookFrame(**frame, data=(native.BookData(**data),)), odd
    return native.Level3Frame(**frame, data=(native.Level3Data(**data),)), odd


def _rows_of(data: Raw) -> Sequence[Raw] | None:
    """The rows of a list, none where there is nothing; `None` for what is no list."""
    try:
        return native.decode_rows(data) or ()
    except _UNREADABLE:
        return None


def _stream_of(channel: str, raw: Raw, carrier: Carrier) -> Subscription | None:
    """The subscription that a row names, if it can be told."""
    try:
        named = native.decode_symbol_outline(raw)
    except _UNREADABLE:
        return None
    found = carrier.named(channel, named.symbol, _interval_s(named))
    return found[0] if len(found) == 1 else None


def _interval_s(wire: object) -> int | None:
    minutes: int | None = getattr(wire, "interval", None)
    return None if minutes is None else minutes * 60


def _time(raw: Raw) -> str | None:
    """A time that can be read, which no stream needs."""
    try:
        text = native.decode_text(raw)
        normalize.instant(text)
    except _ODD:
        return None
    return text
