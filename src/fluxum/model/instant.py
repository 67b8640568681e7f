"""Instants: RFC 3339 text to nanoseconds since the epoch, and back, without losing a digit."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from fluxum.errors import BadInput

__all__ = [
    "format_rfc3339",
    "format_second",
    "instant_of",
    "parse_plausible",
    "parse_rfc3339",
    "plausible_millis",
    "plausible_ns",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH_TO_SECONDS = 19
_SECONDS_KEPT = 1024
# Seconds as they were written, up to the point before the fraction.
_seconds: dict[str, int] = {}
_plausible_seconds: dict[str, int] = {}
_SECOND_NS = 1_000_000_000
# Nanoseconds of the last digit of a fraction, by its digits.
_SCALES: tuple[int, ...] = tuple(_SECOND_NS // 10**digits for digits in range(10))
_MILLISECOND_NS = 1_000_000
# The first Bitcoin block, 2009-01-03, and the year 2100: no exchange has instants outside of that.
_FIRST_NS = 1_230_940_800_000_000_000
_LAST_NS = 4_102_444_800_000_000_000
_FIRST_MS, _LAST_MS = _FIRST_NS // _MILLISECOND_NS, _LAST_NS // _MILLISECOND_NS


def plausible_ns(instant_ns: int) -> int | None:
    """The instant, or `None` for one that no exchange can mean, such as 1970 or the year 1.

    Venues send such instants if they have none.
    """
    return instant_ns if _FIRST_NS <= instant_ns < _LAST_NS else None


def plausible_millis(instant_ms: int) -> int | None:
    """The instant in ns of milliseconds since the epoch, `None` for one that is not plausible."""
    return instant_ms * _MILLISECOND_NS if _FIRST_MS <= instant_ms < _LAST_MS else None


def parse_plausible(text: str) -> int | None:
    """The instant of UTC text as `parse_rfc3339` reads it, `None` for one that is not plausible.

    Raises BadInput.
    """
    second_ns = _plausible_seconds.get(text[:20])
    if second_ns is not None and text[-1] == "Z":
        digits = text[20:-1]
        if digits.isascii() and digits.isdecimal() and len(digits) < len(_SCALES):
            return second_ns + int(digits) * _SCALES[len(digits)]
    instant_ns = plausible_ns(parse_rfc3339(text))
    if instant_ns is not None and text[19:20] == ".":
        if len(_plausible_seconds) >= _SECONDS_KEPT:
            _plausible_seconds.clear()
        _plausible_seconds[text[:20]] = instant_ns - instant_ns % _SECOND_NS
    return instant_ns


def parse_rfc3339(text: str) -> int:
    """Nanoseconds since the epoch for UTC text with 0 to 9 fraction digits, `Z` optional.

    Raises BadInput for anything else. One venue may mix 0, 6, 7 and 9 digits.
    """
    second_ns = _seconds.get(text[:20])  # a feed repeats the same second for many frames
    if second_ns is not None and len(text) == 27 and text[26] == "Z":  # the common form, µs
        micros = text[20:26]
        if micros.isascii() and micros.isdecimal():
            return second_ns + int(micros) * 1000
    try:
        second_ns = _second_ns(text[:_LENGTH_TO_SECONDS])
        fraction_ns = _fraction_ns(text[_LENGTH_TO_SECONDS:])
    except ValueError as error:
        raise BadInput(
            f"a time like 2026-01-31T12:00:00.000000Z was expected, was {text!r}"
        ) from error
    if len(_seconds) >= _SECONDS_KEPT:
        _seconds.clear()
    _seconds[text[:20]] = second_ns
    return second_ns + fraction_ns


def instant_of(instant: int | datetime | str) -> int:
    """Nanoseconds since the epoch of an instant as int, datetime or RFC 3339 text.

    Raises BadInput; a datetime needs a time zone, and a number that would be of 1970 is in another
    unit. Zero is the beginning of time.
    """
    if isinstance(instant, str):
        return parse_rfc3339(instant)
    if isinstance(instant, datetime):
        if instant.tzinfo is None:
            raise BadInput(f"a datetime with a time zone was expected, was {instant!r}")
        return (instant - _EPOCH) // _MICROSECOND * 1000
    if not _is_whole(instant) or (instant and plausible_ns(instant) is None):
        raise BadInput(
            f"an instant in ns, a datetime or RFC 3339 text was expected, was {instant!r}"
        )
    return instant


def format_rfc3339(instant_ns: int) -> str:
    """UTC text with nine fraction digits for nanoseconds since the epoch."""
    seconds, fraction = divmod(instant_ns, 1_000_000_000)
    return f"{_second_text(seconds)}.{fraction:09d}Z"


@lru_cache(64)
def _second_text(seconds: int) -> str:
    """The text of a second, which instants that follow each other share."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:_LENGTH_TO_SECONDS]


def format_second(instant_ns: int) -> str:
    """UTC text of an instant's second, for the user: `2026-01-31T12:00:00Z`."""
    return f"{format_rfc3339(instant_ns)[:_LENGTH_TO_SECONDS]}Z"


def _is_whole(value: object) -> bool:
    """Whether a value is an int, even if the caller ignores types."""
    return isinstance(value, int) and not isinstance(value, bool)


def _fraction_ns(rest: str) -> int:
    digits = rest.removesuffix("Z")
    if not digits:
        return 0
    if digits[0] != "." or not 1 < len(digits) <= 10 or not digits[1:].isdecimal():
        raise ValueError(rest)
    return int(digits[1:].ljust(9, "0"))


def _second_ns(text: str) -> int:
    if len(text) != _LENGTH_TO_SECONDS:  # strptime would take 2026-1-3T1:2:3
        raise ValueError(text)
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return (moment - _EPOCH) // _SECOND * 1_000_000_000
