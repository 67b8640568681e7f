"""Requests of Binance's WebSocket APIs, of spot and of futures alike: signed one by one.

https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-api.md#request-format and
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-api-general-info.
"""

from fluxum.model.order import Command
from fluxum.venues.binance.native import encode
from fluxum.venues.binance.private import native
from fluxum.venues.binance.private.signing import RECEIVE_MS
from fluxum.venues.conversation import Auth, Send
from fluxum.venues.order_commands import Members, deadline_ns

__all__ = ["RETRYABLE", "refusal_of", "request", "times"]

RETRYABLE = frozenset({"-1000", "-1001", "-1003", "-1006", "-1007", "-1008", "-1021", "-1034"})
"""Refusals that say nothing about what was requested: clocks, limits, the venue's own troubles.

https://github.com/binance/binance-spot-api-docs/blob/master/errors.md
"""
_MILLISECOND = 1_000_000


def request(number: str, method: str, params: Members) -> Send:
    """A signed request."""
    message = {"id": number, "method": method, "params": params}
    return Send(encode(message), Auth.SIGNED)


def times(command: Command) -> Members:
    """The time of a command with a deadline, so that its receive window ends there."""
    ends_ns = deadline_ns(command)
    if ends_ns is None:
        return {}
    return {"timestamp": ends_ns // _MILLISECOND - RECEIVE_MS, "recvWindow": RECEIVE_MS}


def refusal_of(wire: native.Frame) -> str:
    """Why a request was refused: the code first; the status, if the outcome is not known."""
    if wire.error is None:
        return "" if wire.status == 200 else f"{wire.status} refused without a reason"
    fault = f"{wire.error.code} {wire.error.msg}"
    return f"{wire.status} {fault}" if wire.status >= 500 else fault
