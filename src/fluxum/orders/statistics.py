"""All counts of a desk at one moment, whose sums close."""

from collections.abc import Mapping

from msgspec import Struct, structs

from fluxum.orders.cache import OrderCache, OrderCounts, Standing
from fluxum.orders.inflight import CommandCounts

__all__ = ["DeskStatistics", "PlacingCounts", "gather"]


class PlacingCounts(Struct):
    """What became of the wish to place an order, up to its sending, and of doubts."""

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

    Orders that somebody wanted to place were refused before anything was sent, as `malformed`, by
    a limit of one's own (`risky`), because the venue would refuse (`foreseen`), or because there
    was no link or journal (`unsent`); the others were `placed`. Those and the `replayed` ones of a
    process before are `waiting` for the venue's first word, `accepted`, `refused` or `unknown`.
    Every doubt about an order is `reconciled` or `open_uncertain`. `unmatched` fills wait for their
    order. Of commands and evidence see CommandCounts and OrderCounts.
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
        sums = {
            "asked": self.asked - before - self.placed,
            "placed": self.placed + self.replayed - after,
            "uncertain": self.uncertain - self.reconciled - self.open_uncertain,
            "commands": commands.sent
            - commands.accepted
            - commands.declined
            - commands.lost
            - self.commands_waiting,
            "fills": orders.fills
            - orders.counted
            - orders.repeated
            - orders.dropped
            - self.unmatched,
        }
        return {name: difference for name, difference in sums.items() if difference}

    @property
    def sums_close(self) -> bool:
        """Whether everything is accounted for."""
        return not self.differences


def gather(
    counts: PlacingCounts,
    orders: OrderCache,
    commands: CommandCounts,
    *,
    commands_waiting: int,
    open_uncertain: int,
    looks: int,
) -> DeskStatistics:
    """All counts, as they are now."""
    tally = orders.tally
    return DeskStatistics(
        asked=counts.asked,
        malformed=counts.malformed,
        risky=counts.risky,
        foreseen=counts.foreseen,
        unsent=counts.unsent,
        placed=counts.placed,
        replayed=counts.replayed,
        waiting=tally[Standing.WAITING],
        accepted=tally[Standing.ACCEPTED],
        refused=tally[Standing.REFUSED],
        unknown=tally[Standing.UNKNOWN],
        uncertain=counts.uncertain,
        reconciled=counts.reconciled,
        open_uncertain=open_uncertain,
        looks=looks,
        live=len(orders.live),
        unmatched=orders.unmatched,
        commands_waiting=commands_waiting,
        commands=structs.replace(commands),
        orders=structs.replace(orders.counts),
    )
