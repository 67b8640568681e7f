"""One HTTP call out, one body in, over aiohttp. Knows nothing of venues."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp

from fluxum.errors import RateLimited, TransportError, VenueRefused

__all__ = ["Http", "http"]


class Http(Protocol):
    """Makes one call at a time; whoever asks waits for the body."""

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """The body of a 2xx answer.

        Raises TransportError when there was no answer or the server failed, RateLimited for 429
        and 503, VenueRefused for any other answer.
        """
        ...


@asynccontextmanager
async def http(*, timeout_s: float = 10.0, body_bytes_max: int = 64 << 20) -> AsyncGenerator[Http]:
    """Calls that share connections and a cache of names for the length of a block."""
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as client:
        yield _Calls(client, body_bytes_max)


class _Calls:
    """Http over one aiohttp session."""

    def __init__(self, client: aiohttp.ClientSession, body_bytes_max: int) -> None:
        self._client = client
        self._body_bytes_max = body_bytes_max

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Make one call; see Http."""
        try:
            async with self._client.request(
                method, url, headers=dict(headers), data=body or None
            ) as answer:
                content = await answer.content.read(self._body_bytes_max + 1)
                while len(content) <= self._body_bytes_max and not answer.content.at_eof():
                    content += await answer.content.read(self._body_bytes_max + 1)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise TransportError(f"{method} {url} failed: {error!r}") from error
        if len(content) > self._body_bytes_max:
            raise TransportError(f"{method} {url} answered more than {self._body_bytes_max} bytes")
        if answer.ok:
            return content
        raise _refusal(f"{method} {url}", answer, content)


def _refusal(
    what: str, answer: aiohttp.ClientResponse, content: bytes
) -> VenueRefused | TransportError:
    text = content[:200].decode("utf-8", "replace")
    message = f"{what} answered {answer.status} {text}"
    if answer.status in {418, 429, 503}:  # 418: banned for a while, where it is used
        after = answer.headers.get("Retry-After", "")
        return RateLimited(message, str(answer.status), float(after) if after.isdecimal() else None)
    if answer.status >= 500:
        return TransportError(message)
    return VenueRefused(message, str(answer.status))
