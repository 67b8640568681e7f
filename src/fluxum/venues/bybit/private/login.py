"""The login of a link, which comes before anything else is requested.

https://bybit-exchange.github.io/docs/v5/ws/connect#authentication: the state is the link's alone,
and nothing may be requested before the login is acknowledged. An expiry that is too short or over
is refused with "Params Error" (https://github.com/bybit-exchange/pybit/issues/152).
"""

from collections import deque
from collections.abc import Iterable, Sequence

from fluxum.model.event import Event, Refused, Subscription
from fluxum.venues.bybit.private import native
from fluxum.venues.conversation import Auth, Effect, Hangup, Send

__all__ = ["Login"]

_LOGIN = Send(native.encode({"op": "auth"}), Auth.SIGNED)
_TOO_OLD = frozenset({"Params Error", "10002"})


class Login:
    """Logs one link in; what is wanted before that waits in `waiting`."""

    def __init__(self, venue: str, outbox: deque[Effect]) -> None:
        self.is_done = False
        self.waiting: list[Subscription] = []
        self._venue = venue
        self._outbox = outbox
        self._is_sent = False

    def want(self, wanted: Iterable[Subscription]) -> None:
        """Queue the login, and have these wait for its acknowledgement."""
        self.waiting += wanted
        if self.waiting and not self._is_sent:
            self._is_sent = True
            self._outbox.append(_LOGIN)

    def drop(self, unwanted: Iterable[Subscription]) -> None:
        """Have these wait no longer."""
        gone = set(unwanted)
        self.waiting = [one for one in self.waiting if one not in gone]

    def accepted(self) -> Sequence[Subscription]:
        """The login was accepted; returns what waited for it."""
        self.is_done = True
        waiting, self.waiting = self.waiting, []
        return waiting

    def refused(self, code: str, message: str, received_ns: int) -> Sequence[Event]:
        """The login was refused: what waited is, and clocks that differ are a reason to redial."""
        reason = f"the login: {message or 'refused without a reason'}"
        waiting, self.waiting = self.waiting, []
        if code in _TOO_OLD or message in _TOO_OLD:
            self._outbox.append(Hangup(reason))
            return ()
        return [
            Refused(venue=self._venue, subscription=one, message=reason, received_ns=received_ns)
            for one in waiting
        ]
