"""Bots: a strategy is a value, and one engine runs it live, on paper and in a back-test.

    from fluxum.bot import Market, Quote, Strategy, Want

See `strategy` for what a strategy is, `intent` for what it may intend, `view` for what it sees.
"""

from fluxum.bot.behaviours import Barrier, Dca, Grid, Hedge, Twap
from fluxum.bot.intent import (
    Amend,
    Cancel,
    CancelAll,
    Halt,
    Intent,
    Leg,
    Note,
    Place,
    Quote,
    Target,
    Together,
)
from fluxum.bot.limits import BotFact, BotHalted, BotLimits, StrategyFailed, Verdict
from fluxum.bot.live import BotRun
from fluxum.bot.loading import load_kind, make_strategy
from fluxum.bot.market import Market
from fluxum.bot.opening import run
from fluxum.bot.strategy import (
    BotEvent,
    Every,
    Outcome,
    Remembered,
    Strategy,
    Timer,
    Want,
)
from fluxum.bot.view import BookView, OpenOrder, OrderRole, View
from fluxum.model.levels import Level

__all__ = [
    "Amend",
    "Barrier",
    "BookView",
    "BotEvent",
    "BotFact",
    "BotHalted",
    "BotLimits",
    "BotRun",
    "Cancel",
    "CancelAll",
    "Dca",
    "Every",
    "Grid",
    "Halt",
    "Hedge",
    "Intent",
    "Leg",
    "Level",
    "Market",
    "Note",
    "OpenOrder",
    "OrderRole",
    "Outcome",
    "Place",
    "Quote",
    "Remembered",
    "Strategy",
    "StrategyFailed",
    "Target",
    "Timer",
    "Together",
    "Twap",
    "Verdict",
    "View",
    "Want",
    "load_kind",
    "make_strategy",
    "run",
]
