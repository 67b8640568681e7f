"""The dead man switch: all orders are ended unless the desk renews the switch in time.

Where the venue keeps the time, a link that is lost, or a process that hangs or dies, disarms
nothing: that is its purpose. Where the venue has no such switch the desk keeps the time itself, and
protects against less (see `client_timer`). While it is armed it is renewed every third of its time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct

from fluxum.errors import BadInput, FluxumError, OutcomeUnknown
from fluxum.model.order import CancelAllAfter
from fluxum.orders.client_timer import ClientTimer
from fluxum.venues.trading import SwitchKeeper

__all__ = ["DeadManSwitch", "SwitchState"]

_log = logging.getLogger(__name__)
_AGAIN_S = 1.0


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
        timer: ClientTimer | None = None,
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
                await self._pause(None)
                continue
            await self._pause(timeout_s / 3)
            while self._timeout_s is not None and not await self._try(self._timeout_s):
                await self._pause(min(_AGAIN_S, timeout_s / 3))

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
            until_ns = self._now_ns() + timeout_s * 1_000_000_000
            self._until_ns = until_ns if triggers_ns is None else triggers_ns
            self._renewed += 1
            self._reason = ""

    async def _pause(self, delay_s: float | None) -> None:
        """Wait, but not beyond a change of the switch."""
        self._changed.clear()
        try:
            async with asyncio.timeout(delay_s):
                await self._changed.wait()
        except TimeoutError:
            pass


async def _cancel_all(timer: ClientTimer, timeout_s: float) -> None:
    _log.error("the desk failed with its dead man switch armed: every order is canceled")
    try:
        await timer.cancel_all(timeout_s)
    except FluxumError as error:
        _log.error("orders may be open, the dead man switch could not cancel them: %s", error)
