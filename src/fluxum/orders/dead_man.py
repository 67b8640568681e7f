"""The dead man switch: all orders are ended unless the desk renews the switch in time.

Where the venue keeps the time, a link that is lost, or a process that hangs or dies, disarms
nothing: that is its purpose. While it is armed it is renewed every third of its time.

Where the venue has no such switch the desk keeps the time and cancels all itself (ClientTimer).
That protects against a link or an account's stream that fails while this process runs: the switch
is renewed only while the account is followed, and if that is not so for too long every order is
canceled, at once if the venue can be reached, and otherwise as soon as it can be. It protects as
well against a process that was stopped or asleep and runs again: the time is over by then.

It does not protect against the end of this process, nor while the venue cannot be reached: no order
is canceled then. Only a switch that the venue keeps does that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct

from fluxum.errors import BadInput, FluxumError, OutcomeUnknown, TransportError
from fluxum.model.order import CancelAllAfter
from fluxum.venues.trading import SwitchKeeper

__all__ = ["ClientTimer", "DeadManSwitch", "SwitchState"]

_log = logging.getLogger(__name__)
_AGAIN_S = 1.0
_CANCEL_S = 5.0
_SECOND_NS = 1_000_000_000


class SwitchState(Struct, frozen=True, kw_only=True):
    """Where the dead man switch stands.

    `timeout_s` is `None` while it is not to be armed. `until_ns` is when its keeper will end all
    orders (or did), as far as it has confirmed; a renewal without an answer may have put it off.
    `reason` is why the last renewal failed.

    `keeper` is who keeps the time. The venue ends the orders whatever becomes of this process. The
    client, where the venue has no such switch, ends them only while this process runs and reaches
    the venue: **not after the process ended, not while the network is down**. `fired` is how many
    times the client did.
    """

    timeout_s: int | None
    until_ns: int | None
    renewed: int
    failed: int
    reason: str
    keeper: SwitchKeeper = SwitchKeeper.VENUE
    fired: int = 0

    def is_armed(self, now_ns: int) -> bool:
        """Whether its keeper has confirmed that it will end all orders, later than now.

        `now_ns` and `until_ns` are by the venue's clock.
        """
        return self.until_ns is not None and now_ns < self.until_ns


class DeadManSwitch:
    """Arms, renews and disarms.

    `confirm` sends a command, and returns when the venue will end all orders if that says so. With
    a `timer` it is the client that keeps the time, and `confirm` is not used.
    """

    def __init__(
        self,
        confirm: Callable[[CancelAllAfter, float], Awaitable[int | None]],
        now_ns: Callable[[], int],
        timer: "ClientTimer | None" = None,
    ) -> None:
        self._confirm = confirm if timer is None else timer.confirm
        self._now_ns = now_ns
        self._timer = timer
        self._is_left_armed = False
        self._timeout_s: int | None = None
        self._until_ns: int | None = None
        self._renewed = 0
        self._failed = 0
        self._reason = ""
        self._changed = asyncio.Event()

    @property
    def state(self) -> SwitchState:
        """Where it stands."""
        return SwitchState(
            timeout_s=self._timeout_s,
            until_ns=self._until_ns,
            renewed=self._renewed,
            failed=self._failed,
            reason=self._reason,
            keeper=SwitchKeeper.VENUE if self._timer is None else SwitchKeeper.CLIENT,
            fired=0 if self._timer is None else self._timer.fired,
        )

    async def arm(self, timeout_s: int, *, is_left_armed: bool = False) -> SwitchState:
        """Arm it, and keep it armed; `is_left_armed` is whether it stays so when its desk is left.

        Raises VenueRefused; then it is not armed. Without an answer OutcomeUnknown is raised, and
        arming it is tried again and again.
        """
        if timeout_s < 1:
            raise BadInput(f"a time-out of at least 1 s was expected, was {timeout_s}")
        if is_left_armed and self._timer is not None:
            raise BadInput("the client keeps this dead man switch: it cannot be left armed")
        self._is_left_armed = is_left_armed
        before, self._timeout_s = self._timeout_s, timeout_s
        try:
            await self._renew(timeout_s, float(timeout_s))
        except OutcomeUnknown:
            raise
        except FluxumError:
            self._timeout_s = before
            raise
        finally:
            self._changed.set()
        return self.state

    async def disarm(self, timeout_s: float) -> SwitchState:
        """Disarm it; raises VenueRefused and OutcomeUnknown."""
        self._timeout_s = None
        self._changed.set()
        await self._confirm(CancelAllAfter(0), timeout_s)
        self._until_ns = None
        return self.state

    async def leave(self, timeout_s: float, *, has_failed: bool) -> None:
        """Disarm it as its desk is left, unless that `has_failed` or it is to be left armed.

        If the desk `has_failed` and the client keeps the time, all orders are canceled now.
        """
        if self._timeout_s is None:
            return
        until_ns = self._until_ns
        if has_failed and self._timer is not None:
            await _cancel_all(self._timer, timeout_s)
            return
        if has_failed or self._is_left_armed:
            _log.warning("the dead man switch is left armed until %s", until_ns)
            return
        try:
            await self.disarm(timeout_s)
        except FluxumError as error:
            _log.warning("the dead man switch may be armed until %s: %s", until_ns, error)

    async def run(self) -> None:
        """Renew it in time, until cancelled."""
        while True:
            timeout_s = self._timeout_s
            if timeout_s is None:
                await _pause(self._changed, None)
                continue
            await _pause(self._changed, timeout_s / 3)
            while self._timeout_s is not None and not await self._try(self._timeout_s):
                await _pause(self._changed, min(_AGAIN_S, timeout_s / 3))

    async def _try(self, timeout_s: int) -> bool:
        try:
            await self._renew(timeout_s, timeout_s / 3)
        except FluxumError as error:
            self._failed += 1
            if not self._reason:  # it is tried each second, and logged once
                _log.warning("the dead man switch was not renewed: %s", error)
            self._reason = str(error)
            return False
        return True

    async def _renew(self, timeout_s: int, wait_s: float) -> None:
        triggers_ns = await self._confirm(CancelAllAfter(timeout_s), wait_s)
        if self._timeout_s is not None:  # else it was disarmed meanwhile
            until_ns = self._now_ns() + timeout_s * _SECOND_NS
            self._until_ns = until_ns if triggers_ns is None else triggers_ns
            self._renewed += 1
            self._reason = ""


class ClientTimer:
    """Counts down, and cancels all when the time is over; `confirm` is what the venue would do.

    `cancel_all` sends a cancel of every order and waits so many seconds for the venue's answer. The
    time is over by `now_ns`, the venue's clock, or by the loop's, whichever is first: the former
    goes on while the machine sleeps, the latter is never set back.
    """

    def __init__(
        self,
        cancel_all: Callable[[float], Awaitable[object]],
        is_following: Callable[[], bool],
        now_ns: Callable[[], int],
    ) -> None:
        self.fired = 0
        """How many times the time was over and every order was canceled."""
        self._cancel_all = cancel_all
        self._is_following = is_following
        self._now_ns = now_ns
        self._until_ns: int | None = None
        self._until_s = 0.0
        self._changed = asyncio.Event()

    @property
    def is_overdue(self) -> bool:
        """Whether the time is over, and not every order was canceled yet."""
        if self._until_ns is None:
            return False
        return self._now_ns() >= self._until_ns or _loop_s() >= self._until_s

    async def confirm(self, command: CancelAllAfter, timeout_s: float) -> int | None:
        """Begin to count down, or end it for zero seconds; returns when all will be canceled.

        Raises TransportError while the account is not followed, and while the time is over and
        orders may be open: these are canceled first, even when it is disarmed.
        """
        if self.is_overdue and not command.timeout_s:
            await self.cancel_all(timeout_s)
        elif self.is_overdue:
            raise TransportError("the time is over, and every order is being canceled")
        if command.timeout_s and not self._is_following():
            raise TransportError("the account is not followed now")
        now_ns = self._now_ns()
        self._until_ns = now_ns + command.timeout_s * _SECOND_NS if command.timeout_s else None
        self._until_s = _loop_s() + command.timeout_s
        self._changed.set()
        return self._until_ns

    async def cancel_all(self, timeout_s: float) -> None:
        """Cancel every order now, and count no further; raises what a cancel raises."""
        await self._cancel_all(timeout_s)
        self._until_ns = None
        self.fired += 1

    async def run(self) -> None:
        """Cancel all whenever the time is over, until cancelled."""
        while True:
            if self.is_overdue:
                await self._expire()
            await self._pause()

    async def _expire(self) -> None:
        """Cancel all: now, and once more when the account is followed, if it is not.

        What was on its way to the venue as the link was lost may arrive after the first cancel.
        """
        _log.error("the dead man switch was not renewed in time: every order is canceled")
        is_logged = is_sent = False
        while self.is_overdue:
            is_following = self._is_following()
            try:
                if is_following:
                    await self.cancel_all(_CANCEL_S)
                elif not is_sent:
                    await self._cancel_all(_CANCEL_S)
                    is_sent = True
            except FluxumError as error:
                if not is_logged:
                    _log.error("the dead man switch could not cancel, and goes on: %s", error)
                is_logged = True
            if self.is_overdue:
                await asyncio.sleep(_AGAIN_S)

    async def _pause(self) -> None:
        """Wait until the time is over or it is changed."""
        delay_s = None
        if self._until_ns is not None:
            left_s = (self._until_ns - self._now_ns()) / _SECOND_NS
            delay_s = max(0.0, min(left_s, self._until_s - _loop_s()))
        await _pause(self._changed, delay_s)


async def _cancel_all(timer: ClientTimer, timeout_s: float) -> None:
    _log.error("the desk failed with its dead man switch armed: every order is canceled")
    try:
        await timer.cancel_all(timeout_s)
    except FluxumError as error:
        _log.error("orders may be open, the dead man switch could not cancel them: %s", error)


async def _pause(changed: asyncio.Event, delay_s: float | None) -> None:
    """Wait so long, but not beyond a change."""
    changed.clear()
    try:
        async with asyncio.timeout(delay_s):
            await changed.wait()
    except TimeoutError:
        pass


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
