"""Every error that Fluxum raises on purpose: its cause, and whether a retry can help."""

from collections.abc import Sequence
from typing import ClassVar

__all__ = [
    "BadInput",
    "CallbackFailed",
    "CallbackTooSlow",
    "CircuitOpen",
    "ConfigError",
    "ConsumerTooSlow",
    "FluxumError",
    "InsufficientFunds",
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
    "RunFilesError",
    "StaleLink",
    "TapeEnded",
    "TapeError",
    "TransportError",
    "VenueRefused",
]


class FluxumError(Exception):
    """The root of every error raised on purpose."""

    retryable: ClassVar[bool] = False
    """Whether a retry can help."""


class BadInput(FluxumError, ValueError):
    """An argument makes no sense; the message shows it and what was expected."""


class ConfigError(BadInput):
    """A configuration makes no sense; the message has a line for each fault.

    `faults` are these lines: where a setting was written, its name, what was expected, and what
    was there.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class NotSubscribed(FluxumError, LookupError):
    """A stream was requested that this session is not subscribed to."""


class TransportError(FluxumError):
    """The link or the call failed in transport; dialling again may help."""

    retryable = True


class Redirected(TransportError):
    """A call or an upgrade was redirected to another address; nothing was sent there.

    The message names both hosts. Requesting the same host again seldom helps.
    """

    retryable = False


class LinkClosed(TransportError):
    """The peer hung up, or the link was closed while it was read.

    `code` is the WebSocket close code if there was one.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class StaleLink(TransportError):
    """The link is open and has been silent for longer than the venue promises."""


class ProtocolError(FluxumError):
    """A violation of the venue's protocol, by either side."""


class RemoteProtocolError(ProtocolError):
    """The venue sent what its protocol does not allow; the frame is counted, a sample kept."""

    retryable = True


class LocalProtocolError(ProtocolError):
    """We requested something that the protocol does not allow: a bug or a bad request, no retry."""


class VenueRefused(FluxumError):
    """The venue understood the request and refused it.

    `code` is the venue's own code or HTTP status, as text. `body` is the beginning of an HTTP
    answer that is a refusal. `was_answered` says that the venue has answered the same kind of query
    before, so that it may do so again.
    """

    def __init__(self, message: str, code: str = "", body: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.body = body
        self.was_answered = False

    @property
    def is_final(self) -> bool:
        """Whether the same query would be refused again, as far as is known."""
        return not (self.retryable or self.was_answered)


class RateLimited(VenueRefused):
    """The venue requests fewer calls.

    `retry_after_s` is for how long, if the venue sends that; no caller waits longer than an hour.
    """

    retryable = True

    def __init__(self, message: str, code: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, code)
        self.retry_after_s = retry_after_s


class NonceRefused(VenueRefused):
    """The venue has answered a call of the same key with a larger nonce before, or this is too old.

    Two calls overtook each other, or one was late: the next nonce repairs that. Or a program with
    larger nonces has used the key: then only another key helps.
    """


class CircuitOpen(FluxumError):
    """A circuit breaker is open: nothing was sent. `retry_after_s` is when to try again."""

    retryable = True

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(FluxumError):
    """A command was sent and its outcome is unknown: query it, and do not send it again.

    `client_order_id` names the order of the command, if it has one.
    """

    def __init__(self, message: str, client_order_id: str = "") -> None:
        super().__init__(message)
        self.client_order_id = client_order_id


class RiskRefused(FluxumError):
    """A limit of the caller's own forbids it: nothing was sent; the message has value and limit.

    `limit` is the limit's name.
    """

    def __init__(self, message: str, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class InsufficientFunds(FluxumError):
    """A reservation needs more than is free; the message has both. `asset` is what is short."""

    def __init__(self, message: str, asset: str) -> None:
        super().__init__(message)
        self.asset = asset


class ConsumerTooSlow(FluxumError):
    """A lossless pipe overflowed because its reader was too slow; the reader lost its stream."""


class CallbackFailed(FluxumError):
    """A callback of a client raised an error, which is this one's cause; the client goes on.

    `event` is the event it was registered for, `callback` its name.
    """

    def __init__(self, message: str, event: str, callback: str) -> None:
        super().__init__(message)
        self.event = event
        self.callback = callback


class CallbackTooSlow(FluxumError):
    """A callback of a client runs for too long, or lost items because it did; the client goes on.

    `event` is the event it was registered for, `callback` its name.
    """

    def __init__(self, message: str, event: str, callback: str) -> None:
        super().__init__(message)
        self.event = event
        self.callback = callback


class TapeError(FluxumError):
    """A recording cannot be read; the message names the file and the line."""


class TapeEnded(TapeError):
    """A tape that is replayed has no more frames: the session over it ends."""


class OrderJournalError(FluxumError):
    """The journal of orders cannot be used, so nothing may be sent; the message names the file."""


class RunFilesError(FluxumError):
    """The files of a bot's run cannot be used; the message names the file, and the line if any."""
