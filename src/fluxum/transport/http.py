"""HTTP calls over aiohttp: a request out, a body in. Does not depend on venues."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from fluxum.errors import BadInput, TransportError
from fluxum.transport.call import Http
from fluxum.transport.network import Network
from fluxum.transport.pool import pool
from fluxum.transport.refusal import refusal

__all__ = ["Http", "http"]

_PART_BYTES = 1 << 20


@asynccontextmanager
async def http(
    *, network: Network | None = None, body_bytes_max: int = 64 << 20
) -> AsyncGenerator[Http]:
    """Calls that share connections and resolved names for the length of a block.

    A call ends after `network.call_timeout_s`, its body after `body_bytes_max` bytes.
    """
    network = network or Network()
    async with pool(network, network.call_timeout_s) as client:
        yield _Calls(client, network, body_bytes_max)


class _Calls:
    """Http over one aiohttp session."""

    def __init__(
        self, client: aiohttp.ClientSession, network: Network, body_bytes_max: int
    ) -> None:
        self._client = client
        self._network = network
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
                proxy=self._network.proxy,
                allow_redirects=False,  # a call signed for one host must not reach another
            ) as answer:
                while part := await answer.content.read(_PART_BYTES):
                    content += part
                    if len(content) > self._body_bytes_max:
                        limit = self._body_bytes_max
                        raise TransportError(f"{method} {url} answered more than {limit} bytes")
        except TimeoutError as error:
            raise TransportError(
                f"{method} {url} was not answered in {self._network.call_timeout_s:g} s"
            ) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
            raise BadInput(f"an URL like https://host/path was expected, was {url!r}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(
                f"{method} {url} failed: {self._network.failure(error)}"
            ) from error
        if 200 <= answer.status < 300:
            return bytes(content)
        text = content[:200].decode("utf-8", "replace")
        raise refusal(f"{method} {url}", url, answer.status, answer.headers, text)


def _as_it_is(url: str) -> URL:
    """The URL in its own spelling, which is what a signature is of: `%3A` does not become `:`."""
    return URL(url, encoded=url.isascii())
