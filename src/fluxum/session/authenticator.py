"""Signatures and tokens of one account: what a frame, a call or a link needs to be accepted."""

import asyncio
from collections.abc import Callable, Mapping

from fluxum.clock import Clock
from fluxum.errors import FluxumError, LocalProtocolError, VenueRefused
from fluxum.session.token import TokenKeeper
from fluxum.transport.http import Http
from fluxum.transport.link import Sealed
from fluxum.venues.conversation import Auth, Fetch, Send
from fluxum.venues.private import TOKEN, Private, Signed, Signer

__all__ = ["Authenticator", "Nonces"]

_PLACEHOLDER = TOKEN.encode()
_SECRET_MIN = 6
"""Shorter values of headers are no keys."""


class Nonces:
    """Nonces that only increase: the clock in nanoseconds, or one more than the last.

    No known client uses a smaller unit, so a key that another program has used is accepted.
    Two processes with one key stay apart as far as their clocks agree. The venue refuses a nonce
    that arrives too late; the query is then sent once more with a new one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A number greater than all before."""
        self._last = max(self._last + 1, self._clock.now_ns())
        return self._last


class Authenticator:
    """Signs, and keeps the token of one account. `venue_now_ns` is the venue's clock.

    Signed calls are made over `http`, which is never recorded, and within `turn`, so that nonces
    arrive in order.
    """

    def __init__(
        self,
        venue: str,
        private: Private,
        signer: Signer,
        http: Http,
        nonces: Nonces,
        venue_now_ns: Callable[[], int],
    ) -> None:
        self.tokens: TokenKeeper | None = None
        """The keeper of the token, at a venue that uses tokens."""
        self.http = http
        self.turn = asyncio.Lock()
        self._venue = venue
        self._private = private
        self._signer = signer
        self._nonces = nonces
        self._venue_now_ns = venue_now_ns

    async def prepare(self, endpoint: str) -> Mapping[str, str]:
        """The headers to open a link to an endpoint with; raises what fetching a token raises.

        If the link needs a token, it gets one that no older link has used.
        """
        if endpoint not in self._private.authenticated:
            return {}
        if self.tokens is not None:
            await self.tokens.fresh()
        now_ns, nonce = self._venue_now_ns(), self._nonces.next()
        path = self._private.handshakes.get(endpoint)
        if path is None:
            return self._signer.headers(now_ns, nonce)
        return self._signer.call(Fetch("GET", path, endpoint), now_ns, nonce).headers

    def frame(self, send: Send) -> bytes:
        """A frame as it is sent; token and signature are hidden from recorders, see `Sealed`."""
        match send.auth:
            case Auth.NONE:
                return send.frame
            case Auth.TOKEN:
                token = self._keeper.text.encode()
                return Sealed(send.frame.replace(_PLACEHOLDER, token), shown=send.frame)
            case Auth.SIGNED:
                signed = self._signer.frame(send.frame, self._venue_now_ns(), self._nonces.next())
                return Sealed(signed, shown=send.frame)

    async def call(self, fetch: Fetch, url: str) -> bytes:
        """Sign a REST call and make it at `url`; raises what the call raises.

        Errors show the path as it was before it was signed, and nothing of what signs the call:
        some venues repeat the key.
        """
        signed = self._signer.call(fetch, self._venue_now_ns(), self._nonces.next())
        try:
            return await self.http.call(
                fetch.method, url + signed.path, signed.headers, signed.body
            )
        except FluxumError as error:
            error.args = tuple(
                _unsigned(one, fetch, signed) if isinstance(one, str) else one for one in error.args
            )
            if isinstance(error, VenueRefused):
                error.body = _unsigned(error.body, fetch, signed)
            raise

    async def renew(self, refused: str) -> None:
        """Replace a token that the venue refused."""
        await self._keeper.renew(refused)

    @property
    def token(self) -> str:
        """The token in use, "" if the venue uses none."""
        return "" if self.tokens is None else self.tokens.text

    @property
    def _keeper(self) -> TokenKeeper:
        if self.tokens is None:
            raise LocalProtocolError(f"{self._venue} wants a token, and none can be had")
        return self.tokens


def _unsigned(text: str, fetch: Fetch, signed: Signed) -> str:
    """A text about a call without what its signature added."""
    text = text.replace(signed.path, fetch.path)
    for name, value in signed.headers.items():
        if fetch.headers.get(name) != value and len(value) >= _SECRET_MIN:
            text = text.replace(value, "***")
    return text
