"""Times of the wire: RFC 3339 with up to nine digits, trailing zeros left out."""

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.fast import instant
from fluxum.model.instant import format_rfc3339

__all__ = ["instant_text", "read_instant"]


def read_instant(text: str) -> int | None:
    """Nanoseconds since the epoch; raises RemoteProtocolError for what is no time.

    No text at all and times that no exchange can mean, as snapshots have, are `None`.
    """
    if not text:
        return None
    try:
        return instant(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error


def instant_text(instant_ns: int) -> str:
    """The text of an instant as the venue writes it."""
    return format_rfc3339(instant_ns).removesuffix("Z").rstrip("0").removesuffix(".") + "Z"
