"""What has been asked of Kraken over a private link, by its number, until all is answered.

A cancel of several orders is answered for each, all with the same number; a batch of orders has
one answer with a row for each (https://docs.kraken.com/api/docs/websocket-v2/cancel_order and
/batch_add).
"""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, MsgspecError, Raw, Struct, field

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.event import Event
from fluxum.model.instant import parse_rfc3339
from fluxum.model.order import Command
from fluxum.venues.command_answers import CommandAnswers, OrderAnswer
from fluxum.venues.kraken.normalize import VENUE
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.private.commands import wire_of

__all__ = ["Answers"]

_EMPTY = Raw(b"{}")


class _AskedChannel(Struct):
    """A subscribe or unsubscribe on its way."""

    name: str
    method: str
    quiet: bool


class _Entered(Struct, omit_defaults=True):
    """The answer to `add_order` in one go, where an order was entered; else see `native.Response`.

    `{"method":"add_order","req_id":123456789,"result":{"order_id":"AA5JGQ-SBMRC-SCJ7J7",
    "order_userref":100054},"success":true,"time_in":"2023-09-21T14:15:07.197274Z",
    "time_out":"2023-09-21T14:15:07.205301Z"}`
    """

    req_id: int | None = None
    result: native.OrderResult = field(default_factory=native.OrderResult)
    success: bool | None = None


_decode_entered = msgspec.json.Decoder(_Entered).decode


class Answers:
    """Numbers requests, and finds what an answer is to."""

    def __init__(self) -> None:
        self.upcoming = 1
        """The number of the next request."""
        self._commands = CommandAnswers(VENUE)
        self._channels: dict[int, _AskedChannel] = {}

    def next(self) -> int:
        """A number no request has had on this link."""
        self.upcoming += 1
        return self.upcoming - 1

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
        number = self.upcoming
        self.upcoming = number + 1
        self._commands.expect(number, command_id, command, left)
        return number

    def again(self, number: int | None) -> tuple[int, str, object] | None:
        """The request to be sent once more under a new number; none if it was already."""
        sent = self._commands.find(number)
        if sent is None or sent.is_again:
            return None
        self._commands.renumber(sent, self.next())
        method, params = wire_of(sent.command)
        return sent.number, method, params

    def entered(self, frame: bytes, received_ns: int) -> Sequence[Event] | None:
        """The events of an answer to `add_order`; `None` for one that `settle` has to read."""
        try:
            answer = _decode_entered(frame)
        except (MsgspecError, RecursionError):
            return None
        if answer.success is not True:
            return None
        sent = self._commands.find(answer.req_id)
        if sent is None:
            return ()
        return self._commands.accept(sent, received_ns, _order(answer.result))

    def settle(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        """The events of an answer to a command; none if this link has not sent it."""
        answers, sent = self._commands, self._commands.find(response.req_id)
        if sent is None:
            return ()
        if response.success is not True:
            reason = response.error or "no reason was given"
            return answers.decline(sent, reason, received_ns)
        result = _EMPTY if response.result is UNSET else response.result
        match response.method:
            case "batch_add":
                rows = native.decode_order_results(result)
                return answers.batch(sent, list(map(_order, rows)), received_ns)
            case "batch_cancel" | "cancel_all":
                count = native.decode_count_result(result).count
                count = response.orders_cancelled if count is None else count
                return answers.cancel(sent, count or 0, received_ns)
            case "cancel_all_orders_after":
                after = _trigger_ns(native.decode_after_result(result).triggerTime)
                return answers.accept(sent, received_ns, triggers_ns=after)
            case _:
                order = _order(native.decode_order_result(result))
                return answers.accept(sent, received_ns, order)


def _order(row: native.OrderResult) -> OrderAnswer:
    return OrderAnswer(
        row.order_id, row.cl_ord_id, row.error, row.original_order_id, tuple(row.warnings)
    )


def _trigger_ns(text: str) -> int | None:
    """When all is canceled; "0" or nothing means never."""
    if text in {"", "0"}:
        return None
    try:
        return parse_rfc3339(text)
    except BadInput as error:
        raise RemoteProtocolError(str(error)) from error
