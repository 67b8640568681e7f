"""Rivals: two subscriptions of one link whose events cannot be distinguished.

An event names its channel, symbol and interval. It does not name the depth of a book, nor which of
two channels of trades it came from.
"""

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Subscription
from fluxum.venues.subscriptions import Subscriptions

__all__ = ["check_rival", "follow"]


def check_rival(subscriptions: Subscriptions, wanted: Subscription) -> None:
    """Raise LocalProtocolError if another subscription with the same events is active."""
    rival = _rival(subscriptions, wanted)
    if rival is not None and rival != wanted:
        raise LocalProtocolError(f"'{wanted}' cannot be distinguished from '{rival}' on one link")


def follow(subscriptions: Subscriptions, topic: str, requested: Subscription) -> bool:
    """On a tape, open what another client requested; return False if its events are active already.

    A book replaces a shallower book of its market.
    """
    rival = _rival(subscriptions, requested)
    if rival is not None:
        if (requested.depth or 0) <= (rival.depth or 0):
            return False
        subscriptions.close(subscriptions.topic(rival) or "")
    return subscriptions.open(topic, requested)


def _rival(subscriptions: Subscriptions, wanted: Subscription) -> Subscription | None:
    """The active subscription with the same events, which may be the wanted one itself."""
    for active in subscriptions.by_topic.values():
        if (
            active.symbol == wanted.symbol
            and active.channel is wanted.channel
            and active.interval_s == wanted.interval_s
        ):
            return active
    return None
