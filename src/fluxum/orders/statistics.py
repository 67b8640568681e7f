"""What is counted of orders, from their placing to their end, so that every sum closes."""

from collections.abc import Mapping

from msgspec import Struct

from fluxum.model.enumeration import Enumeration

__all__ = ["CommandCounts", "DeskStatistics", "OrderCounts", "PlacingCounts", "Standing"]


class Standing(Enumeration):
    """The outcome of placing an order, so far."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class OrderCounts(Struct):
    """What evidence came: fills = counted + repeated + waiting for their order + dropped.

    `late` fills, among the `counted`, came after their order's end. Of the `repeated` ones
    `completed` brought missing fees, `differing` other numbers or fees than the first, which count.
    `stale` updates were old, `contradicted` ends disagreed with another end, `unlawful` moves are
    none that orders make, `revived` orders had counted as refused, `forgotten` ones are not kept.
    """

    updates: int = 0
    stale: int = 0
    contradicted: int = 0
    unlawful: int = 0
    fills: int = 0
    counted: int = 0
    late: int = 0
    repeated: int = 0
    completed: int = 0
    differing: int = 0
    dropped: int = 0
    revived: int = 0
    forgotten: int = 0


class CommandCounts(Struct):
    """Outcomes of commands: sent = accepted + declined + lost + still in flight.

    One counts as declined when any of its orders was; `lost` ones were not answered completely.
    """

    sent: int = 0
    accepted: int = 0
    declined: int = 0
    lost: int = 0


class PlacingCounts(Struct):
    """Outcomes of requests to place an order, up to its sending, and of uncertainty."""

    asked: int = 0
    malformed: int = 0
    risky: int = 0
    foreseen: int = 0
    unsent: int = 0
    placed: int = 0
    replayed: int = 0
    uncertain: int = 0
    reconciled: int = 0


class DeskStatistics(Struct, frozen=True, kw_only=True):
    """What a desk did.

    Of the orders that were `asked` for, some were not sent: `malformed`, beyond a limit of one's
    own (`risky`), because the venue would refuse (`foreseen`), or without a link or journal
    (`unsent`). The others were `placed`. Those and the `replayed` ones of a process before are
    `waiting` for the venue, `accepted`, `refused` or `unknown`. Orders that became `uncertain` are
    `reconciled` or `open_uncertain`. `unmatched` fills wait for their order. See CommandCounts and
    OrderCounts.
    """

    asked: int
    malformed: int
    risky: int
    foreseen: int
    unsent: int
    placed: int
    replayed: int
    waiting: int
    accepted: int
    refused: int
    unknown: int
    uncertain: int
    reconciled: int
    open_uncertain: int
    looks: int
    live: int
    unmatched: int
    commands_waiting: int
    commands: CommandCounts
    orders: OrderCounts

    @property
    def differences(self) -> Mapping[str, int]:
        """The sums that do not close and by how much; empty when all do."""
        orders, commands = self.orders, self.commands
        before = self.malformed + self.risky + self.foreseen + self.unsent
        after = self.waiting + self.accepted + self.refused + self.unknown
        answered = commands.accepted + commands.declined + commands.lost + self.commands_waiting
        counted = orders.counted + orders.repeated + orders.dropped + self.unmatched
        sums = {
            "asked": self.asked - before - self.placed,
            "placed": self.placed + self.replayed - after,
            "uncertain": self.uncertain - self.reconciled - self.open_uncertain,
            "commands": commands.sent - answered,
            "fills": orders.fills - counted,
        }
        return {name: difference for name, difference in sums.items() if difference}

    @property
    def sums_close(self) -> bool:
        """Whether everything is accounted for."""
        return not self.differences
