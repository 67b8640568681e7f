"""Frames of which a part cannot be read: the other parts, and the streams that lack something.

Every stream but books is a list of rows, which are read one by one. The levels of a book are read
so as well, and its checksum shows whether one that was left out is missed. A frame that names
neither a row nor a market harms every stream of its channel; an answer harms none, as it is no
data.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from msgspec import Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.kraken import native, normalize
from fluxum.venues.kraken.normalize import Numbers
from fluxum.venues.kraken.topics import CHANNELS
from fluxum.venues.reading import Reading

__all__ = ["LooseReader"]

# How a row of a channel is decoded, and the check that raises for one that makes no sense.
_ROWS: Mapping[str, tuple[Callable[[Raw], Any], Callable[[Any, Symbol], object]]] = {
    "trade": (native.decode_trade, lambda row, symbol: normalize.trade(row, symbol, "update", 0)),
    "ticker": (native.decode_ticker, lambda row, symbol: normalize.ticker(row, symbol, 0)),
    "ohlc": (
        native.decode_candle,
        lambda row, symbol: normalize.candle(row, symbol, "update", None, 0),
    ),
}
_LEVELS: Mapping[str, tuple[Callable[[Raw], Any], Callable[[Any], object]]] = {
    "book": (native.decode_level, lambda row: Numbers().levels((row,))),
    "level3 snapshot": (native.decode_order, lambda row: Numbers().orders((row,))),
    "level3 update": (native.decode_order, lambda row: Numbers().changes((row,))),
}


class LooseReader:
    """Reads the frames of one link without their unreadable parts.

    `by_topic` are the active subscriptions. `owner` finds the subscription of a topic, and raises
    for one that was not requested.
    """

    def __init__(
        self,
        by_topic: Mapping[str, Subscription],
        owner: Callable[[str], Subscription | None],
    ) -> None:
        self._by_topic = by_topic
        self._owner = owner

    def read(self, frame: bytes, reason: str, reading: Reading) -> native.Frame:
        """The frame without the rows that cannot be read, which are left out of the reading.

        Raises RemoteProtocolError with the reason for a frame that names no channel, and
        UnreadableStream for one that is no list of rows.
        """
        try:
            outline = native.decode_outline(frame)
        except UNREADABLE:
            raise RemoteProtocolError(reason) from None
        channel = outline.channel
        if outline.method is not None:
            raise UnreadableStream(reason, ())
        rows = _rows_of(outline.data)
        if rows and outline.type in {"snapshot", "update"}:
            if channel in {"trade", "ticker", "ohlc"}:
                return self._without_rows(outline, rows, reading)
            if channel in {"book", "level3"} and len(rows) == 1:
                return self._without_levels(outline, rows[0], reason, reading)
        raise UnreadableStream(reason, self._named(channel))

    def _without_rows(
        self, outline: native.Outline, raws: Sequence[Raw], reading: Reading
    ) -> native.Frame:
        channel, kind = outline.channel, cast("native.Kind", outline.type)
        decode, check = _ROWS[channel]

        def read(raw: Raw) -> Any:
            row = decode(raw)
            interval = f" {row.interval}" if channel == "ohlc" else ""
            owner = self._owner(f"{channel} {row.symbol}{interval}")
            if owner is not None and owner.symbol is not None:
                check(row, owner.symbol)
            return row

        rows = reading.items(raws, read, lambda raw: self._streams(channel, raw) or ())
        if channel == "ohlc":
            return native.OhlcFrame(kind, rows, _time(outline.timestamp))
        return (native.TradeFrame if channel == "trade" else native.TickerFrame)(kind, rows)

    def _without_levels(
        self, outline: native.Outline, raw: Raw, reason: str, reading: Reading
    ) -> native.Frame:
        channel, kind = outline.channel, cast("native.Kind", outline.type)
        streams = self._streams(channel, raw)
        if streams is None:
            streams = self._named(channel)
        try:
            book = native.decode_book_outline(raw)
        except UNREADABLE:
            raise UnreadableStream(reason, streams) from None
        decode, check = _LEVELS["book" if channel == "book" else f"level3 {kind}"]

        def read(raw: Raw) -> Any:
            row = decode(raw)
            check(row)
            return row

        data: dict[str, Any] = {
            "symbol": book.symbol,
            "bids": reading.items(book.bids or (), read, lambda _: streams),
            "asks": reading.items(book.asks or (), read, lambda _: streams),
            "checksum": book.checksum,
            "timestamp": _time(book.timestamp),
        }
        if channel == "book":
            return native.BookFrame(kind, (native.BookData(**data),))
        return native.Level3Frame(kind, (native.Level3Data(**data),))

    def _streams(self, channel: str, raw: Raw) -> tuple[Subscription, ...] | None:
        """The streams that a row names, `None` where that cannot be read."""
        try:
            named = native.decode_symbol_outline(raw)
        except UNREADABLE:
            return None
        return self._named(channel, named.symbol, named.interval)

    def _named(
        self, channel: str, symbol: str | None = None, interval: int | None = None
    ) -> tuple[Subscription, ...]:
        """The subscriptions of a channel, of one symbol and interval where these are given."""
        interval_s = None if interval is None else interval * 60
        return tuple(
            one
            for one in self._by_topic.values()
            if one.channel is CHANNELS.get(channel)
            and symbol in (None, one.symbol)
            and interval_s in (None, one.interval_s)
        )


def _rows_of(data: Raw) -> Sequence[Raw]:
    """The rows of a list; none where there is no list."""
    try:
        return native.decode_rows(data) or ()
    except UNREADABLE:
        return ()


def _time(raw: Raw) -> str | None:
    """A time, `None` where it cannot be read: no stream needs it."""
    try:
        text = native.decode_text(raw)
        normalize.instant(text)
    except UNREADABLE:
        return None
    return text
