"""HTTP calls, as code sees them that does not make them itself."""

from collections.abc import Mapping
from typing import Protocol

__all__ = ["Http"]


class Http(Protocol):
    """Makes HTTP calls; the caller waits for the body."""

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """The body of a 2xx answer.

        Raises TransportError if there was no answer or the server failed, Redirected for a
        redirect, RateLimited for 418, 429 and 503, VenueRefused for any other answer.
        """
        ...
