"""How any REST answer of Kraken is read: errors first, then the result.

https://docs.kraken.com/api/docs/guides/spot-errors. Application errors come with HTTP 200.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from msgspec import UNSET, MsgspecError

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.venues.conversation import Fetch
from fluxum.venues.kraken import rest
from fluxum.venues.questions import Question

__all__ = ["asked"]

Result = TypeVar("Result")
Said = TypeVar("Said")

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
# Said of the moment, not of the question: the same may be asked again later.
_LATER = (
    "EAPI:Rate limit exceeded",
    "EAPI:Invalid nonce",
    "EGeneral:Too many requests",
    "EGeneral:Internal error",
    "EService:Unavailable",
    "EService:Busy",
    "EService:Timeout",
    "EService: Throttled",
    "EService:Throttled",
)


def asked(
    fetch: Fetch,
    decode: Callable[[bytes], Result],
    read: Callable[[Result, int], Said],
) -> Question[Said]:
    """A question whose result is decoded, then read with the time it was received."""
    return Question(fetch, partial(_read, fetch.purpose, decode, read))


def _read(
    call: str,
    decode: Callable[[bytes], Result],
    read: Callable[[Result, int], Said],
    body: bytes,
    received_ns: int,
) -> Said:
    try:
        envelope = rest.decode_envelope(body)
        if envelope.error:
            _refuse(call, envelope.error)
        if envelope.result is UNSET:
            raise RemoteProtocolError(f"{call} was answered without a result")
        return read(decode(bytes(envelope.result)), received_ns)
    except _UNREADABLE as error:
        raise RemoteProtocolError(f"{call}: {error}") from error


def _refuse(call: str, errors: Sequence[str]) -> None:
    text = f"{call} was refused: {', '.join(errors)}"
    if errors[0].startswith(_LATER):
        raise RateLimited(text, errors[0])
    raise VenueRefused(text, errors[0])
