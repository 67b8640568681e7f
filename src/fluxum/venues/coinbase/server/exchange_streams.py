"""One subscription each of the simulated Exchange feed: what the client was sent, and what is new.

Live frames are the model (recording of 2021-04-17, bmoscon/cryptofeed sample_data/COINBASE.ws.28.0
@ cca7f121de1a): asks before bids in a snapshot, the maker's side in a match, the taker's in a
ticker. All messages of a product share one sequence.
"""

from collections.abc import Sequence

from fluxum.model.instrument import Instrument
from fluxum.model.market import Level, Trade
from fluxum.venues.coinbase.exchange import native
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.server.formats import plain
from fluxum.venues.server.book_diff import BookWindow, ChangeStream, Kind, Sides
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.streams import Change, FrameStream, Stream, TradeStream, last_trade_id

__all__ = ["CHANNELS", "heartbeat", "make_stream"]

CHANNELS = ("level2", "level2_batch", "matches", "ticker")
"""What this server streams of a product, heartbeats apart."""

_SEQUENCES_PER_MOVE = 100  # a move can be several trades, and each has its own
_NOBODY = "00000000-0000-0000-0000-000000000000"
_ZEROS = ("0", "0.00000000", "0.000000")

Rows = tuple[tuple[str, str], ...]


def make_stream(channel: str, view: MarketView, instrument: Instrument) -> Stream:
    """The stream of one of CHANNELS."""
    match channel:
        case "level2" | "level2_batch":
            return _book(view, instrument)
        case "matches":
            return _matches(view, instrument)
        case _:
            assert channel == "ticker", channel
            return _ticker(view, instrument)


def heartbeat(
    view: MarketView, instrument: Instrument, matches: Stream | None, now_ns: int
) -> bytes:
    """A product's heartbeat, with the last trade: the last that this client was sent."""
    symbol = instrument.symbol
    last = matches.last_id if isinstance(matches, TradeStream) else last_trade_id(view, symbol)
    return native.encode(
        native.Heartbeat(
            product_id=instrument.venue_symbol,
            last_trade_id=last,
            time=instant_text(now_ns),
            sequence=view.revision(symbol) * _SEQUENCES_PER_MOVE,
        )
    )


def _book(view: MarketView, instrument: Instrument) -> ChangeStream:
    """All levels, and changes to them. Texts of prices and zeros vary, as they do live."""
    product, updates = instrument.venue_symbol, 0

    def row(level: Level) -> tuple[str, str]:
        price = plain(level.price)
        if "." in price and updates % 2:
            price = f"{price}0000"
        zero = _ZEROS[updates % len(_ZEROS)]
        return price, plain(level.quantity) if level.quantity else zero

    def frame(kind: Kind, sides: Sides, now_ns: int) -> bytes:
        nonlocal updates
        if kind == "snapshot":
            return native.encode(native.Snapshot(product, _rows(sides[1]), _rows(sides[0])))
        updates += 1
        bids: list[tuple[native.Side, str, str]] = [("buy", *row(one)) for one in sides[0]]
        asks: list[tuple[native.Side, str, str]] = [("sell", *row(one)) for one in sides[1]]
        return native.encode(native.L2Update(product, (*bids, *asks), instant_text(now_ns)))

    return ChangeStream(BookWindow(view, instrument.symbol), frame)


def _matches(view: MarketView, instrument: Instrument) -> TradeStream:
    """Trades, each once, behind the last one there was."""

    def match(kind: type[native.Match] | type[native.LastMatch], trade: Trade, index: int) -> bytes:
        return native.encode(
            kind(
                product_id=instrument.venue_symbol,
                trade_id=int(trade.trade_id),
                side=trade.side.opposite.value,
                size=plain(trade.quantity),
                price=plain(trade.price),
                time=instant_text(trade.venue_ns or 0),
                sequence=view.revision(instrument.symbol) * _SEQUENCES_PER_MOVE + index,
                maker_order_id=_NOBODY,
                taker_order_id=_NOBODY,
            )
        )

    def first(trades: Sequence[Trade], _now_ns: int) -> Sequence[bytes]:
        return [match(native.LastMatch, one, 0) for one in trades]

    def frames(trades: Sequence[Trade], _now_ns: int) -> Sequence[bytes]:
        return [match(native.Match, one, index) for index, one in enumerate(trades)]

    return TradeStream(view, instrument.symbol, frames, first=first, past=1)


def _ticker(view: MarketView, instrument: Instrument) -> FrameStream:
    """The market in one line, on subscribing and at each trade; cascades are merged."""
    symbol = instrument.symbol

    def frame(_now_ns: int) -> bytes:
        ticker = view.ticker(symbol)
        trades = view.trades(symbol, 1)
        trade = trades[-1] if trades else None
        return native.encode(
            native.Ticker(
                product_id=instrument.venue_symbol,
                sequence=view.revision(symbol) * _SEQUENCES_PER_MOVE,
                price=plain(ticker.last),
                open_24h=plain(ticker.open),
                volume_24h=plain(ticker.volume),
                low_24h=plain(ticker.low),
                high_24h=plain(ticker.high),
                volume_30d=plain(ticker.volume),
                best_bid=plain(ticker.bid),
                best_bid_size=plain(ticker.bid_quantity),
                best_ask=plain(ticker.ask),
                best_ask_size=plain(ticker.ask_quantity),
                side="" if trade is None else trade.side.value,
                time="" if trade is None else instant_text(trade.venue_ns or 0),
                trade_id=None if trade is None else int(trade.trade_id),
                last_size="" if trade is None else plain(trade.quantity),
            )
        )

    return FrameStream(frame, Change(lambda: last_trade_id(view, symbol)))


def _rows(levels: Sequence[Level]) -> Rows:
    return tuple((plain(one.price), plain(one.quantity)) for one in levels)
