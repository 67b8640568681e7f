"""What has been asked of Kraken over a private link, by its number, until all is answered.

A cancel of several orders is answered for each, all with the same number; a batch of orders has
one answer with a row for each (https://docs.kraken.com/api/docs/websocket-v2/cancel_order and
/batch_add). At most ten thousand questions are remembered; answers to older ones are passed over.
"""

from collections import OrderedDict
from collections.abc import Sequence

from msgspec import UNSET, Raw, Struct

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import Event
from fluxum.model.instant import parse_rfc3339
from fluxum.model.order import Accepted, Amend, Cancel, Command, Declined, Edit, Place, PlaceBatch
from fluxum.venues.kraken.normalize import VENUE
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.private.commands import wire_of

__all__ = ["Answers"]

_REMEMBERED_MAX = 10_000
_EMPTY = Raw(b"{}")


class _Asked(Struct):
    """A command on its way: how many answers are to come, and whether it was sent twice."""

    command_id: int
    command: Command
    left: int
    is_again: bool = False


class _AskedChannel(Struct):
    """A subscribe or unsubscribe on its way."""

    name: str
    method: str
    quiet: bool


class Answers:
    """Numbers requests, and finds what an answer is to."""

    def __init__(self) -> None:
        self._last = 0
        self._commands: OrderedDict[int, _Asked] = OrderedDict()
        self._channels: dict[int, _AskedChannel] = {}

    def next(self) -> int:
        """A number no request has had on this link."""
        self._last += 1
        return self._last

    def ask(self, name: str, method: str, *, quiet: bool) -> int:
        """Number a subscribe or unsubscribe of a channel."""
        number = self.next()
        self._channels[number] = _AskedChannel(name, method, quiet)
        return number

    def subscription(self, number: int | None) -> tuple[str, str, bool] | None:
        """The channel, the method and whether it was internal, of an answer's number."""
        asked = None if number is None else self._channels.pop(number, None)
        return None if asked is None else (asked.name, asked.method, asked.quiet)

    def begin(self, command_id: int, command: Command, left: int) -> int:
        """Number a command that gets so many answers."""
        number = self.next()
        self._commands[number] = _Asked(command_id, command, left)
        if len(self._commands) > _REMEMBERED_MAX:
            self._commands.popitem(last=False)
        return number

    def again(self, number: int | None) -> tuple[int, str, bytes] | None:
        """The request to be sent once more under a new number; none if it was already."""
        asked = None if number is None else self._commands.get(number)
        if asked is None or number is None or asked.is_again:
            return None
        del self._commands[number]
        anew = self.next()
        self._commands[anew] = asked
        asked.is_again = True
        method, params = wire_of(asked.command)
        return anew, method, native.encode(params)

    def settle(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        """The events of an answer to a command; none if this link has not sent it."""
        number = response.req_id
        asked = None if number is None else self._commands.get(number)
        if asked is None or number is None:
            return ()
        asked.left -= 1
        is_each_answered = isinstance(asked.command, Cancel)
        is_last = asked.left <= 0 or (response.success is not True and not is_each_answered)
        if is_last:
            del self._commands[number]
        if response.success is not True:
            return (self._declined(asked, response, received_ns, is_last=is_last),)
        return self._accepted(asked, response, received_ns, is_last=is_last)

    def _accepted(
        self, asked: _Asked, response: native.Response, received_ns: int, *, is_last: bool
    ) -> Sequence[Event]:
        result = _EMPTY if response.result is UNSET else response.result
        match response.method:
            case "batch_add":
                return self._batch(asked, native.decode_order_results(result), received_ns)
            case "batch_cancel" | "cancel_all":
                count = native.decode_count_result(result).count
                return (
                    Accepted(
                        venue=VENUE,
                        command_id=asked.command_id,
                        count=response.orders_cancelled if count is None else count,
                        received_ns=received_ns,
                    ),
                )
            case "cancel_all_orders_after":
                after = native.decode_after_result(result)
                return (
                    Accepted(
                        venue=VENUE,
                        command_id=asked.command_id,
                        triggers_ns=_trigger_ns(after.triggerTime),
                        received_ns=received_ns,
                    ),
                )
            case _:
                row = native.decode_order_result(result)
                return (self._order(asked, row, received_ns, is_last=is_last),)

    def _batch(
        self, asked: _Asked, rows: Sequence[native.OrderResult], received_ns: int
    ) -> Sequence[Event]:
        assert isinstance(asked.command, PlaceBatch)
        requests = asked.command.requests
        if len(rows) != len(requests):
            raise RemoteProtocolError(f"{len(requests)} rows were expected, was {len(rows)}")
        events: list[Event] = []
        for index, (row, request) in enumerate(zip(rows, requests, strict=True), start=1):
            is_last = index == len(rows)
            name = row.cl_ord_id or request.client_order_id
            if row.error is None:
                events.append(
                    Accepted(
                        venue=VENUE,
                        command_id=asked.command_id,
                        order_id=row.order_id,
                        client_order_id=name,
                        warnings=row.warnings,
                        is_last=is_last,
                        received_ns=received_ns,
                    )
                )
            else:
                events.append(
                    Declined(
                        venue=VENUE,
                        command_id=asked.command_id,
                        client_order_id=name,
                        message=row.error,
                        is_last=is_last,
                        received_ns=received_ns,
                    )
                )
        return events

    def _order(
        self, asked: _Asked, row: native.OrderResult, received_ns: int, *, is_last: bool
    ) -> Accepted:
        order_id, name = _ids(asked.command)
        return Accepted(
            venue=VENUE,
            command_id=asked.command_id,
            order_id=row.order_id or order_id,
            client_order_id=row.cl_ord_id or name,
            original_order_id=row.original_order_id,
            warnings=row.warnings,
            is_last=is_last,
            received_ns=received_ns,
        )

    def _declined(
        self, asked: _Asked, response: native.Response, received_ns: int, *, is_last: bool
    ) -> Declined:
        order_id, name = _ids(asked.command)
        return Declined(
            venue=VENUE,
            command_id=asked.command_id,
            order_id=order_id,
            client_order_id=name,
            message=response.error or "no reason was given",
            is_last=is_last,
            received_ns=received_ns,
        )


def _ids(command: Command) -> tuple[str, str]:
    """The venue's id and our own of the one order a command is about."""
    match command:
        case Place(request=request):
            return "", request.client_order_id
        case Amend(order_id=order_id, client_order_id=name):
            return order_id, name
        case Edit(order_id=order_id):
            return order_id, ""
        case Cancel(order_ids=(order_id,), client_order_ids=()):
            return order_id, ""
        case Cancel(order_ids=(), client_order_ids=(name,)):
            return "", name
        case _:
            return "", ""


def _trigger_ns(text: str) -> int | None:
    """When all is canceled; "0" or nothing means never."""
    if text in {"", "0"}:
        return None
    try:
        return parse_rfc3339(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error
