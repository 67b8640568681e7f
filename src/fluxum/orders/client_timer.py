"""The dead man switch of a venue that has none: the desk keeps the time and cancels all itself.

It protects against a link or an account's stream that fails while this process runs: the switch is
renewed only while the account is followed, and if that is not so for too long every order is
canceled, at once if the venue can be reached, and otherwise as soon as it can be. It protects as
well against a process that was stopped or asleep and runs again: the time is over by then.

It does not protect against the end of this process, nor while the venue cannot be reached: no order
is canceled then. Only a switch that the venue keeps does that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fluxum.errors import FluxumError, TransportError
from fluxum.model.order import CancelAllAfter

__all__ = ["ClientTimer"]

_log = logging.getLogger(__name__)
_AGAIN_S = 1.0
_CANCEL_S = 5.0
_SECOND_NS = 1_000_000_000


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
        self._changed.clear()
        delay_s = None
        if self._until_ns is not None:
            left_s = (self._until_ns - self._now_ns()) / _SECOND_NS
            delay_s = max(0.0, min(left_s, self._until_s - _loop_s()))
        try:
            async with asyncio.timeout(delay_s):
                await self._changed.wait()
        except TimeoutError:
            pass


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
