"""Gemini's facts as data, each with its source and date; every one can be overridden."""

from functools import partial

from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy
from fluxum.venues.gemini import normalize
from fluxum.venues.gemini.private.events import EVENTS_PATH, OrderEvents
from fluxum.venues.gemini.private.protocol import order_link
from fluxum.venues.gemini.private.queries import account_queries
from fluxum.venues.gemini.private.signing import GeminiSigner
from fluxum.venues.gemini.private.terms import TIERS
from fluxum.venues.gemini.protocol import GeminiProtocol
from fluxum.venues.gemini.queries import GeminiQueries
from fluxum.venues.gemini.symbols import lower, upper
from fluxum.venues.gemini.v2 import normalize as normalize_v2
from fluxum.venues.gemini.v2.protocol import GeminiV2Protocol
from fluxum.venues.gemini.v2.topics import CANDLES
from fluxum.venues.private import OrderLink, Private
from fluxum.venues.venue import Checks, Limits, Venue, routes, silence_s

__all__ = ["GEMINI", "GEMINI_V2"]

_REST = "https://api.gemini.com"  # https://docs.gemini.com/rest-api/, 2026-03
_POPULAR = (Symbol("BTC/USD"), Symbol("ETH/USD"), Symbol("SOL/USD"))
# Neither feed has a documented policy; two quick tries, then patience, as other venues advise.
_BACKOFF = BackoffPolicy(quick_tries=2, quick_s=1.0, floor_s=3.0, first_s=5.0, ceiling_s=60.0)
# Many markets are quiet: in a recording of 2026-08 one had not traded for as long as is set here.
_DATA_SILENCE_S = silence_s(book=120.0, ticker=900.0, trade=3600.0)
# Public calls: 120 a minute, one a second advised, five more are queued before a refusal
# (https://docs.gemini.com/rest-api/#rate-limits, 2026-03). The list of markets takes 348 of them.
_FETCH_COST_PER_S, _FETCH_COST_MAX = 1.0, 5.0

# https://docs.gemini.com/websocket/order-events, https://developer.gemini.com/websocket, 2026-03.
# The documents of order events are archived, but have the most; orders and balances are on the
# newer link.
_ACCOUNT = {"events": f"wss://api.gemini.com{EVENTS_PATH}", "trade": "wss://ws.gemini.com"}

GEMINI = Venue(
    name=normalize.VENUE,
    # https://developer.gemini.com/websocket/introduction, 2026-03; `snapshot=-1` makes a book's
    # first message the whole of it.
    endpoints={"public": "wss://ws.gemini.com/?snapshot=-1", **_ACCOUNT, "rest": _REST},
    # Until 2026-02-24 the same feed had another name.
    recorded_hosts=frozenset({"wsapi.fast.gemini.com"}),
    # There are no candles: https://developer.gemini.com/websocket/streams, 2026-03
    routes=routes(
        public=(Channel.BOOK, Channel.TICKER, Channel.TRADE, Channel.INSTRUMENT),
        events=(Channel.EXECUTION,),
        trade=(Channel.BALANCE,),
    ),
    depths={},  # a book is whole
    intervals_s=(),
    limits=Limits(
        # The venue pings by the transport only, every 20 s; a client's ping is answered at once.
        link_silence_s=20.0,
        ping_interval_s=10.0,
        # Longer than the time between pings, with which a request is repeated.
        answer_timeout_s=15.0,
        data_silence_s=_DATA_SILENCE_S,
        backoff=_BACKOFF,
        # `conninfo` has 300 in 5 minutes (live, 2026-09).
        attempts=100,
        attempt_window_s=300.0,
        # `conninfo` has a weight of 7,000 in 10 s live, 30,000 a minute in the documents.
        sends_per_s=20.0,
        send_burst=50,
        # Not documented; whole books are large.
        symbols_per_link=100,
        fetch_cost_per_s=_FETCH_COST_PER_S,
        fetch_cost_max=_FETCH_COST_MAX,
    ),
    protocol=GeminiProtocol,
    queries=partial(GeminiQueries, normalize.VENUE, lower),
    private=Private(
        endpoint="events",
        protocol=OrderEvents,
        signer=GeminiSigner,
        queries=account_queries,
        tiers=TIERS,
        authenticated=frozenset(_ACCOUNT),
        handshakes={"events": EVENTS_PATH},
        untimely=("InvalidNonce",),
        numbered=frozenset({Channel.EXECUTION}),
        order_link=OrderLink("trade", order_link),
    ),
    format_symbol=lower,
    sample_symbols=_POPULAR,
)

GEMINI_V2 = Venue(
    name=normalize_v2.VENUE,
    # https://developer.gemini.com/websocket/archived/v2, 2026-03
    endpoints={"public": "wss://api.gemini.com/v2/marketdata", "rest": _REST},
    # Its books cannot be proved, so that no limit can be held against them: the account is at
    # `gemini`. There are no tickers; futures' marks and funding are no channel of the model.
    routes=routes(public=(Channel.BOOK, Channel.TRADE, Channel.CANDLE, Channel.INSTRUMENT)),
    depths={},  # a book is whole
    intervals_s=tuple(CANDLES.values()),
    limits=Limits(
        # A heartbeat every 5 s, measured; 10 to 15 s without one are the end.
        link_silence_s=15.0,
        ping_interval_s=60.0,  # there is no ping to send
        # Two heartbeats until a request is repeated, and time for the answer.
        answer_timeout_s=25.0,
        data_silence_s=_DATA_SILENCE_S,
        backoff=_BACKOFF,
        # Not documented.
        attempts=60,
        attempt_window_s=300.0,
        # Not documented.
        sends_per_s=5.0,
        send_burst=10,
        symbols_per_link=100,
        fetch_cost_per_s=_FETCH_COST_PER_S,
        fetch_cost_max=_FETCH_COST_MAX,
    ),
    checks=Checks(),  # nothing is numbered and there is no checksum: books stay unverified
    protocol=GeminiV2Protocol,
    queries=partial(GeminiQueries, normalize_v2.VENUE, upper),
    format_symbol=upper,
    sample_symbols=_POPULAR,
)
