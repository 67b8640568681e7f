"""Newvenue's facts as data, each with its source and date; every one can be overridden."""

from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy
from fluxum.venues.venue import Limits, Venue, routes
from newvenue.normalize import VENUE
from newvenue.protocol import NewvenueProtocol
from newvenue.topics import DEPTHS, format_symbol

__all__ = ["NEWVENUE"]

NEWVENUE = Venue(
    name=VENUE,
    # Source and date of every fact, as in the other folders.
    endpoints={"public": "wss://example.invalid/newvenue", "rest": "https://example.invalid"},
    routes=routes(public=(Channel.BOOK, Channel.TRADE)),
    depths={Channel.BOOK: DEPTHS},
    intervals_s=(),
    limits=Limits(
        link_silence_s=30.0,
        ping_interval_s=20.0,
        data_silence_s={Channel.BOOK: 60.0, Channel.TRADE: 900.0},
        backoff=BackoffPolicy(),
        attempts=60,
        attempt_window_s=300.0,
        sends_per_s=5.0,
        send_burst=5,
        symbols_per_link=100,
    ),
    protocol=NewvenueProtocol,
    sample_symbols=(Symbol("BTC/USD"), Symbol("ETH/USD"), Symbol("SOL/USD")),
    format_symbol=format_symbol,
)
