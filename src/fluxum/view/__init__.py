"""Views: what a session, a hub or a recording is at one moment, for a page or a screen.

`view(source, keeper)` is the one source of `fluxum serve` and `fluxum watch`. A `ViewKeeper`
remembers what is only in events; a `Playback` is a recording that can be wound.
"""

from fluxum.view.codec import encode_view
from fluxum.view.facts import (
    AccountView,
    BalanceView,
    BookView,
    CandleView,
    ConsolidatedLevelView,
    ConsolidatedView,
    GapView,
    LagView,
    LevelView,
    LinkView,
    LossView,
    MarketView,
    PositionView,
    ProofView,
    Severity,
    TickerView,
    TradeView,
    VenueView,
    View,
)
from fluxum.view.keeper import ViewKeeper
from fluxum.view.playback import Playback
from fluxum.view.view import Extent, Source, view

__all__ = [
    "AccountView",
    "BalanceView",
    "BookView",
    "CandleView",
    "ConsolidatedLevelView",
    "ConsolidatedView",
    "Extent",
    "GapView",
    "LagView",
    "LevelView",
    "LinkView",
    "LossView",
    "MarketView",
    "Playback",
    "PositionView",
    "ProofView",
    "Severity",
    "Source",
    "TickerView",
    "TradeView",
    "VenueView",
    "View",
    "ViewKeeper",
    "encode_view",
    "view",
]
