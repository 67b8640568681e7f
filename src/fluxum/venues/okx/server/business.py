"""The server of OKX's link of `business`: public at first, and of an account once it logs in.

https://www.okx.com/docs-v5/en/#overview-websocket-connect: candles and the orders that wait for a
price have one URL. A client that logs in has no candles here.
"""

import re
from collections.abc import Sequence

from fluxum.model.instrument import Symbol
from fluxum.venues.okx.server.link import OkxServer
from fluxum.venues.okx.server.private.link import account_server
from fluxum.venues.server.account_link import AccountServer
from fluxum.venues.server.accounts import AccountChange
from fluxum.venues.server.contract import ExchangeView, NoticeServer, Outgoing, VenueServer

__all__ = ["BusinessServer"]

_LOGIN = re.compile(rb'"op"\s*:\s*"login"')


class BusinessServer:
    """One client of the link; see VenueServer for what each call promises."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._server: VenueServer = OkxServer(view, "business")
        self._account: AccountServer | None = None

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """What the venue sends first."""
        return self._server.opened(now_ns)

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame; with a login the link becomes one of an account."""
        if self._account is None and _LOGIN.search(frame):
            self._server = self._account = account_server(self._view, "business")
            self._account.follower = self
            self._account.opened(now_ns)
        return self._server.receive(frame, now_ns)

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """What is due of a market, or of the account."""
        return self._server.publish(symbol, now_ns)

    def account_changed(self, happening: AccountChange) -> None:
        """Something happened to the account; see Follower."""
        if self._account is not None:
            self._account.account_changed(happening)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """What is due because time passed."""
        return self._server.tick(now_ns)

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:
        """The venue will close the link soon; those of accounts are given no notice."""
        server = self._server
        return server.going_away(now_ns) if isinstance(server, NoticeServer) else ()
