"""The answers to the calls of commands.

Several orders are several calls, each with an answer of its own. A cancel of all begins with a list
of what is open, page by page.
"""

from msgspec import Raw
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.venues.coinbase.advanced.private import native, words
from fluxum.venues.coinbase.advanced.private.commands import cancel_calls
from fluxum.venues.coinbase.advanced.private.queries import open_orders_call
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import Fetch

__all__ = ["CallAnswers"]

_NO_REASON = "UNKNOWN"


class CallAnswers:
    """Reads the answers of one link; raises what is in UNREADABLE for one that makes no sense."""

    def __init__(self) -> None:
        self._open: dict[str, list[str]] = {}  # found so far by a cancel of all

    def read(self, fetch: Fetch, body: bytes) -> CommandAnswer:
        """The answer to a call."""
        number = fetch.purpose
        if fetch.method == "GET":
            return self._listed(number, decode(body, type=native.Orders))
        if fetch.path.endswith("/batch_cancel"):
            return _canceled(number, decode(body, type=native.Cancels))
        if fetch.path.endswith("/edit"):
            return _edited(number, decode(body, type=native.Edited))
        return _placed(number, decode(body, type=native.Placed))

    def _listed(self, number: str, wire: native.Orders) -> CommandAnswer:
        """What is open is listed to the end, then canceled."""
        ids = [*self._open.pop(number, ()), *map(_order_id, wire.orders)]
        if wire.has_next and wire.cursor:
            self._open[number] = ids
            return CommandAnswer(number, then=[open_orders_call(number, wire.cursor)])
        return CommandAnswer(number, then=cancel_calls(ids, number), canceled=0)


def _canceled(number: str, wire: native.Cancels) -> CommandAnswer:
    """How many of several were canceled, or what became of the one of a call."""
    if number.endswith(".many"):
        return CommandAnswer(number, canceled=sum(one.success for one in wire.results))
    if len(wire.results) != 1:
        raise RemoteProtocolError(f"one result was expected, was {len(wire.results)}")
    (one,) = wire.results
    error = "" if one.success else words.reason(one.failure_reason) or _NO_REASON
    return CommandAnswer(number, error, order=OrderAnswer(one.order_id))


def _edited(number: str, wire: native.Edited) -> CommandAnswer:
    if wire.success:
        return CommandAnswer(number)
    error = wire.errors[0] if wire.errors else native.EditError()
    reason = words.reason(error.edit_failure_reason, error.preview_failure_reason)
    return CommandAnswer(number, reason or _NO_REASON)


def _placed(number: str, wire: native.Placed) -> CommandAnswer:
    """The order, or why it was refused: the venue's words, then its texts."""
    placed = wire.success_response
    order = OrderAnswer() if placed is None else OrderAnswer(placed.order_id)
    if wire.success:
        return CommandAnswer(number, order=order)
    error = wire.error_response or native.PlaceError()
    codes = (error.error, error.new_order_failure_reason, error.preview_failure_reason)
    code = words.reason(*codes, wire.failure_reason) or _NO_REASON
    text = " ".join(filter(None, (code, error.message, error.error_details)))
    return CommandAnswer(number, text, order=order)


def _order_id(row: Raw) -> str:
    return decode(row, type=native.PlacedOrder).order_id
