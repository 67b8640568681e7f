"""Kraken's facts as data, each with its source and date; every one can be overridden."""

from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy
from fluxum.venues.kraken.checksum import DEPTH_PROVED, book_checksum, level3_checksum
from fluxum.venues.kraken.normalize import VENUE
from fluxum.venues.kraken.private.protocol import KrakenPrivateProtocol
from fluxum.venues.kraken.private.queries import account_queries
from fluxum.venues.kraken.private.signing import KrakenSigner
from fluxum.venues.kraken.private.terms import TIERS
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.kraken.queries import KrakenMarketQueries
from fluxum.venues.private import Private
from fluxum.venues.venue import ACCOUNT, MARKETS, Checks, Limits, Venue, routes, silence_s

__all__ = ["KRAKEN"]


KRAKEN = Venue(
    name=VENUE,
    # https://docs.kraken.com/api/docs/guides/spot-ws-intro, 2026-05
    endpoints={
        "public": "wss://ws.kraken.com/v2",
        "private": "wss://ws-auth.kraken.com/v2",
        "level3": "wss://ws-l3.kraken.com/v2",
        "rest": "https://api.kraken.com",
    },
    routes=routes(public=MARKETS, level3=(Channel.LEVEL3,), private=ACCOUNT),
    markets_with_keys=frozenset({Channel.LEVEL3}),
    # https://docs.kraken.com/api/docs/websocket-v2/book and /level3; the first is the default
    depths={Channel.BOOK: (10, 25, 100, 500, 1000), Channel.LEVEL3: (10, 100, 1000)},
    # https://docs.kraken.com/api/docs/websocket-v2/ohlc; the first is ours, the venue names none
    intervals_s=(60, 300, 900, 1800, 3600, 14_400, 86_400, 604_800, 1_296_000),
    limits=Limits(
        # A heartbeat a second: https://docs.kraken.com/api/docs/websocket-v2/heartbeat
        link_silence_s=10.0,
        # The server closes after about a minute without a request from us.
        ping_interval_s=20.0,
        data_silence_s={
            **silence_s(book=60.0, ticker=900.0, trade=900.0),
            Channel.LEVEL3: 60.0,
        },
        # Kraken's own tool: two quick tries, then 5 to 30 s with jitter
        # (https://github.com/krakenfx/kraken-api-sdk, 2026).
        backoff=BackoffPolicy(
            quick_tries=2, quick_s=1.0, floor_s=5.0, first_s=10.0, ceiling_s=30.0
        ),
        # About 150 connects in 10 minutes an address are allowed; its own tool keeps to 120.
        attempts=120,
        attempt_window_s=600.0,
        # The rate is not published; nautilus_trader keeps to 20 a second.
        sends_per_s=20.0,
        send_burst=20,
        symbols_per_link=200,
        # Public calls are counted by address, and about one a second is safe
        # (https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits).
        fetch_cost_per_s=1.0,
    ),
    checks=Checks(book=book_checksum, level3=level3_checksum, depth=DEPTH_PROVED),
    protocol=KrakenProtocol,
    queries=KrakenMarketQueries,
    private=Private(
        endpoint="private",
        protocol=KrakenPrivateProtocol,
        signer=KrakenSigner,
        queries=account_queries,
        tiers=TIERS,
        authenticated=frozenset({"private", "level3"}),
        snapshots=frozenset(ACCOUNT),
        # https://docs.kraken.com/api/docs/websocket-v2/executions and /balances: `sequence`
        numbered=frozenset(ACCOUNT),
    ),
    sample_symbols=(Symbol("BTC/USD"), Symbol("ETH/USD"), Symbol("SOL/USD")),
    # 1008 is a policy violation: dialling again would repeat it.
    fatal_closes=frozenset({1008}),
    # `snapshot` is true unless a request has another value; a list of candles may be empty:
    # https://docs.kraken.com/api/docs/websocket-v2/ticker and /instrument
    snapshots=frozenset({Channel.TICKER, Channel.INSTRUMENT}),
)
