"""OKX's simulated REST API: the calls of the protocol, and those that other clients make first.

Source: https://www.okx.com/docs-v5/en/#public-data-rest-api and
#order-book-trading-market-data. Every answer is in the envelope `code`, `msg`, `data`; refusals
too, some of them with HTTP 200.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from msgspec import Struct, structs

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.model.market import Side
from fluxum.venues.okx import native, topics
from fluxum.venues.okx.server.candles import candles
from fluxum.venues.okx.server.formats import (
    candle_row,
    contract_size,
    instrument_code,
    level_rows,
    ticker_line,
    trade_line,
)
from fluxum.venues.okx.server.private.rest import AccountRest
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.server.formats import millis, number
from fluxum.venues.server.rest_router import query_number
from fluxum.venues.venue import Fetch

__all__ = ["OkxRest"]

_WINDOW_NS = 2_000_000_000
_RECENT_BARS = 1440
_HISTORY_BARS = 100_000
_HISTORY_TRADES = 10_000
_TYPES = frozenset({"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"})
_STATES = {InstrumentStatus.ONLINE: "live", InstrumentStatus.POST_ONLY: "post_only"}
_HEADERS = {"Content-Type": "application/json"}
# HTTP statuses of refusals; those of trading, of an unknown market too, are the one of a success.
_HTTP = {
    "404": 404,
    "50000": 400,
    "50001": 503,
    "50011": 429,
    "50014": 400,
    "51000": 400,
    **dict.fromkeys(("50102", "50105", "50111", "50112", "50113"), 401),
}

Query = Mapping[str, str]


class _Envelope(Struct):
    """`{"code":"0","msg":"","data":[{"ts":"1597026383085"}]}`."""

    code: str = "0"
    msg: str = ""
    data: Sequence[object] = ()


class OkxRest:
    """The REST half of a simulated OKX; see RestServer."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._account = AccountRest(view)
        # The handler of each path, and how often it may be called in two seconds.
        self._calls: dict[str, tuple[int, Callable[[Query, int], Sequence[object]]]] = {
            "/api/v5/public/time": (10, self._time),
            "/api/v5/public/instruments": (20, self._instruments),
            "/api/v5/public/mark-price": (10, self._mark_prices),
            "/api/v5/market/books": (40, self._books),
            "/api/v5/market/tickers": (20, self._tickers),
            "/api/v5/market/ticker": (20, self._ticker),
            "/api/v5/market/candles": (40, self._recent_candles),
            "/api/v5/market/history-candles": (20, self._candles),
            "/api/v5/market/index-tickers": (20, self._index_tickers),
            "/api/v5/market/trades": (100, self._trades),
            "/api/v5/market/history-trades": (20, self._history_trades),
            "/api/v5/system/status": (1, self._status),
        }
        self._called_ns: dict[str, deque[int]] = {}

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call, sensible or not."""
        path, _, query = call.path.partition("?")
        known = self._calls.get(path)
        if self._account.is_known(call.method, path):
            return self._private(call, now_ns)
        if known is None or call.method != "GET":
            return _refusal(VenueRefused("Not Found", "404"))
        limit, answer = known
        called = self._called_ns.setdefault(path, deque(maxlen=limit))
        if len(called) == limit and now_ns - called[0] < _WINDOW_NS:
            return _refusal(VenueRefused("Too Many Requests", "50011"))
        called.append(now_ns)
        try:
            data = answer(dict(parse_qsl(query)), now_ns)
        except VenueRefused as refused:
            return _refusal(refused)
        return Answer(200, native.encode(_Envelope(data=data)), _HEADERS)

    def _private(self, call: Fetch, now_ns: int) -> Answer:
        try:
            done = self._account.answer(call, now_ns)
        except VenueRefused as refused:
            return _refusal(refused)
        body = native.encode(_Envelope(done.code, done.message, done.rows))
        return Answer(200, body, _HEADERS)

    def _time(self, query: Query, now_ns: int) -> Sequence[object]:  # noqa: ARG002
        return [{"ts": str(millis(now_ns))}]

    def _status(self, query: Query, now_ns: int) -> Sequence[object]:  # noqa: ARG002
        return []  # no maintenance is planned

    def _instruments(self, query: Query, now_ns: int) -> Sequence[object]:  # noqa: ARG002
        return [_listed(one) for one in self._of_type(query)]

    def _tickers(self, query: Query, now_ns: int) -> Sequence[object]:
        return [self._line(one, now_ns) for one in self._of_type(query)]

    def _ticker(self, query: Query, now_ns: int) -> Sequence[object]:
        return [self._line(self._one(query), now_ns)]

    def _books(self, query: Query, now_ns: int) -> Sequence[object]:
        symbol = self._one(query).symbol
        depth, size = _count(query, "sz", 1, 400), contract_size(symbol)
        return [
            {
                "asks": level_rows(self._view.levels(symbol, Side.SELL, depth), size),
                "bids": level_rows(self._view.levels(symbol, Side.BUY, depth), size),
                "ts": str(millis(now_ns)),
                "seqId": self._view.revision(symbol),
            }
        ]

    def _mark_prices(self, query: Query, now_ns: int) -> Sequence[object]:
        """The mark is the last price here."""
        return [
            {
                "instType": topics.instrument_type(one.symbol),
                "instId": one.venue_symbol,
                "markPx": number(self._view.ticker(one.symbol).last),
                "ts": str(millis(now_ns)),
            }
            for one in self._of_type(query)
        ]

    def _index_tickers(self, query: Query, now_ns: int) -> Sequence[object]:
        """The index of a pair is the ticker of its first market here."""
        wanted, quote = query.get("instId"), query.get("quoteCcy")
        if not wanted and not quote:
            raise VenueRefused("Either parameter instId or quoteCcy is required", "50014")
        lines: dict[str, dict[str, object]] = {}
        for one in self._view.instruments():
            name = f"{one.base}-{one.quote}"
            if name in lines or wanted not in {None, name} or quote not in {None, one.quote}:
                continue
            line = structs.asdict(self._line(one, now_ns))
            kept = ("high24h", "low24h", "open24h", "sodUtc0", "sodUtc8", "ts")
            lines[name] = {
                "instId": name,
                "idxPx": line["last"],
                **{key: line[key] for key in kept},
            }
        return list(lines.values())

    def _recent_candles(self, query: Query, now_ns: int) -> Sequence[object]:
        return self._candles(query, now_ns, _RECENT_BARS)

    def _candles(self, query: Query, now_ns: int, bars: int = _HISTORY_BARS) -> Sequence[object]:
        """The newest between two instants, newest first: at most 300 of the last `bars`."""
        instrument = self._one(query)
        bar = query.get("bar", "1m")
        if bar not in topics.INTERVALS_S:
            raise VenueRefused("Parameter bar error", "51000")
        limit = _count(query, "limit", 100, 300)
        before = _count(query, "after", 2**53, 2**53)  # `after` lists what is older
        after = _count(query, "before", 0, 2**53)
        listed = [
            candle_row(one, is_closed=one.end_ns <= now_ns)
            for one in candles(self._view, instrument.symbol, bar, bars)
            if after < millis(one.start_ns) < before
        ]
        return listed[-limit:][::-1]

    def _trades(self, query: Query, now_ns: int) -> Sequence[object]:  # noqa: ARG002
        instrument = self._one(query)
        trades = self._view.trades(instrument.symbol, _count(query, "limit", 100, 500))
        return [trade_line(one, instrument) for one in reversed(trades)]

    def _history_trades(self, query: Query, now_ns: int) -> Sequence[object]:  # noqa: ARG002
        """Older trades by their id (type 1) or time (type 2, `after` only), newest first."""
        instrument = self._one(query)
        is_by_time = query.get("type", "1") == "2"
        limit = _count(query, "limit", 100, 100)
        before = _count(query, "after", 2**62, 2**62)
        after = 0 if is_by_time else _count(query, "before", 0, 2**62)
        lines = [
            trade_line(one, instrument)
            for one in self._view.trades(instrument.symbol, _HISTORY_TRADES)
        ]
        return [
            line
            for line in reversed(lines)
            if after < int((line.ts if is_by_time else line.tradeId) or 0) < before
        ][:limit]

    def _line(self, instrument: Instrument, now_ns: int) -> native.Ticker:
        return ticker_line(self._view.ticker(instrument.symbol), instrument, now_ns)

    def _one(self, query: Query) -> Instrument:
        wanted = _given(query, "instId")
        for instrument in self._view.instruments():
            if instrument.venue_symbol == wanted:
                return instrument
        raise VenueRefused("Instrument ID does not exist", "51001")

    def _of_type(self, query: Query) -> list[Instrument]:
        kind = _given(query, "instType")
        if kind not in _TYPES:
            raise VenueRefused("Parameter instType error", "51000")
        wanted = query.get("instId")
        found = [
            one
            for one in self._view.instruments()
            if topics.instrument_type(one.symbol) == kind and wanted in (None, one.venue_symbol)
        ]
        if wanted is not None and not found:
            raise VenueRefused("Instrument ID does not exist", "51001")
        return found


def _refusal(refused: VenueRefused) -> Answer:
    body = native.encode(_Envelope(refused.code, str(refused)))
    return Answer(_HTTP.get(refused.code, 200), body, _HEADERS)


def _given(query: Query, name: str) -> str:
    value = query.get(name)
    if not value:
        raise VenueRefused(f"Parameter {name} can not be empty.", "50014")
    return value


def _count(query: Query, name: str, default: int, count_max: int) -> int:
    error = VenueRefused(f"Parameter {name} error", "51000")
    return min(query_number(query, name, default, error), count_max)


def _listed(one: Instrument) -> dict[str, object]:
    """A market as it is listed."""
    symbol = one.symbol
    kind, size = topics.instrument_type(symbol), contract_size(symbol)
    is_spot = kind == "SPOT"
    family = "" if is_spot else f"{one.base}-{one.quote}"
    unit, settled_in = (one.quote, one.base) if symbol.is_inverse else (one.base, one.quote)
    known = native.Instrument(
        instType=kind,
        instId=one.venue_symbol,
        baseCcy=one.base if is_spot else "",
        quoteCcy=one.quote if is_spot else "",
        tickSz=number(one.tick),
        lotSz=number(one.lot / size),
        minSz=number(one.quantity_min / size),
        state=_STATES.get(one.status, "suspend"),
        ctType="" if is_spot else "inverse" if symbol.is_inverse else "linear",
        ctVal="" if is_spot else number(size),
        ctMult="" if is_spot else "1",
        ctValCcy="" if is_spot else unit,
        settleCcy="" if is_spot else settled_in,
    )
    return {
        **structs.asdict(known),
        "alias": "",
        "category": "1",
        "expTime": _expiry(symbol) if kind == "FUTURES" else "",
        "instFamily": family,
        "lever": "",
        "listTime": str(millis(one.venue_ns or 0)),
        "maxLmtSz": "9999999999",
        "maxMktSz": "1000000",
        "optType": "",
        "stk": "",
        "uly": family,
        "instIdCode": int(instrument_code(one)),
    }


def _expiry(symbol: Symbol) -> str:
    """When a future ends: at eight in the morning UTC of the day in its name, if that is one."""
    digits = symbol.contract[:6]
    day = f"20{digits[:2]}-{digits[2:4]}-{digits[4:]}"
    try:
        return str(millis(parse_rfc3339(f"{day}T08:00:00Z")))
    except BadInput:
        return ""
