"""What is on its way between a client and the paper venue: commands there, events back.

A connection keeps the order of what is sent over it, so a delay that is shorter than the one
before does not overtake it.
"""

from collections import deque

from msgspec import Struct, structs

from fluxum.errors import TransportError
from fluxum.fill.latency import Latency
from fluxum.model.event import AccountEvent
from fluxum.model.order import Accepted, Command, Declined

__all__ = ["PaperFaults", "Transit"]


_WAITING_MAX = 10_000


class PaperFaults(Struct, frozen=True, kw_only=True):
    """What goes wrong between client and venue; zero switches a fault off.

    Every so many-th command is lost before it arrives, or its answer is lost although it arrived.
    Then the outcome of an order is unknown until it is looked up, as with a real venue.
    """

    lost_command_every: int = 0
    lost_answer_every: int = 0


class Transit:
    """Commands and events that are on their way."""

    def __init__(self, latency: Latency, faults: PaperFaults) -> None:
        self._latency = latency
        self._faults = faults
        self._commands: deque[tuple[int, int, Command]] = deque()
        self._events: deque[tuple[int, AccountEvent]] = deque()
        self._arrives_ns = 0
        self._answers_ns = 0
        self._sent = 0
        self.lost_commands = 0
        """How many commands were lost by a fault."""
        self.lost_answers = 0
        """How many answers were lost by a fault."""

    @property
    def next_command_ns(self) -> int | None:
        """When the next command arrives at the venue."""
        return self._commands[0][0] if self._commands else None

    @property
    def next_event_ns(self) -> int | None:
        """When the next event arrives at the client."""
        return self._events[0][0] if self._events else None

    def send(self, command: Command, now_ns: int) -> int:
        """Send a command; returns its number. Raises TransportError if too many are on the way."""
        if len(self._commands) >= _WAITING_MAX:
            raise TransportError(f"{_WAITING_MAX} commands are on their way: nothing was sent")
        self._sent += 1
        every = self._faults.lost_command_every
        self._arrives_ns = max(self._arrives_ns, now_ns + self._latency.order_ns())
        if every and self._sent % every == 0:
            self.lost_commands += 1
        else:
            self._commands.append((self._arrives_ns, self._sent, command))
        return self._sent

    def arrive(self, now_ns: int) -> tuple[int, int, Command] | None:
        """The next command that has arrived, with its instant and its number."""
        if self._commands and self._commands[0][0] <= now_ns:
            return self._commands.popleft()
        return None

    def answer(self, event: AccountEvent, now_ns: int) -> None:
        """Send an event to the client."""
        self._answers_ns = max(self._answers_ns, now_ns + self._latency.answer_ns())
        every = self._faults.lost_answer_every
        if every and isinstance(event, Accepted | Declined) and event.command_id % every == 0:
            self.lost_answers += 1
            return
        self._events.append((self._answers_ns, event))

    def due(self, now_ns: int) -> list[AccountEvent]:
        """The events that have reached the client, in order, with the instants they did."""
        found: list[AccountEvent] = []
        while self._events and self._events[0][0] <= now_ns:
            at_ns, event = self._events.popleft()
            found.append(structs.replace(event, received_ns=at_ns))
        return found
