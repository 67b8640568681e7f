"""Tokens for private links: fetched when a link needs one, one call at a time.

A token has to be used within its time; once a private subscription uses it, it does not expire.
So every new link gets a new token, shared only with links that are dialled at the same moment. If
the venue refuses a token, it is replaced once for all links that used it. Renewal ahead of time is
an option.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct

from fluxum.errors import BadInput, FluxumError, VenueRefused
from fluxum.venues.private import Token

__all__ = ["RETRY_S", "TokenKeeper", "TokenStatistics"]

_log = logging.getLogger(__name__)
_SHARED_S = 5.0
RETRY_S = 10.0
"""The wait after a renewal that failed, in seconds."""


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

    async def fresh(self) -> None:
        """Make sure of a token that no older link has used; raises what the call raises."""
        begun_s = self._now_s()
        async with self._flight:
            is_shared = self._fetched_s >= begun_s or self._age_s() < _SHARED_S
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
                if isinstance(error, VenueRefused) and not error.retryable:
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
