"""The error for an HTTP answer that is no success: whether to retry, and when."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from fluxum.clock import SystemClock
from fluxum.errors import RateLimited, Redirected, TransportError, VenueRefused
from fluxum.pacing import bounded_wait_s

__all__ = ["redirected", "refusal", "retry_after_s"]

# 418: the address is banned for a while, at the venues that use it.
_SLOW_DOWN = frozenset({418, 429, 503})
# The server's own failures among the 4xx: Request Timeout, Misdirected Request, Too Early.
_TRANSIENT = frozenset({408, 421, 425})


def refusal(
    what: str, url: str, status: int, headers: Mapping[str, str], text: str
) -> VenueRefused | TransportError:
    """The error for an answer to the request `what` at `url`; `text` is its detail.

    A 3xx is Redirected, 418, 429 and 503 are RateLimited with the server's wait, within bounds, a
    4xx is VenueRefused, anything else TransportError.
    """
    if 300 <= status < 400:
        return redirected(what, url, status, headers)
    message = f"{what} answered {status} {text}".rstrip()
    if status in _SLOW_DOWN:
        return RateLimited(message, str(status), retry_after_s(headers))
    if 400 <= status < 500 and status not in _TRANSIENT:
        return VenueRefused(message, str(status), text)
    return TransportError(message)


def redirected(what: str, url: str, status: int, headers: Mapping[str, str]) -> Redirected:
    """The error for a redirect; it names both hosts and nothing else of it."""
    target = headers.get("Location", "")
    try:
        there = urlsplit(urljoin(url, target))
        place = there.netloc.rpartition("@")[2] or f"{there.scheme}:"
    except ValueError:
        place = repr(target[:100])
    host = urlsplit(url).netloc.rpartition("@")[2]
    where = f"to {place}" if target else "without saying where to"
    return Redirected(f"{what} was redirected ({status}) by {host} {where}; this is not followed")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The wait that a Retry-After header requests, in either of its forms, at most an hour.

    `None` if there is no header or it makes no sense. A date is compared with the answer's own.
    """
    text = headers.get("Retry-After", "").strip()
    try:
        return bounded_wait_s(float(text))
    except ValueError:
        pass
    until = _instant(text)
    if until is None:
        return None
    now = _instant(headers.get("Date", "")) or datetime.fromtimestamp(
        SystemClock().now_ns() / 1e9, UTC
    )
    return bounded_wait_s((until - now).total_seconds())


def _instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
