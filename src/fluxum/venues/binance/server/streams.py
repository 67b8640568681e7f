"""One stream each, from the venue's chair: what its subscriber was told, and what is new.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams.
The real venue gathers changes for 100 ms to 2 s; here each is told at once.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import UNSET, Struct, structs

from fluxum.model.instrument import Instrument
from fluxum.model.interval import interval_end, interval_start
from fluxum.model.market import Candle, Side
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.server.formats import bar_of, plain, rows, span_of, turnover
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.server.book_diff import BookWindow
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.formats import millis

__all__ = ["KlineStream", "Stream", "make_stream", "make_stream_of_all"]

_LOOK_BACK = 10
_PARTIAL = {"5": 5, "10": 10, "20": 20}
_SPEEDS = ("", "@100ms")
_FUTURES_SPEEDS = (*_SPEEDS, "@250ms", "@500ms")


class Stream(Protocol):
    """One stream of one market to one client."""

    def update(self, now_ns: int) -> Sequence[object]:
        """What changed since it was told last; called after each move of the market."""
        ...


def make_stream(
    policy: Policy,
    view: MarketView,
    snapshots: Snapshots,
    instrument: Instrument,
    kind: str,
    now_ns: int,
) -> Stream | None:
    """The stream of a kind, such as `kline_1m`; none for one that does not exist."""
    if kind in {"depth", "depth@100ms"} or (policy.is_futures and kind == "depth@500ms"):
        return _DepthStream(policy, view, snapshots, instrument)
    if kind in {"trade", "aggTrade"}:
        return _TradeStream(policy, view, instrument, is_aggregated=kind == "aggTrade")
    if kind == "ticker":
        return _TickerStream(policy, view, instrument)
    if kind == "miniTicker":
        return _MiniTickerStream(policy, view, instrument)
    if kind == "bookTicker":
        return _BookTickerStream(policy, view, instrument)
    for interval_s, name in policy.intervals.items():
        if kind == f"kline_{name}":
            return KlineStream(view, instrument, interval_s, name, now_ns)
    speeds = _FUTURES_SPEEDS if policy.is_futures else _SPEEDS
    for text, levels in _PARTIAL.items():
        if kind in {f"depth{text}{speed}" for speed in speeds}:
            return _PartialStream(view, instrument, levels, is_futures=policy.is_futures)
    return None


def make_stream_of_all(
    policy: Policy, view: MarketView, instrument: Instrument, name: str
) -> Stream | None:
    """One market's part of a stream of all of them, such as `!miniTicker@arr`."""
    if name == "!miniTicker@arr":
        return _Listed(_MiniTickerStream(policy, view, instrument))
    if policy.is_futures and name == "!ticker@arr":
        return _Listed(_TickerStream(policy, view, instrument))
    if policy.is_futures and name == "!bookTicker":
        return _BookTickerStream(policy, view, instrument)
    return None


class _Listed:
    """The events of a stream as lists, as streams of all markets send those that changed."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def update(self, now_ns: int) -> Sequence[object]:
        """One list, if there is anything in it."""
        events = self._stream.update(now_ns)
        return (events,) if events else ()


class _DepthStream:
    """Every changed level, with the updates it took from where the last event ended."""

    def __init__(
        self, policy: Policy, view: MarketView, snapshots: Snapshots, instrument: Instrument
    ) -> None:
        self._view = view
        self._snapshots = snapshots
        self._instrument = instrument
        self._is_futures = policy.is_futures
        self._window = BookWindow(view, instrument.symbol)
        self._window.whole()
        self._told = self._window.revision

    def update(self, now_ns: int) -> Sequence[Struct]:
        """One event of both sides, if any level changed."""
        changes = self._snapshots.complete(
            self._view, self._instrument.symbol, self._told, self._window.changes()
        )
        if changes is None:
            return ()
        before, self._told = self._told, self._window.revision
        return (
            native.DepthUpdate(
                E=millis(now_ns),
                s=self._instrument.venue_symbol,
                U=before + 1,
                u=self._told,
                b=rows(changes[0]),
                a=rows(changes[1]),
                T=millis(now_ns) if self._is_futures else None,
                pu=before if self._is_futures else None,
            ),
        )


class _PartialStream:
    """The best levels, whole each time; futures send them as they send changes."""

    def __init__(
        self, view: MarketView, instrument: Instrument, levels: int, *, is_futures: bool
    ) -> None:
        self._instrument = instrument
        self._is_futures = is_futures
        self._window = BookWindow(view, instrument.symbol, levels)

    def update(self, now_ns: int) -> Sequence[Struct]:
        """All of them, if any changed."""
        before = self._window.revision
        if self._window.changes() is None:
            return ()
        bids, asks = self._window.whole()
        last = self._window.revision
        if not self._is_futures:
            return (native.Depth(last, rows(bids), rows(asks)),)
        return (
            native.DepthUpdate(
                u=last,
                b=rows(bids),
                a=rows(asks),
                E=millis(now_ns),
                s=self._instrument.venue_symbol,
                U=before + 1,
                T=millis(now_ns),
                pu=before,
            ),
        )


class _TradeStream:
    """Every trade from now on; aggregated ones are of one match each here."""

    def __init__(
        self, policy: Policy, view: MarketView, instrument: Instrument, *, is_aggregated: bool
    ) -> None:
        self._view = view
        self._instrument = instrument
        self._is_aggregated = is_aggregated
        self._kind = "MARKET" if policy.is_futures else UNSET
        self._told = self._last()

    def update(self, now_ns: int) -> Sequence[Struct]:
        """The trades since the last time, oldest first."""
        last, told = self._last(), self._told
        if last == told:
            return ()
        self._told = last
        name, event_ms = self._instrument.venue_symbol, millis(now_ns)
        events: list[Struct] = []
        for trade in self._view.trades(self._instrument.symbol, last - told):
            number = trade.sequence or 0
            price, quantity = plain(trade.price), plain(trade.quantity)
            trade_ms, is_sell = millis(trade.received_ns), trade.side is Side.SELL
            if self._is_aggregated:
                events.append(
                    native.AggTrade(
                        E=event_ms,
                        s=name,
                        a=number,
                        p=price,
                        q=quantity,
                        f=number,
                        l=number,
                        T=trade_ms,
                        m=is_sell,
                    )
                )
            else:
                events.append(
                    native.Trade(
                        E=event_ms,
                        s=name,
                        t=number,
                        p=price,
                        q=quantity,
                        T=trade_ms,
                        m=is_sell,
                        X=self._kind,
                    )
                )
        return events

    def _last(self) -> int:
        return _last_trade(self._view, self._instrument)


class _TickerStream:
    """The last 24 hours, whenever anything in it changed."""

    def __init__(self, policy: Policy, view: MarketView, instrument: Instrument) -> None:
        self._view = view
        self._instrument = instrument
        self._is_futures = policy.is_futures
        self._told: native.Ticker | None = None

    def update(self, now_ns: int) -> Sequence[native.Ticker]:
        """All of it, if it is not only the time that changed."""
        event = self._event(now_ns)
        timeless = structs.replace(event, E=0, O=0, C=0)
        if timeless == self._told:
            return ()
        self._told = timeless
        return (event,)

    def _event(self, now_ns: int) -> native.Ticker:
        ticker = self._view.ticker(self._instrument.symbol)
        last_id = _last_trade(self._view, self._instrument)
        opened_ms, closed_ms, first, last = span_of(ticker, last_id, now_ns)
        event = native.Ticker(
            E=closed_ms,
            s=self._instrument.venue_symbol,
            p=plain(ticker.change),
            P=plain(ticker.change_percent),
            w=plain(ticker.vwap),
            c=plain(ticker.last),
            Q=plain(ticker.last_quantity),
            o=plain(ticker.open),
            h=plain(ticker.high),
            l=plain(ticker.low),
            v=plain(ticker.volume),
            q=plain(turnover(ticker.volume, ticker.vwap)),
            O=opened_ms,
            C=closed_ms,
            F=first,
            L=last,
            n=ticker.trades or 0,
        )
        if self._is_futures:
            return event
        return structs.replace(
            event,
            x=plain(ticker.open),
            b=plain(ticker.bid),
            B=plain(ticker.bid_quantity),
            a=plain(ticker.ask),
            A=plain(ticker.ask_quantity),
        )


class _MiniTickerStream:
    """The same in short."""

    def __init__(self, policy: Policy, view: MarketView, instrument: Instrument) -> None:
        self._whole = _TickerStream(policy, view, instrument)

    def update(self, now_ns: int) -> Sequence[Struct]:
        """The part of it that the short form has."""
        return [
            native.MiniTicker(*(getattr(one, name) for name in native.MiniTicker.__struct_fields__))
            for one in self._whole.update(now_ns)
        ]


class _BestLevels(Struct):
    """The best levels as spot tells them: without a tag; see native.BookTicker."""

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class _BookTickerStream:
    """The best levels, whenever they changed."""

    def __init__(self, policy: Policy, view: MarketView, instrument: Instrument) -> None:
        self._instrument = instrument
        self._is_futures = policy.is_futures
        self._window = BookWindow(view, instrument.symbol, 1)

    def update(self, now_ns: int) -> Sequence[Struct]:
        """Both of them, if any changed."""
        if self._window.changes() is None:
            return ()
        bids, asks = self._window.whole()
        bid, bid_quantity = rows(bids)[0] if bids else ("0", "0")
        ask, ask_quantity = rows(asks)[0] if asks else ("0", "0")
        name, revision = self._instrument.venue_symbol, self._window.revision
        if not self._is_futures:
            return (_BestLevels(revision, name, bid, bid_quantity, ask, ask_quantity),)
        now_ms = millis(now_ns)
        return (
            native.BookTicker(
                u=revision,
                s=name,
                b=bid,
                B=bid_quantity,
                a=ask,
                A=ask_quantity,
                T=now_ms,
                E=now_ms,
            ),
        )


class KlineStream:
    """The running candle with each trade, and every candle once when it is closed.

    One without trades is told only then, with the last price
    (https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md, as seen).
    """

    def __init__(
        self,
        view: MarketView,
        instrument: Instrument,
        interval_s: int,
        interval: str,
        now_ns: int,
    ) -> None:
        self._view = view
        self._instrument = instrument
        self._interval_s = interval_s
        self._interval = interval
        self._start_ns = interval_start(now_ns, interval_s)
        self._told: tuple[int, int] | None = None  # of the running one: begin and trades

    def update(self, now_ns: int) -> Sequence[Struct]:
        """The candles that are over, and the running one if there was a trade in it."""
        events = [*self.tick(now_ns)]
        recent = self._view.candles(self._instrument.symbol, self._interval_s, 1)
        if recent and recent[-1].start_ns == self._start_ns:
            running = recent[-1]
            told = (running.start_ns, running.trades or 0)
            if told != self._told:
                self._told = told
                events.append(self._event(running, now_ns, is_closed=False))
        return events

    def tick(self, now_ns: int) -> Sequence[Struct]:
        """The candles that are over and were not told as closed."""
        events: list[Struct] = []
        while (end_ns := interval_end(self._start_ns, self._interval_s)) <= now_ns:
            over = self._candle(self._start_ns)
            self._start_ns = end_ns
            if over is not None:
                events.append(self._event(over, now_ns, is_closed=True))
        return events

    def _candle(self, start_ns: int) -> Candle | None:
        """The candle that began then; without trades, the close of the one before all the time."""
        recent = self._view.candles(self._instrument.symbol, self._interval_s, _LOOK_BACK)
        before = [one for one in recent if one.start_ns <= start_ns]
        if not before or before[-1].start_ns == start_ns:
            return before[-1] if before else None
        close = before[-1].close
        return structs.replace(
            before[-1],
            start_ns=start_ns,
            end_ns=interval_end(start_ns, self._interval_s),
            open=close,
            high=close,
            low=close,
            volume=close * 0,
            vwap=None,
            trades=0,
        )

    def _event(self, candle: Candle, now_ns: int, *, is_closed: bool) -> native.Kline:
        opened, high, low, close, volume, quote, trades = bar_of(candle)
        last = _last_trade(self._view, self._instrument) if trades else -1
        name = self._instrument.venue_symbol
        return native.Kline(
            E=millis(now_ns),
            s=name,
            k=native.KlineBar(
                t=millis(candle.start_ns),
                T=millis(candle.end_ns) - 1,
                s=name,
                i=self._interval,
                f=last - trades + 1 if trades else -1,
                L=last,
                o=opened,
                c=close,
                h=high,
                l=low,
                v=volume,
                n=trades,
                x=is_closed,
                q=quote,
            ),
        )


def _last_trade(view: MarketView, instrument: Instrument) -> int:
    """The id of a market's last trade; zero before the first."""
    last = view.trades(instrument.symbol, 1)
    return last[-1].sequence or 0 if last else 0
