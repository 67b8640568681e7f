"""Times of the wire: RFC 3339 with up to nine digits, trailing zeros left out."""

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.fast import instant as parse_instant
from fluxum.model.instant import format_rfc3339

__all__ = ["Instants", "instant_text"]

_SCALES = tuple(int("1".ljust(10 - digits, "0")) for digits in range(10))
_TO_SECONDS = len("2026-08-09T21:05:48")


class Instants:
    """Reads times; remembers the second it read last, as a feed repeats it for many frames."""

    def __init__(self) -> None:
        self._second = "none yet"
        self._second_ns = 0

    def read(self, text: str) -> int | None:
        """Nanoseconds since the epoch; raises RemoteProtocolError for what is no time.

        No text at all and times that no exchange can mean, as snapshots have, are `None`.
        """
        if text.startswith(self._second) and text[-1] == "Z":
            digits = text[20:-1]
            if digits.isdecimal() and len(digits) < 10:
                return self._second_ns + int(digits) * _SCALES[len(digits)]
        if not text:
            return None
        try:
            instant_ns = parse_instant(text)
        except BadInput as error:
            raise RemoteProtocolError(str(error)) from error
        if instant_ns is not None and text[_TO_SECONDS : _TO_SECONDS + 1] == ".":
            self._second = text[:20]
            self._second_ns = instant_ns - instant_ns % 1_000_000_000
        return instant_ns


def instant_text(instant_ns: int) -> str:
    """The text of an instant as the venue writes it."""
    return format_rfc3339(instant_ns).removesuffix("Z").rstrip("0").removesuffix(".") + "Z"
