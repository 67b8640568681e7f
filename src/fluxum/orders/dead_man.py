"""The dead man switch: the venue ends all orders unless the desk renews the switch in time.

The venue keeps the time, so a link that is lost, or a process that hangs or dies, disarms nothing:
that is its purpose. While it is armed it is renewed every third of its time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct

from fluxum.errors import BadInput, FluxumError, OutcomeUnknown
from fluxum.model.order import Accepted, CancelAllAfter

__all__ = ["DeadManSwitch", "SwitchState"]

_log = logging.getLogger(__name__)
_AGAIN_S = 1.0


class SwitchState(Struct, frozen=True, kw_only=True):
    """Where the dead man switch stands.

    `timeout_s` is `None` while it is not to be armed. `until_ns` is when the venue will end all
    orders (or did), as far as it has confirmed; a renewal without an answer may have put it off.
    """

    timeout_s: int | None
    until_ns: int | None
    renewed: int
    failed: int
    reason: str

    def is_armed(self, now_ns: int) -> bool:
        """Whether the venue has confirmed that it will end all orders, later than now.

        `now_ns` and `until_ns` are by the venue's clock.
        """
        return self.until_ns is not None and now_ns < self.until_ns


class DeadManSwitch:
    """Arms, renews and disarms. `confirm` sends a command and returns the venue's acceptance."""

    def __init__(
        self,
        confirm: Callable[[CancelAllAfter, float], Awaitable[Accepted]],
        now_ns: Callable[[], int],
    ) -> None:
        self.is_left_armed = False
        """Whether it stays armed when its desk is left."""
        self._confirm = confirm
        self._now_ns = now_ns
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
        )

    async def arm(self, timeout_s: int) -> SwitchState:
        """Arm it, and keep it armed.

        Raises VenueRefused; then it is not armed. Without an answer OutcomeUnknown is raised, and
        arming it is tried again and again.
        """
        if timeout_s < 1:
            raise BadInput(f"a time-out of at least 1 s was expected, was {timeout_s}")
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
        """Disarm it as its desk is left, unless that `has_failed` or it is to be left armed."""
        if self._timeout_s is None:
            return
        until_ns = self._until_ns
        if has_failed or self.is_left_armed:
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
        answer = await self._confirm(CancelAllAfter(timeout_s), wait_s)
        if self._timeout_s is not None:  # else it was disarmed meanwhile
            until_ns = self._now_ns() + timeout_s * 1_000_000_000
            self._until_ns = until_ns if answer.triggers_ns is None else answer.triggers_ns
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
