"""The commands of one link that wait for answers, and the answers as events.

A venue's own part is to read its answers: what an order is called, why it was refused, how many
orders were canceled. A command that is sent in parts, or that a venue answers order by order, has
several answers, of which the last one is marked. At most ten thousand commands are remembered;
answers to older ones are passed over.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence

from msgspec import Struct

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event
from fluxum.model.order import Accepted, Amend, Cancel, Command, Declined, Edit, Place, PlaceBatch
from fluxum.venues.conversation import Effect
from fluxum.venues.rows import digits

__all__ = ["CommandAnswer", "CommandAnswers", "OrderAnswer", "SentCommand"]

_REMEMBERED_MAX = 10_000


class OrderAnswer(Struct, frozen=True):
    """What a venue answers about one order: its ids, or in `error` why it was refused."""

    order_id: str = ""
    client_order_id: str = ""
    error: str | None = None
    original_order_id: str = ""
    warnings: tuple[str, ...] = ()


class CommandAnswer(Struct, frozen=True):
    """The answer to a command, or to a part of it, as a venue reads it.

    `number` is the one its frame or call was sent with, empty where the venue left it out: that of
    the command, maybe with `.` and the number of a part behind it, and a word behind a further dot.
    One of the others is given: why it was refused, what to do `then` (each with an answer of its
    own, in place of this one), how many orders were canceled, an answer for each order of a batch,
    or the order. `triggers_ns` is that of Accepted.
    """

    number: str
    error: str = ""
    then: Sequence[Effect] = ()
    canceled: int | None = None
    orders: Sequence[OrderAnswer] | None = None
    order: OrderAnswer = OrderAnswer()
    triggers_ns: int | None = None
    venue_ns: int | None = None


class SentCommand(Struct):
    """A command: under which number it was sent, and how many answers are to come.

    `canceled` is how many orders the parts answered so far have canceled. Of a batch that was sent
    as one part, an answer is about all orders.
    """

    number: int
    command_id: int
    command: Command
    left: int
    is_in_parts: bool = False
    canceled: int = 0
    is_again: bool = False
    """Whether it was sent once more, after its token was refused."""


class CommandAnswers:
    """The commands of one link, by the number that the venue repeats in its answers."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._sent: OrderedDict[int, SentCommand] = OrderedDict()

    def expect(self, number: int, command_id: int, command: Command, answers: int = 1) -> None:
        """A command is sent under a number, and gets so many answers."""
        self._sent[number] = SentCommand(number, command_id, command, answers, answers > 1)
        if len(self._sent) > _REMEMBERED_MAX:
            self._sent.popitem(last=False)

    def find(self, number: int | None) -> SentCommand | None:
        """The command of a number, `None` if it is not known or has all its answers."""
        return None if number is None else self._sent.get(number)

    def oldest(self) -> SentCommand | None:
        """The command that has waited longest, for answers without a number."""
        return next(iter(self._sent.values()), None)

    def renumber(self, sent: SentCommand, number: int) -> None:
        """The command is sent once more, under another number."""
        del self._sent[sent.number]
        sent.number, sent.is_again = number, True
        self._sent[number] = sent

    def settle(
        self, answer: CommandAnswer, outbox: deque[Effect], received_ns: int
    ) -> Sequence[Event]:
        """The events of an answer; what is to be done `then` is queued in `outbox`.

        An answer without a number is to the oldest command.
        """
        number, _, rest = answer.number.partition(".")
        sent = self.find(digits(number)) if number else self.oldest()
        if sent is None:
            return ()
        part = digits(rest.partition(".")[0]) if sent.is_in_parts else None
        if answer.error:
            return self.decline(sent, answer.error, received_ns, answer.order, part=part)
        if answer.then:
            sent.left += len(answer.then) - 1
            outbox.extend(answer.then)
            return ()
        if answer.orders is not None:
            return self.batch(sent, answer.orders, received_ns)
        if answer.canceled is not None:
            return self.cancel(sent, answer.canceled, received_ns)
        triggers_ns = answer.triggers_ns
        return self.accept(sent, received_ns, answer.order, part=part, triggers_ns=triggers_ns)

    def accept(
        self,
        sent: SentCommand,
        received_ns: int,
        order: OrderAnswer = OrderAnswer(),  # noqa: B008 - frozen
        *,
        part: int | None = None,
        triggers_ns: int | None = None,
    ) -> Sequence[Event]:
        """The venue accepted a command, or one order of several: the one of a `part`, if known."""
        order_id, name = order.order_id, order.client_order_id
        if not order_id or not name:
            asked_id, asked_name = _ids(sent.command, part)
            order_id, name = order_id or asked_id, name or asked_name
        return (
            Accepted(
                venue=self._venue,
                command_id=sent.command_id,
                order_id=order_id,
                client_order_id=name,
                original_order_id=order.original_order_id,
                triggers_ns=triggers_ns,
                warnings=order.warnings,
                is_last=self._is_last(sent),
                received_ns=received_ns,
            ),
        )

    def decline(
        self,
        sent: SentCommand,
        message: str,
        received_ns: int,
        order: OrderAnswer = OrderAnswer(),  # noqa: B008 - frozen
        *,
        part: int | None = None,
    ) -> Sequence[Event]:
        """The venue refused a command, or one order of several: the one of a `part`, if known."""
        order_id, name = _ids(sent.command, part)
        return (
            Declined(
                venue=self._venue,
                command_id=sent.command_id,
                order_id=order.order_id or order_id,
                client_order_id=order.client_order_id or name,
                message=message,
                is_last=self._is_last(sent),
                received_ns=received_ns,
            ),
        )

    def cancel(self, sent: SentCommand, count: int, received_ns: int) -> Sequence[Event]:
        """The venue canceled so many orders; the parts of a command have one event together."""
        sent.canceled += count
        if not self._is_last(sent):
            return ()
        return (
            Accepted(
                venue=self._venue,
                command_id=sent.command_id,
                count=sent.canceled,
                received_ns=received_ns,
            ),
        )

    def batch(
        self, sent: SentCommand, orders: Sequence[OrderAnswer], received_ns: int
    ) -> Sequence[Event]:
        """Each order of a batch has an answer of its own, in the order of the request.

        Raises RemoteProtocolError for another number of them.
        """
        requests = sent.command.requests if isinstance(sent.command, PlaceBatch) else ()
        if len(orders) != len(requests):
            raise RemoteProtocolError(f"{len(requests)} rows were expected, was {len(orders)}")
        self._is_last(sent)
        events: list[Event] = []
        for place, (order, request) in enumerate(zip(orders, requests, strict=True), start=1):
            name = request.client_order_id or order.client_order_id
            is_last = place == len(orders)
            if order.error is None:
                event: Event = Accepted(
                    venue=self._venue,
                    command_id=sent.command_id,
                    order_id=order.order_id,
                    client_order_id=name,
                    warnings=order.warnings,
                    is_last=is_last,
                    received_ns=received_ns,
                )
            else:
                event = Declined(
                    venue=self._venue,
                    command_id=sent.command_id,
                    client_order_id=name,
                    message=order.error,
                    is_last=is_last,
                    received_ns=received_ns,
                )
            events.append(event)
        return events

    def _is_last(self, sent: SentCommand) -> bool:
        """Count an answer; return whether it was the last."""
        sent.left -= 1
        if sent.left <= 0:
            self._sent.pop(sent.number, None)
        return sent.left <= 0


def _ids(command: Command, part: int | None = None) -> tuple[str, str]:
    """The venue's id and our own of the one order that a command is about, or a part of it."""
    match command:
        case Place(request=request):
            return "", request.client_order_id
        case PlaceBatch(requests=requests) if part is not None and part < len(requests):
            return "", requests[part].client_order_id
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
