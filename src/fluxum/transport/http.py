"""HTTP calls over aiohttp: a request out, a body in. Does not depend on venues."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp
from yarl import URL

from fluxum.errors import BadInput, TransportError
from fluxum.transport.refusal import refusal

__all__ = ["Http", "cause_of", "http"]

_PART_BYTES = 1 << 20


class Http(Protocol):
    """Makes HTTP calls; the caller waits for the body."""

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """The body of a 2xx answer.

        Raises TransportError if there was no answer or the server failed, Redirected for a
        redirect, RateLimited for 418, 429 and 503, VenueRefused for any other answer.
        """
        ...


@asynccontextmanager
async def http(
    *, proxy: str | None = None, timeout_s: float = 10.0, body_bytes_max: int = 64 << 20
) -> AsyncGenerator[Http]:
    """Calls that share connections and a DNS cache for the length of a block.

    `proxy` is an HTTP proxy's URL; without one the environment's (`HTTPS_PROXY`) is used. A call
    ends after `timeout_s`, its body after `body_bytes_max` bytes.
    """
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=proxy is None) as client:
        yield _Calls(client, proxy, timeout_s, body_bytes_max)


class _Calls:
    """Http over one aiohttp session."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        proxy: str | None,
        timeout_s: float,
        body_bytes_max: int,
    ) -> None:
        self._client = client
        self._proxy = proxy
        self._timeout_s = timeout_s
        self._body_bytes_max = body_bytes_max

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Make one call; see Http."""
        content = bytearray()
        try:
            async with self._client.request(
                method,
                _as_it_is(url),
                headers=dict(headers),
                data=body or None,
                proxy=self._proxy,
                allow_redirects=False,  # a call signed for one host must not reach another
            ) as answer:
                while part := await answer.content.read(_PART_BYTES):
                    content += part
                    if len(content) > self._body_bytes_max:
                        limit = self._body_bytes_max
                        raise TransportError(f"{method} {url} answered more than {limit} bytes")
        except TimeoutError as error:
            raise TransportError(
                f"{method} {url} was not answered in {self._timeout_s:g} s"
            ) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
            raise BadInput(f"an URL like https://host/path was expected, was {url!r}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(f"{method} {url} failed: {cause_of(error)}") from error
        if 200 <= answer.status < 300:
            return bytes(content)
        text = content[:200].decode("utf-8", "replace")
        raise refusal(f"{method} {url}", url, answer.status, answer.headers, text)


def _as_it_is(url: str) -> URL:
    """The URL in its own spelling, which is what a signature is of: `%3A` does not become `:`."""
    return URL(url, encoded=url.isascii())


def cause_of(error: Exception) -> str:
    """The reason of a failed connection: the error's text, or its type if that is empty."""
    return str(error) or type(error).__name__
