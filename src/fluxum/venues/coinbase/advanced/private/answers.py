"""Commands of one link as REST calls, and their answers as events.

Several orders are several calls, each with an answer of its own. A cancel of all begins with a list
of what is open, page by page.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event
from fluxum.model.order import Cancel, Command, PlaceBatch
from fluxum.venues.coinbase.advanced.private import native, words
from fluxum.venues.coinbase.advanced.private.commands import OrderIdOf, calls, cancel_calls
from fluxum.venues.coinbase.advanced.private.queries import open_orders_call
from fluxum.venues.coinbase.symbols import ADVANCED
from fluxum.venues.command_answers import CommandAnswers, OrderAnswer, SentCommand
from fluxum.venues.conversation import Effect, Fetch

__all__ = ["Commands"]

_NO_REASON = "UNKNOWN"


class Commands:
    """The commands that were sent; their calls are queued in `outbox`."""

    def __init__(self, outbox: deque[Effect]) -> None:
        self._outbox = outbox
        self._answers = CommandAnswers(ADVANCED)
        self._open: dict[int, list[str]] = {}  # found so far by a cancel of all

    def send(self, command_id: int, command: Command, order_id_of: OrderIdOf) -> None:
        """Queue the calls of a command; raises BadInput for one that the venue cannot do."""
        fetches = calls(command, str(command_id), order_id_of)
        self._outbox.extend(fetches)
        self._answers.expect(command_id, command_id, command, len(fetches))

    def answered(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The answer to a call; raises what is in UNREADABLE for no sense."""
        sent, order = self._sent(fetch)
        if sent is None:
            return ()
        if fetch.method == "GET":
            return self._listed(sent, decode(body, type=native.Orders), received_ns)
        if fetch.path.endswith("/batch_cancel"):
            return self._canceled(sent, decode(body, type=native.Cancels).results, received_ns)
        if fetch.path.endswith("/edit"):
            edited = decode(body, type=native.Edited)
            error = edited.errors[0] if edited.errors else native.EditError()
            reason = words.reason(error.edit_failure_reason, error.preview_failure_reason)
            is_done = edited.success
        else:
            placed = decode(body, type=native.Placed)
            is_done, reason = placed.success, _refusal(placed)
            if placed.success_response is not None:
                order = structs.replace(order, order_id=placed.success_response.order_id)
        if is_done:
            return self._answers.accept(sent, received_ns, order)
        return self._answers.decline(sent, reason or _NO_REASON, received_ns, order)

    def refused(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """A call was refused by its HTTP status."""
        sent, order = self._sent(fetch)
        return () if sent is None else self._answers.decline(sent, reason, received_ns, order)

    def _canceled(
        self, sent: SentCommand, results: Sequence[native.Canceled], received_ns: int
    ) -> Sequence[Event]:
        if not isinstance(sent.command, Cancel):
            return self._answers.cancel(sent, sum(one.success for one in results), received_ns)
        if len(results) != 1:
            raise RemoteProtocolError(f"one result was expected, was {len(results)}")
        order = OrderAnswer(results[0].order_id)
        if results[0].success:
            return self._answers.accept(sent, received_ns, order)
        reason = words.reason(results[0].failure_reason) or _NO_REASON
        return self._answers.decline(sent, reason, received_ns, order)

    def _listed(self, sent: SentCommand, wire: native.Orders, received_ns: int) -> Sequence[Event]:
        """What is open is listed to the end, then canceled."""
        ids = [*self._open.pop(sent.number, ()), *map(_order_id, wire.orders)]
        if wire.has_next and wire.cursor:
            self._open[sent.number] = ids
            self._outbox.append(open_orders_call(str(sent.number), wire.cursor))
            return ()
        fetches = cancel_calls(ids, str(sent.number))
        sent.left = max(1, len(fetches))
        self._outbox.extend(fetches)
        return () if fetches else self._answers.cancel(sent, 0, received_ns)

    def _sent(self, fetch: Fetch) -> tuple[SentCommand | None, OrderAnswer]:
        """The command of a call, and which order of a batch it is about."""
        number, _, part = fetch.purpose.partition(".")
        sent = self._answers.find(int(number))
        if sent is None or not isinstance(sent.command, PlaceBatch):
            return sent, OrderAnswer()
        return sent, OrderAnswer("", sent.command.requests[int(part)].client_order_id)


def _order_id(row: Raw) -> str:
    return decode(row, type=native.PlacedOrder).order_id


def _refusal(placed: native.Placed) -> str:
    """Why an order was refused: the venue's words, then its texts."""
    error = placed.error_response or native.PlaceError()
    codes = (error.error, error.new_order_failure_reason, error.preview_failure_reason)
    code = words.reason(*codes, placed.failure_reason) or _NO_REASON
    return " ".join(filter(None, (code, error.message, error.error_details)))
