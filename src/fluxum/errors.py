"""Everything Fluxum raises on purpose: whose fault it is, and whether trying again can help."""

from typing import ClassVar

__all__ = [
    "BadInput",
    "CircuitOpen",
    "ConsumerTooSlow",
    "FluxumError",
    "LinkClosed",
    "LocalProtocolError",
    "NonceRefused",
    "NotSubscribed",
    "OrderJournalError",
    "OutcomeUnknown",
    "ProtocolError",
    "RateLimited",
    "Redirected",
    "RemoteProtocolError",
    "RiskRefused",
    "StaleLink",
    "TapeError",
    "TransportError",
    "VenueRefused",
]


class FluxumError(Exception):
    """The root of every error raised on purpose."""

    retryable: ClassVar[bool] = False
    """Whether trying again can help."""


class BadInput(FluxumError, ValueError):
    """A value handed in makes no sense; the message shows it and what was expected."""


class NotSubscribed(FluxumError, LookupError):
    """Something was asked about a stream this session does not carry."""


class TransportError(FluxumError):
    """The link or the call failed on the way; dialling again may help."""

    retryable = True


class Redirected(TransportError):
    """A call or an upgrade was answered with another address, to which nothing was sent.

    The message names both hosts. Asking the same host again seldom helps.
    """

    retryable = False


class LinkClosed(TransportError):
    """The peer hung up, or the link was closed under the reader.

    `code` is the WebSocket close code where there was one.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class StaleLink(TransportError):
    """The link is open and has been silent for longer than the venue promises."""


class ProtocolError(FluxumError):
    """Somebody broke the venue's rules."""


class RemoteProtocolError(ProtocolError):
    """The venue sent what its protocol does not allow; the frame is counted, a sample kept."""

    retryable = True


class LocalProtocolError(ProtocolError):
    """We asked for what the protocol does not allow: a bug or a bad request, never retried."""


class VenueRefused(FluxumError):
    """The venue understood and answered no.

    `code` is the venue's own code or HTTP status, as text.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class RateLimited(VenueRefused):
    """The venue asks the caller to slow down.

    `retry_after_s` is for how long, if the venue says so; no caller waits longer than an hour.
    """

    retryable = True

    def __init__(self, message: str, code: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, code)
        self.retry_after_s = retry_after_s


class NonceRefused(VenueRefused):
    """The venue has answered a call of the same key with a larger number before.

    Two calls overtook each other, which the next number mends; or the key was used by a program
    with larger numbers, which nothing mends but another key.
    """


class CircuitOpen(FluxumError):
    """A circuit breaker is open: nothing was sent. `retry_after_s` says when to ask again."""

    retryable = True

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(FluxumError):
    """A command was sent and nobody has said what became of it: ask, and do not send it again.

    `client_order_id` names the order it was about, if it was about one.
    """

    def __init__(self, message: str, client_order_id: str = "") -> None:
        super().__init__(message)
        self.client_order_id = client_order_id


class RiskRefused(FluxumError):
    """A limit of one's own forbids it, so nothing was sent; the message shows value and limit.

    `limit` is the limit's name.
    """

    def __init__(self, message: str, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class ConsumerTooSlow(FluxumError):
    """A lossless pipe overflowed because its reader did not keep up; the reader lost its stream."""


class TapeError(FluxumError):
    """A recording cannot be read; the message names the file and the line."""


class OrderJournalError(FluxumError):
    """The journal of orders cannot be used, so nothing may be sent; the message names the file."""
