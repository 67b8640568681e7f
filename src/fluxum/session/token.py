"""Tokens for private links: fetched when a link needs one, one flight at a time.

A token has to be used within its time; once a private subscription lives on it, it does not
expire. So every new link gets a new one, shared only with links dialled at the same moment. One
that the venue refuses is replaced once for all who used it. Renewal ahead of time is an option.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct

from fluxum.errors import BadInput, FluxumError, VenueRefused
from fluxum.venues.private import Token

__all__ = ["TokenKeeper", "TokenStatistics"]

_log = logging.getLogger(__name__)
_SHARED_S = 5.0
_RETRY_S = 10.0


class TokenStatistics(Struct, frozen=True, kw_only=True):
    """How tokens fared: asked for = fetched + failures. `age_s` is that of the one in use."""

    asked: int
    fetched: int
    failures: int
    renewed: int
    age_s: float | None
    valid_s: float | None


class TokenKeeper:
    """Keeps one token. `fetch` asks the venue for another; `renew_s` asks for one that often."""

    def __init__(
        self,
        venue: str,
        fetch: Callable[[], Awaitable[Token]],
        now_s: Callable[[], float],
        renew_s: float | None = None,
    ) -> None:
        if renew_s is not None and renew_s <= 0:
            raise BadInput(f"a renewal after more than 0 s was expected, was {renew_s}")
        self._venue = venue
        self._fetch = fetch
        self._now_s = now_s
        self._renew_s = renew_s
        self._token: Token | None = None
        self._fetched_s = 0.0
        self._is_closed = False
        self._flight = asyncio.Lock()
        self._asked = self._fetched = self._failures = self._renewed = 0

    def __repr__(self) -> str:
        """What is kept, without the token."""
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
        """Have a token that no older link has used; raises what the call raised."""
        begun_s = self._now_s()
        async with self._flight:
            is_shared = self._fetched_s >= begun_s or self._age_s() < _SHARED_S
            if not (is_shared and self.is_valid()):
                await self._replace()

    async def renew(self, refused: str) -> None:
        """Have another token than the one that was refused; raises what the call raised."""
        async with self._flight:
            if self._token is None or self._token.text == refused:
                await self._replace()
                self._renewed += 1

    async def run(self) -> None:
        """Renew the token ahead of time, if that is wanted; otherwise return at once."""
        while self._renew_s is not None and not self._is_closed:
            await asyncio.sleep(max(_SHARED_S, self._renew_s - self._age_s()))
            if self._token is None or self._age_s() < self._renew_s:
                continue
            try:
                await self.renew(self.text)
            except FluxumError as error:
                if isinstance(error, VenueRefused) and not error.retryable:
                    _log.error("%s token is renewed no more: %s", self._venue, error)
                    return  # the link that lives on it goes on; the next one's says why not
                _log.warning("%s token was not renewed: %s", self._venue, error)
                await asyncio.sleep(_RETRY_S)

    def close(self) -> None:
        """Forget the token; none is fetched any more."""
        self._is_closed = True
        self._token = None

    def statistics(self) -> TokenStatistics:
        """How tokens fared so far."""
        token = self._token
        return TokenStatistics(
            asked=self._asked,
            fetched=self._fetched,
            failures=self._failures,
            renewed=self._renewed,
            age_s=None if token is None else self._age_s(),
            valid_s=None if token is None else token.valid_s,
        )

    async def _replace(self) -> None:
        if self._is_closed:
            raise BadInput(f"no token of {self._venue} is fetched after the end")
        self._asked += 1
        asked_s = self._now_s()
        try:
            self._token = await self._fetch()
        except BaseException:
            self._failures += 1
            raise
        self._fetched += 1
        self._fetched_s = asked_s  # its time began no later than when it was asked for

    def _age_s(self) -> float:
        return self._now_s() - self._fetched_s
