"""Bots: a strategy is a value, and one engine runs it live, on paper and in a back-test.

    from fluxum.bot import Market, Quote, Strategy, Want

See `strategy` for what a strategy is, `intent` for what it may intend, `view` for what it sees.
"""

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
from fluxum.bot.market import Market
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
    "BookView",
    "BotEvent",
    "Cancel",
    "CancelAll",
    "Every",
    "Halt",
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
    "Target",
    "Timer",
    "Together",
    "View",
    "Want",
]
