"""How any REST answer of Kraken is read: errors first, then the result.

https://docs.kraken.com/api/docs/guides/spot-errors. Application errors come with HTTP 200. An
error that is neither of the moment nor about a nonce is lasting: a wrong key, or no permission.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import UNSET

from fluxum.errors import NonceRefused, RateLimited, RemoteProtocolError, VenueRefused
from fluxum.venues.conversation import Fetch
from fluxum.venues.kraken import native_rest as rest
from fluxum.venues.queries import RestQuery, rest_query

__all__ = ["asked", "query"]

Answer = TypeVar("Answer")
Result = TypeVar("Result")

# Refusals that depend on the moment, not on the query: it may be sent again later.
_LATER = (
    "EAPI:Rate limit exceeded",
    "EAuth:Rate limit exceeded",
    "EAuth:Too many requests",
    "EGeneral:Too many requests",
    "EGeneral:Internal error",
    "EService:Unavailable",
    "EService:Busy",
    "EService:Timeout",
)
_NONCE = "EAPI:Invalid nonce"
_NONCE_HELP = (
    "the venue has seen a larger nonce of this key before. If another program uses the key, or did "
    "with nonces of a finer unit or a clock that was ahead, make a new key, or raise the key's "
    "nonce window"
)
# https://docs.kraken.com/api/docs/guides/spot-errors: until the Unix time that follows
_THROTTLED = re.compile(r"EService: ?Throttled(?:: ?(?P<until_s>\d{9,11}))?")
# After too many calls with a wrong key: "about 15 minutes" by Kraken's own tool
# (https://github.com/krakenfx/kraken-api-sdk, 2026).
_LOCKOUT = "EGeneral:Temporary lockout"
_LOCKOUT_S = 900.0


def query(
    fetch: Fetch,
    decode: Callable[[bytes], Answer],
    read: Callable[[Answer, int], Result],
) -> RestQuery[Result]:
    """A query whose result is decoded, then read with the time it was received."""

    def read_result(envelope: rest.Envelope, received_ns: int) -> Result:
        if envelope.error:
            raise _refusal(fetch.purpose, envelope.error, received_ns)
        if envelope.result is UNSET:
            raise RemoteProtocolError(f"{fetch.purpose} was answered without a result")
        return read(decode(bytes(envelope.result)), received_ns)

    return rest_query(fetch, rest.decode_envelope, read_result)


asked = query


def _refusal(call: str, errors: Sequence[str], received_ns: int) -> VenueRefused:
    """The error for a refusal; its kind is whether sending the query again can help."""
    code = errors[0]
    text = f"{call} was refused: {', '.join(errors)}"
    throttled = _THROTTLED.match(code)
    if throttled is not None:
        wait_s = int(throttled["until_s"] or 0) - received_ns / 1_000_000_000
        return RateLimited(text, code, wait_s if wait_s > 0 else None)
    if code.startswith(_LOCKOUT):
        return RateLimited(text, code, _LOCKOUT_S)
    if code.startswith(_LATER):
        return RateLimited(text, code)
    if code.startswith(_NONCE):
        return NonceRefused(f"{text}: {_NONCE_HELP}", code)
    return VenueRefused(text, code)
