"""The two numbered channels of an account: what is asked, what is next, what is late.

`sequence` counts by one for each message of a channel; a snapshot sets it, at whatever number
(https://docs.kraken.com/api/docs/websocket-v2/executions; protocols seen in 2024 begin at 120). A
number that was had is a repetition, one too high a hole: after it nothing of the channel counts
until the next snapshot.
"""

from enum import Enum

from fluxum.model.event import Channel, Subscription
from fluxum.venues.kraken.native import Kind
from fluxum.venues.kraken.private import native
from fluxum.venues.private import TOKEN
from fluxum.venues.venue import SequenceCounts

__all__ = ["NAMES", "AccountChannel", "Numbering"]

NAMES = {Channel.BALANCE: "balances", Channel.EXECUTION: "executions"}
"""Kraken's names of the private channels."""


class Numbering(Enum):
    """What a message's number means."""

    NEXT = "next"
    REPEATED = "repeated"
    HOLE = "hole"
    LATE = "late"


class AccountChannel:
    """One of the two channels on one link."""

    def __init__(self, subscription: Subscription, counts: SequenceCounts) -> None:
        self.subscription = subscription
        self.name = NAMES[subscription.channel]
        self.is_answered = False
        """Whether the venue accepted it, by its word or by a snapshot."""
        self.is_ending = False
        self.is_renewed = False
        """Whether it was asked for again because its token was too old."""
        self.is_awaited = True
        """Whether the next message that counts is a snapshot."""
        self.is_coming = True
        """Whether a snapshot was asked for that has not come yet."""
        self.is_whole = True
        """Whether every row since the last snapshot could be read."""
        self.mended_ns = 0
        """Until when it does not begin anew for such a row, as it did so a while ago."""
        self.expected = 0
        self._counts = counts

    def params(self, method: str) -> native.AccountParams:
        """The parameters of a subscribe or unsubscribe of this channel."""
        is_begun = method == "subscribe"
        if self.subscription.channel is Channel.BALANCE or not is_begun:
            return native.AccountParams(self.name, TOKEN, snapshot=True if is_begun else None)
        # The page's text and its table disagree on the defaults: both are sent explicitly.
        return native.AccountParams(
            self.name, TOKEN, snap_orders=True, snap_trades=True, ratecounter=True
        )

    def take(self, kind: Kind, number: int) -> Numbering:
        """What to make of a message with this number; only NEXT is to be used."""
        if kind == "snapshot":
            self.is_awaited = self.is_coming = False
            self.expected = number + 1
            return Numbering.NEXT
        if self.is_awaited:
            return Numbering.LATE
        if number == self.expected:
            self._counts.steps += 1
            self.expected = number + 1
            return Numbering.NEXT
        if number < self.expected:
            return Numbering.REPEATED
        self._counts.breaks += 1
        self.is_awaited = True
        return Numbering.HOLE
