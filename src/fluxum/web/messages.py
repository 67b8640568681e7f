"""What goes to a page over its WebSocket: JSON texts, version 1; `docs/serve.md` has them all."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct, structs

from fluxum.version import __version__
from fluxum.view import LossView, MarketView, View, encode_view
from fluxum.web.stage import ReplayView, Steer

__all__ = ["Frame", "PageRequest", "bye", "candles", "hello", "key_of", "losses", "parse_request"]

PROTOCOL = 1


class PageRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a page sends: the markets to show (`VENUE SYMBOL`), or what it wants of a recording."""

    show: tuple[str, ...] | None = None
    replay: Steer | None = None


_decode = msgspec.json.Decoder(PageRequest).decode


def parse_request(text: str) -> PageRequest | None:
    """What a page has sent; `None` if it makes no sense."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def key_of(market: MarketView) -> str:
    """How a page names a market."""
    return f"{market.venue} {market.symbol}"


class Frame:
    """One view, encoded once for all pages; each page gets the markets that it shows."""

    def __init__(self, number: int, shown: View, replay: ReplayView | None) -> None:
        self.number = number
        self.keys = tuple(map(key_of, shown.markets))
        self._markets = {key_of(one): encode_view(one) for one in shown.markets}
        self._head = encode_view(structs.replace(shown, markets=(), losses=()))
        self.is_replay = replay is not None
        self._replay = b"null" if replay is None else encode_view(replay)
        self._made: dict[frozenset[str] | None, bytes] = {}

    def message(self, show: frozenset[str] | None) -> bytes:
        """The message `view` for a page that shows these markets, or all."""
        made = self._made.get(show)
        if made is None:
            parts = (one for key, one in self._markets.items() if show is None or key in show)
            made = self._made[show] = (
                b'{"kind":"view","number":%d,"replay":%s,"markets":[%s],"view":%s}'
                % (self.number, self._replay, b",".join(parts), self._head)
            )
        return made


def hello(frame: Frame, epoch: int) -> bytes:
    """The first message, and the first after other markets, or a recording that was wound back."""
    return msgspec.json.encode(
        {
            "kind": "hello",
            "v": PROTOCOL,
            "fluxum": __version__,
            "epoch": epoch,
            "markets": frame.keys,
            "is_replay": frame.is_replay,
        }
    )


def losses(lines: Iterable[LossView], seen: int) -> bytes:
    """New lines of the log, oldest first; `seen` is the number of the last that there was."""
    parts = b",".join(map(encode_view, lines))
    return b'{"kind":"loss","seen":%d,"losses":[%s]}' % (seen, parts)


def candles(market: MarketView) -> bytes:
    """The candles and gaps of one market, all that are kept."""
    return b'{"kind":"candles","market":%s}' % encode_view(
        structs.replace(market, book=None, ticker=None, trades=())
    )


def bye(reason: str) -> bytes:
    """The last message."""
    return msgspec.json.encode({"kind": "bye", "reason": reason})
