"""The server of an account's link: the channels `user` and `balance`, and heartbeats.

https://docs.cdp.coinbase.com/exchange/websocket-feed/overview and .../channels. Every request is
signed, and answered with the list of all that is subscribed. There are no snapshots.
"""

from collections.abc import Iterable, Sequence

from fluxum.errors import VenueRefused
from fluxum.model.account import Balance
from fluxum.venues.coinbase.exchange import native
from fluxum.venues.coinbase.exchange.private.native import encode
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.server.exchange_private.access import account_of_request
from fluxum.venues.coinbase.server.exchange_private.rows import balance_frame, frames
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.account_link import AccountServer, ServerDialect, TopicRow
from fluxum.venues.server.accounts import AccountChange, OrderHappening
from fluxum.venues.server.contract import ExchangeView, Outgoing

__all__ = ["account_server"]

_SECOND_NS = 1_000_000_000
_IDLE_S = 24 * 3600
_HEARTBEAT, _USER, _BALANCE = "heartbeat", "user", "balance"
_CHANNELS = frozenset({_HEARTBEAT, _USER, _BALANCE})


def account_server(view: ExchangeView) -> AccountServer:
    """The server of one client's link."""
    link = _Link(view)
    dialect = ServerDialect(
        answer=link.answer,
        rows=_rows,
        balances=_balances,
        data=_data,
        tick=link.tick,
        idle_s=_IDLE_S,
    )
    return AccountServer(view, dialect)


class _Link:
    def __init__(self, view: ExchangeView) -> None:
        self._accounts = view.accounts
        self._products: list[str] = []
        self._beat_ns = 0

    def answer(self, server: AccountServer, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The list of what is subscribed, or why a request failed."""
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return (b"invalid (un)subscribe msg",)
        names = {one if isinstance(one, str) else one.name for one in request.channels}
        if request.type not in {"subscribe", "unsubscribe"} or not names <= _CHANNELS:
            return (_error("Failed to subscribe", "No channels provided"),)
        if request.type == "unsubscribe":
            server.topics -= names
            return (self._list(server),)
        try:
            server.log_in(account_of_request(self._accounts, request, now_ns), now_ns)
        except VenueRefused as error:
            text = f"Sorry, you could not be authenticated: {error}"
            return (_error(text, "Unauthorized"),)
        if _HEARTBEAT in names:
            self._products = request.product_ids
        server.topics |= names
        return (self._list(server),)

    def tick(self, server: AccountServer, now_ns: int) -> Sequence[Outgoing]:
        """A heartbeat of each product a second."""
        if _HEARTBEAT not in server.topics or now_ns - self._beat_ns < _SECOND_NS:
            return ()
        self._beat_ns = now_ns
        return [
            native.encode(native.Heartbeat(product, 0, instant_text(now_ns)))
            for product in self._products
        ]

    def _list(self, server: AccountServer) -> bytes:
        channels = [native.ChannelList(one, self._products) for one in sorted(server.topics)]
        return native.encode(native.Subscriptions(channels))


def _rows(change: AccountChange) -> Iterable[TopicRow]:
    if isinstance(change, OrderHappening):
        for row in frames(change):
            yield _USER, row


def _balances(balances: Sequence[Balance]) -> Iterable[TopicRow]:
    for one in balances:
        yield _BALANCE, one


def _data(_topic: str, row: object, now_ns: int) -> bytes:
    return encode(balance_frame(row, now_ns) if isinstance(row, Balance) else row)


def _error(message: str, reason: str) -> bytes:
    return native.encode(native.ErrorFrame(message, reason))
