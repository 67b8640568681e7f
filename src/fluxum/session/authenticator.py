"""Signatures and tokens of one account: what a frame, a call or a link needs to be accepted.

A token has to be used within its time; once a private subscription uses it, it does not expire.
So every new link gets a new token, shared only with links that are dialled at the same moment. If
the venue refuses a token, it is replaced once for all links that used it. Renewal ahead of time is
an option.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from fluxum.clock import Clock
from fluxum.errors import BadInput, FluxumError, LocalProtocolError, NonceRefused, VenueRefused
from fluxum.transport.call import Http
from fluxum.transport.link import Sealed
from fluxum.venues.conversation import Auth, Fetch, Send
from fluxum.venues.private import TOKEN, Private, Signed, Signer, Token

__all__ = ["RETRY_S", "Authenticator", "Nonces", "TokenKeeper", "TokenStatistics"]

_log = logging.getLogger(__name__)
_SHARED_S = 5.0
RETRY_S = 10.0
"""The wait after a renewal that failed, in seconds."""
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
            is_shared = endpoint not in self._private.dial_queries
            await self.tokens.fresh(_SHARED_S if is_shared else 0.0)
        now_ns, nonce = self._venue_now_ns(), self._nonces.next()
        path = self._private.handshakes.get(endpoint)
        if path is None:
            return self._signer.headers(now_ns, nonce)
        return self._signer.call(Fetch("GET", path, endpoint), now_ns, nonce).headers

    def url(self, endpoint: str, url: str) -> str:
        """The URL to dial, with the token in its query where it belongs there."""
        query = self._private.dial_queries.get(endpoint)
        return url if query is None else f"{url}?{query.replace(TOKEN, self._keeper.text)}"

    def frame(self, send: Send) -> tuple[bytes, str]:
        """A frame as it is sent, and the token in it, "" for none.

        Token and signature are hidden from recorders, see `Sealed`.
        """
        match send.auth:
            case Auth.NONE:
                return send.frame, ""
            case Auth.TOKEN:
                token = (self.tokens or self._keeper).text
                return Sealed(send.frame.replace(_PLACEHOLDER, token.encode()), send.frame), token
            case Auth.SIGNED:
                signed = self._signer.frame(send.frame, self._venue_now_ns(), self._nonces.next())
                return Sealed(signed, shown=send.frame), ""

    async def call(self, fetch: Fetch, url: str) -> bytes:
        """Sign a REST call and make it at `url`; raises what the call raises.

        Errors show the path as it was before it was signed, and nothing of what signs the call:
        some venues repeat the key. A refusal that a new signature may mend is NonceRefused.
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
                if any(word in error.body for word in self._private.untimely):
                    raise NonceRefused(str(error), error.code, error.body) from error
            raise

    async def renew(self, refused: str) -> None:
        """Replace a token that the venue refused."""
        await self._keeper.renew(refused)

    @property
    def _keeper(self) -> "TokenKeeper":
        if self.tokens is None:
            raise LocalProtocolError(f"{self._venue} wants a token, and none can be had")
        return self.tokens


class TokenStatistics(Struct, frozen=True, kw_only=True):
    """Counts of tokens: requested = fetched + failures. `age_s` is the age of the one in use."""

    requested: int
    fetched: int
    failures: int
    renewed: int
    age_s: float | None
    valid_s: float | None


class TokenKeeper:
    """Keeps one token. `fetch` requests one from the venue; `renew_s` is how often to renew it.

    A renewal that failed is tried again after `retry_s` seconds.
    """

    def __init__(
        self,
        venue: str,
        fetch: Callable[[], Awaitable[Token]],
        now_s: Callable[[], float],
        renew_s: float | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        for wait_s in (renew_s, retry_s):
            if wait_s is not None and wait_s <= 0:
                raise BadInput(f"a renewal after more than 0 s was expected, was {wait_s}")
        self._venue = venue
        self._fetch = fetch
        self._now_s = now_s
        self._renew_s = renew_s
        self._retry_s = retry_s
        self._token: Token | None = None
        self._fetched_s = 0.0
        self._is_closed = False
        self._flight = asyncio.Lock()
        self._requested = self._fetched = self._failures = self._renewed = 0

    def __repr__(self) -> str:
        """The state, without the token."""
        return f"TokenKeeper({self._venue}, {self._token!r})"

    @property
    def text(self) -> str:
        """The token in use; raises BadInput before there is one."""
        if self._token is None:
            raise BadInput(f"no token of {self._venue} has been fetched yet")
        return self._token.text

    def is_valid(self) -> bool:
        """Whether the token may still be used to open a link."""
        return self._token is not None and self._age_s() < self._token.valid_s

    async def fresh(self, shared_s: float = _SHARED_S) -> None:
        """Make sure of a token that no older link has used; raises what the call raises.

        Links that are dialled within `shared_s` seconds share one.
        """
        begun_s = self._now_s()
        async with self._flight:
            is_shared = self._fetched_s >= begun_s or self._age_s() < shared_s
            if not (is_shared and self.is_valid()):
                await self._replace()

    async def renew(self, refused: str) -> None:
        """Replace a token that the venue refused; raises what the call raises."""
        async with self._flight:
            if self._token is None or self._token.text == refused:
                await self._replace()
                self._renewed += 1

    async def run(self) -> None:
        """Renew the token every `renew_s` seconds; return at once without it."""
        while self._renew_s is not None and not self._is_closed:
            await asyncio.sleep(max(_SHARED_S, self._renew_s - self._age_s()))
            if self._token is None or self._age_s() < self._renew_s:
                continue
            try:
                await self.renew(self.text)
            except FluxumError as error:
                if isinstance(error, VenueRefused) and error.is_final:
                    _log.error("%s token is renewed no more: %s", self._venue, error)
                    return  # the link goes on with the old token; the next link gets the error
                _log.warning("%s token was not renewed: %s", self._venue, error)
                await asyncio.sleep(self._retry_s)

    def close(self) -> None:
        """Forget the token; no other is fetched."""
        self._is_closed = True
        self._token = None

    def statistics(self) -> TokenStatistics:
        """The counts so far."""
        token = self._token
        return TokenStatistics(
            requested=self._requested,
            fetched=self._fetched,
            failures=self._failures,
            renewed=self._renewed,
            age_s=None if token is None else self._age_s(),
            valid_s=None if token is None else token.valid_s,
        )

    async def _replace(self) -> None:
        if self._is_closed:
            raise BadInput(f"no token of {self._venue} is fetched after the end")
        self._requested += 1
        requested_s = self._now_s()
        try:
            self._token = await self._fetch()
        except BaseException:
            self._failures += 1
            raise
        self._fetched += 1
        self._fetched_s = requested_s  # its time began no later than the request

    def _age_s(self) -> float:
        return self._now_s() - self._fetched_s


def _unsigned(text: str, fetch: Fetch, signed: Signed) -> str:
    """A text about a call without what its signature added."""
    text = text.replace(signed.path, fetch.path)
    for name, value in signed.headers.items():
        if fetch.headers.get(name) != value and len(value) >= _SECRET_MIN:
            text = text.replace(value, "***")
    return text
