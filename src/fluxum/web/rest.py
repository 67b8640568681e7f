"""The same facts over plain HTTP, for scripts: JSON, read only."""

import msgspec
from aiohttp import web

from fluxum.model.codec import plain
from fluxum.view import Extent, MarketView, encode_view
from fluxum.web.messages import key_of
from fluxum.web.stage import Stage

__all__ = ["Rest"]

_DEPTH_MAX = 1_000
_CANDLES_MAX = 240
_NUMBER_MAX = 1 << 53


class Rest:
    """The answers under `/api/`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/api/view", self._view)
        router.add_get("/api/book/{venue}/{symbol}", self._book)
        router.add_get("/api/candles/{venue}/{symbol}", self._candles)
        router.add_get("/api/statistics", self._statistics)
        router.add_get("/api/gaps", self._gaps)
        router.add_get("/api/losses", self._losses)

    async def _view(self, request: web.Request) -> web.Response:
        """`?depth=10`: the whole view."""
        depth = _number(request, "depth", 10, _DEPTH_MAX)
        return _json(encode_view(self._stage.view(Extent(depth=depth))))

    async def _book(self, request: web.Request) -> web.Response:
        """`?depth=10`: one book with its proof."""
        depth = _number(request, "depth", 10, _DEPTH_MAX)
        market = self._market(request, Extent(depth=depth, trades=0, losses=0))
        if market.book is None:
            raise _missing(f"there is no book of {key_of(market)} {market.failure}".rstrip())
        return _json(
            b'{"venue":%s,"symbol":%s,"book":%s}'
            % (
                msgspec.json.encode(market.venue),
                msgspec.json.encode(str(market.symbol)),
                encode_view(market.book),
            )
        )

    async def _candles(self, request: web.Request) -> web.Response:
        """`?limit=100`: the last candles of a market, and its gaps."""
        limit = _number(request, "limit", 100, _CANDLES_MAX)
        market = self._market(request, Extent(depth=1, trades=0, losses=0, candles=limit))
        return _json(encode_view(market))

    async def _statistics(self, _request: web.Request) -> web.Response:
        """All counts of each venue, and whether their sums close."""
        found = self._stage.statistics()
        return _json(
            msgspec.json.encode(
                {
                    "sums_close": all(one.sums_close for one in found.values()),
                    "venues": {
                        venue: {**plain(one), "sums_close": one.sums_close}
                        for venue, one in found.items()
                    },
                }
            )
        )

    async def _gaps(self, _request: web.Request) -> web.Response:
        """The last gaps of every market, the open ones included."""
        markets = self._stage.view(Extent(depth=1, trades=0, losses=0, candles=1)).markets
        parts = (
            b'{"venue":%s,"symbol":%s,"gap":%s}'
            % (
                msgspec.json.encode(market.venue),
                msgspec.json.encode(str(market.symbol)),
                encode_view(gap),
            )
            for market in markets
            for gap in market.gaps
        )
        return _json(b"[%s]" % b",".join(parts))

    async def _losses(self, request: web.Request) -> web.Response:
        """`?after=0`: the lines of the log with higher numbers, as far as they are kept."""
        after = _number(request, "after", 0, _NUMBER_MAX)
        keeper = self._stage.keeper
        lines = b",".join(map(encode_view, keeper.losses(after=after)))
        return _json(b'{"seen":%d,"losses":[%s]}' % (keeper.losses_seen, lines))

    def _market(self, request: web.Request, extent: Extent) -> MarketView:
        """The market that the path names; `/` of a symbol is `-` there."""
        venue, symbol = request.match_info["venue"], request.match_info["symbol"]
        markets = self._stage.view(extent).markets
        for market in markets:
            if market.venue == venue and symbol in (market.symbol, market.symbol.replace("/", "-")):
                return market
        known = ", ".join(f"{one.venue}/{one.symbol.replace('/', '-', 1)}" for one in markets)
        raise _missing(f"a market was expected ({known or 'none yet'}), was {venue}/{symbol}")


def _number(request: web.Request, name: str, default: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 16 or int(text) > most:
        wrong = _error(f"{name}: a number from 0 to {most} was expected, was {text[:40]!r}")
        raise web.HTTPBadRequest(text=wrong, content_type="application/json")
    return max(int(text), 0 if name == "after" else 1)


def _missing(message: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=_error(message), content_type="application/json")


def _error(message: str) -> str:
    return msgspec.json.encode({"error": message}).decode()


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
