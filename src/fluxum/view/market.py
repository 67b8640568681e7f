"""One market of a view: the book with its proof, the last trades, ticker, candles and gaps."""

from decimal import Decimal

from fluxum.board import Noted
from fluxum.book.book import Book
from fluxum.model.event import Channel, Gap
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.session.gaps import OpenGap
from fluxum.view.facts import (
    BookView,
    CandleView,
    GapView,
    LevelView,
    MarketView,
    ProofView,
    TickerView,
    TradeView,
)
from fluxum.view.keeper import ViewKeeper
from fluxum.view.readings import VenueReadings
from fluxum.view.words import printable

__all__ = ["book_view", "market_view", "markets_of"]

_BPS = Decimal(10_000)
_CENT = Decimal("0.01")


def markets_of(found: VenueReadings) -> tuple[Symbol, ...]:
    """The markets of a venue, in the order of subscription; refused ones come last."""
    every = (*found.subscriptions, *found.refused)
    return tuple(dict.fromkeys(one.symbol for one in every if one.symbol is not None))


def market_view(
    found: VenueReadings,
    symbol: Symbol,
    keeper: ViewKeeper,
    *,
    depth: int,
    trades: int,
    candles: int,
) -> MarketView:
    """One market, to so many levels a side, trades and candles."""
    venue = found.venue
    book = found.books.get(symbol)
    ticker = keeper.ticker(venue, symbol)
    interval_s = _interval_s(found, symbol)
    return MarketView(
        venue=venue,
        symbol=symbol,
        book=None if book is None else book_view(book, depth, keeper.now_ns()),
        ticker=None if ticker is None else _ticker(ticker),
        trades=tuple(map(_trade, keeper.trades(venue, symbol, trades))),
        trades_seen=keeper.trades_seen(venue, symbol),
        interval_s=interval_s,
        candles=()
        if interval_s is None or not candles
        else tuple(map(_candle, keeper.candles(venue, symbol, interval_s, candles))),
        gaps=_gaps(found, symbol, keeper) if candles else (),
        failure="; ".join(
            printable(f"{one} refused: {reason}")
            for one, reason in found.refused.items()
            if one.symbol == symbol
        ),
    )


def book_view(book: Book, depth: int, now_ns: int) -> BookView:
    """A book's best levels and its proof."""
    spread, mid = book.spread, book.mid
    return BookView(
        bids=tuple(map(_level, book.levels(Side.BUY, depth))),
        asks=tuple(map(_level, book.levels(Side.SELL, depth))),
        spread=spread,
        mid=mid,
        spread_bps=(spread / mid * _BPS).quantize(_CENT) if spread is not None and mid else None,
        proof=_proof(book, now_ns),
    )


def _proof(book: Book, now_ns: int) -> ProofView:
    proof = book.proof()
    return ProofView(
        status=proof.status,
        reason=printable(proof.reason),
        checks=proof.checks,
        generation=proof.generation,
        age_s=proof.age_s(now_ns),
        updated_age_s=None if proof.updated_ns is None else (now_ns - proof.updated_ns) / 1e9,
        checksum=proof.checksum,
        sequence=proof.sequence,
        depth_proved=proof.depth_proved,
    )


def _level(level: Level) -> LevelView:
    return LevelView(level.price, level.quantity)


def _ticker(noted: Noted[Ticker]) -> TickerView:
    ticker = noted.value
    return TickerView(
        last=ticker.last,
        bid=ticker.bid,
        ask=ticker.ask,
        open=ticker.open,
        high=ticker.high,
        low=ticker.low,
        volume=ticker.volume,
        change_percent=ticker.change_percent,
        age_s=noted.age_ns / 1e9,
        reason=printable(noted.reason),
    )


def _trade(trade: Trade) -> TradeView:
    return TradeView(
        at_ns=trade.received_ns if trade.venue_ns is None else trade.venue_ns,
        side=trade.side,
        price=trade.price,
        quantity=trade.quantity,
        trade_id=trade.trade_id,
        backfilled=trade.backfilled,
    )


def _candle(candle: Candle) -> CandleView:
    return CandleView(
        start_ns=candle.start_ns,
        end_ns=candle.end_ns,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
        closed=candle.closed,
        backfilled=candle.backfilled,
    )


def _gaps(found: VenueReadings, symbol: Symbol, keeper: ViewKeeper) -> tuple[GapView, ...]:
    ended = [_gap(one) for one in keeper.gaps(found.venue, symbol)]
    return (
        *ended,
        *(_open_gap(one) for one in found.gaps_open if one.subscription.symbol == symbol),
    )


def _gap(gap: Gap) -> GapView:
    return GapView(
        channel=gap.subscription.channel,
        cause=gap.cause,
        repair=gap.repair,
        since_ns=gap.since_ns,
        until_ns=gap.until_ns,
        missing=gap.missing,
        detail=printable(gap.detail),
    )


def _open_gap(gap: OpenGap) -> GapView:
    return GapView(
        channel=gap.subscription.channel,
        cause=gap.cause,
        repair=None,
        since_ns=gap.since_ns,
        until_ns=None,
        missing=None,
        detail=printable(gap.detail),
    )


def _interval_s(found: VenueReadings, symbol: Symbol) -> int | None:
    return next(
        (
            one.interval_s
            for one in found.subscriptions
            if one.channel is Channel.CANDLE and one.symbol == symbol
        ),
        None,
    )
