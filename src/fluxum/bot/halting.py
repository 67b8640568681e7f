"""Whether a bot is halted, and when the cancels of its orders are tried again. Pure."""

from collections.abc import Iterable

from fluxum.bot.account import BotAccount
from fluxum.bot.decision import BotCommand
from fluxum.model.order import Amend, Cancel, Place

__all__ = ["Halting", "without_new"]

_RETRY_NS = 5_000_000_000


class Halting:
    """The switch of one bot; `reason` is empty while it is not halted."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        self.due_ns: int | None = None
        """When cancels are tried again; `None`: no order is left, or they are to stay."""

    def halt(self, reason: str) -> None:
        """Nothing is placed from now on."""
        self.reason = reason

    def resume(self) -> None:
        """Everything is placed again."""
        self.reason, self.due_ns = "", None

    def retry_after(self, now_ns: int) -> None:
        """Orders are being canceled: look again after five seconds."""
        self.due_ns = now_ns + _RETRY_NS

    def is_due(self, now_ns: int, *, are_left: bool) -> bool:
        """Whether to cancel again now, while orders are left."""
        if not are_left:
            self.due_ns = None
        if self.due_ns is None or self.due_ns > now_ns:
            return False
        self.retry_after(now_ns)
        return True


def without_new(commands: Iterable[BotCommand], account: BotAccount) -> list[BotCommand]:
    """The cancels alone: a runaway bot begins no more, and its account forgets what it meant to."""
    kept: list[BotCommand] = []
    for one in commands:
        match one.command:
            case Place(request=request):
                account.forget(request.client_order_id)
            case Amend(client_order_id=name):
                account.forget(name)
            case Cancel():
                kept.append(one)
    return kept
