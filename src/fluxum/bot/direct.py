"""The way past the engine for market data that leads to nothing, as nearly all of a tape. Pure.

A player may give an event of `markets` to `on_event` itself, if its books need no event: it first
moves the view's time on. While the strategy intends nothing, that is all that `Engine.step` does.
Else the player puts what was returned or raised into `found`, and the engine goes on from there.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Final

from fluxum.bot.engine_view import EngineView
from fluxum.bot.intent import Intent
from fluxum.bot.strategy import BotEvent, Strategy
from fluxum.bot.view import View
from fluxum.bot.wanted import Wanted
from fluxum.model.instrument import Symbol

__all__ = ["NOTHING", "Direct"]

NOTHING: Final = (tuple, list)
"""What a strategy returns, empty, if it intends nothing; others are looked at."""


class Direct:
    """The way to one strategy."""

    def __init__(self, strategy: Strategy, view: EngineView, wanted: Wanted) -> None:
        self.markets: Mapping[type, Container[tuple[str, Symbol]]] = {}
        """The markets whose events may go this way now, by the type of the event."""
        self.on_event: Callable[[BotEvent, View], Iterable[Intent]] = strategy.on_event
        self.view = view
        self.found: Iterable[Intent] | Exception | None = None
        """What was returned or raised for the event that the player returns; `None`: not given."""
        self.count = 0
        """How many events went this way."""
        self._wanted = wanted

    def given(self, count: int) -> None:
        """So many events were given to the strategy."""
        self.count += count
        self._wanted.received += count
