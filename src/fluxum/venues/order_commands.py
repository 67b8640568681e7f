"""Commands about orders as the operations of a venue: each about one order, or about several.

Which operations there are is data. The venue's own part is what it writes of an order, of a change
and of what names an order, and the frame or the call that an operation is sent with.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelBatch,
    Command,
    Edit,
    OrderRequest,
    Place,
    PlaceBatch,
)
from fluxum.venues.conversation import Effect

__all__ = ["Members", "Operation", "OrderCommands", "cannot", "deadline_ns"]

Members = dict[str, object]
"""What is written of one order, by the venue's names."""
Operation = tuple[str, Sequence[Members]]
"""The name of an operation, and the members of each of its orders."""


class OrderCommands(Struct, frozen=True, kw_only=True):
    """What a venue does with commands about orders.

    `place` and `amend` give an operation about one order, `named` gives what names each order of a
    cancel, for the operation `cancel`; they raise BadInput for what the venue cannot do. Without
    the operations `place_batch` and `cancel_batch` each order is an operation of its own. A batch
    has at most `batch_max` orders; a cancel of more than `cancels_max` is several operations.
    `test` is the operation that only checks an order, `edit` gives one that replaces an order.

    `send` makes the frame or the call of an operation, with its number, for a command.
    """

    venue: str
    place: Callable[[OrderRequest], tuple[str, Members]]
    amend: Callable[[Amend], tuple[str, Members]] | None = None
    edit: Callable[[Edit], tuple[str, Members]] | None = None
    test: str = ""
    cancel: str
    named: Callable[[Cancel | CancelBatch], Iterable[Members]]
    place_batch: str = ""
    cancel_batch: str = ""
    batch_max: int
    cancels_max: int = 1
    send: Callable[[str, Operation, Command], Effect]

    def effects(self, command: Command, number: str) -> Sequence[Effect]:
        """What is sent for a command, numbered `7.0`, `7.1`; raises BadInput as `operations`."""
        operations = self.operations(command)
        return [self.send(f"{number}.{at}", one, command) for at, one in enumerate(operations)]

    def operations(self, command: Command) -> Sequence[Operation]:
        """The operations of a command, in their order; raises BadInput for what cannot be done."""
        match command:
            case Place(request=request, validate=validate) if self.test or not validate:
                name, members = self.place(request)
                return [(self.test if validate else name, [members])]
            case PlaceBatch(requests=requests, validate=False):
                return self._placed(requests)
            case Amend() if self.amend is not None:
                name, members = self.amend(command)
                return [(name, [members])]
            case Edit(validate=False) if self.edit is not None:
                name, members = self.edit(command)
                return [(name, [members])]
            case CancelBatch() if self.cancel_batch:
                named, most = list(self.named(command)), self.cancels_max
                return [
                    (self.cancel_batch, named[at : at + most]) for at in range(0, len(named), most)
                ]
            case Cancel(user_references=()) | CancelBatch():
                return [(self.cancel, [one]) for one in self.named(command)]
            case _:
                raise cannot(self.venue, command)

    def _placed(self, requests: Sequence[OrderRequest]) -> Sequence[Operation]:
        if not 1 <= len(requests) <= self.batch_max:
            most = self.batch_max
            raise BadInput(f"a batch of 1 to {most} orders was expected, was {len(requests)}")
        placed = [self.place(request) for request in requests]
        if self.place_batch:
            return [(self.place_batch, [members for _, members in placed])]
        return [(name, [members]) for name, members in placed]


def cannot(venue: str, command: Command) -> BadInput:
    """The error of a command that a venue has no operation for."""
    return BadInput(f"{venue} cannot do this: {type(command).__name__}, was {command!r:.200}")


def deadline_ns(command: Command) -> int | None:
    """The deadline of a command, if it has one."""
    match command:
        case Place() | PlaceBatch() | Amend() | Edit():
            return command.deadline_ns
        case _:
            return None
