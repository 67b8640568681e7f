"""Coinbase's facts as data, each with its source and date; every one can be overridden."""

from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy
from fluxum.venues.coinbase.advanced.normalize import INTERVAL_S
from fluxum.venues.coinbase.advanced.private.protocol import AdvancedAccount
from fluxum.venues.coinbase.advanced.private.queries import account_queries
from fluxum.venues.coinbase.advanced.private.signing import AdvancedSigner
from fluxum.venues.coinbase.advanced.private.terms import TIERS
from fluxum.venues.coinbase.advanced.protocol import AdvancedProtocol
from fluxum.venues.coinbase.advanced.queries import AdvancedQueries
from fluxum.venues.coinbase.exchange.private.protocol import user_link
from fluxum.venues.coinbase.exchange.private.queries import account_queries as exchange_queries
from fluxum.venues.coinbase.exchange.private.signing import ExchangeSigner
from fluxum.venues.coinbase.exchange.private.terms import TIERS as EXCHANGE_TIERS
from fluxum.venues.coinbase.exchange.protocol import ExchangeProtocol
from fluxum.venues.coinbase.exchange.queries import ExchangeQueries
from fluxum.venues.coinbase.symbols import ADVANCED, EXCHANGE, format_symbol
from fluxum.venues.private import Private
from fluxum.venues.venue import ACCOUNT, MARKETS, Checks, Limits, Venue, routes, silence_s

__all__ = ["COINBASE", "COINBASE_EXCHANGE"]

_POPULAR = (Symbol("BTC/USD"), Symbol("ETH/USD"), Symbol("SOL/USD"))

# Its own kit tries five times, each twice as long after the last
# (https://github.com/coinbase/coinbase-advanced-py, 2026).
_BACKOFF = BackoffPolicy(quick_tries=2, quick_s=1.0, floor_s=1.0, first_s=2.0, ceiling_s=30.0)

COINBASE = Venue(
    name=ADVANCED,
    # https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview
    # and .../advanced-trade-apis/rest-api, 2026-06
    endpoints={
        "public": "wss://advanced-trade-ws.coinbase.com",
        "private": "wss://advanced-trade-ws-user.coinbase.com",
        "rest": "https://api.coinbase.com",
    },
    routes=routes(public=MARKETS, private=ACCOUNT),
    depths={},  # the whole book, always
    # https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
    intervals_s=(INTERVAL_S,),
    limits=Limits(
        # A heartbeat a second, which the protocol requests first (the same page).
        link_silence_s=10.0,
        ping_interval_s=20.0,
        # Numbers show what is lost, so silence means little: most markets here are quiet ones.
        data_silence_s=silence_s(book=300.0, ticker=900.0, trade=900.0),
        backoff=_BACKOFF,
        # 8 connections and 8 messages a second an address are allowed:
        # https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-rate-limits
        attempts=120,
        attempt_window_s=600.0,
        sends_per_s=8.0,
        send_burst=8,
        # "too many L2 streams requested in a single session": 16 were fine, 32 were not
        # (https://github.com/JKorf/Coinbase.Net/issues/19).
        symbols_per_link=16,
        # A snapshot of BTC-USD has five megabytes and more.
        frame_bytes_max=None,
        # 10 a second an address for public calls:
        # https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/rest-api
        fetch_cost_per_s=5.0,
        fetch_cost_max=5.0,
    ),
    checks=Checks(),  # the numbers of its frames prove its books
    protocol=AdvancedProtocol,
    queries=AdvancedQueries,
    private=Private(
        endpoint="private",
        protocol=AdvancedAccount,
        signer=AdvancedSigner,
        queries=account_queries,
        tiers=TIERS,
    ),
    sample_symbols=_POPULAR,
    format_symbol=format_symbol,
    # https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
    snapshots=frozenset({Channel.TICKER}),
)

COINBASE_EXCHANGE = Venue(
    name=EXCHANGE,
    # https://docs.cdp.coinbase.com/exchange/websocket-feed/overview and
    # https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/introduction, 2026-06
    endpoints={
        "public": "wss://ws-feed.exchange.coinbase.com",
        # For those who have an account: .../exchange/websocket-feed/overview, Coinbase Exchange
        # WebSocket Direct Market Data
        "private": "wss://ws-direct.exchange.coinbase.com",
        "rest": "https://api.exchange.coinbase.com",
    },
    routes=routes(
        public=(Channel.BOOK, Channel.TICKER, Channel.TRADE, Channel.INSTRUMENT), private=ACCOUNT
    ),
    depths={},  # the whole book, always
    intervals_s=(),
    limits=Limits(
        # A heartbeat a second for each product:
        # https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
        link_silence_s=15.0,
        ping_interval_s=30.0,
        data_silence_s={Channel.BOOK: 120.0, Channel.TICKER: 900.0, Channel.TRADE: 900.0},
        backoff=_BACKOFF,
        attempts=120,
        attempt_window_s=600.0,
        # 8 requests a second an address, bursts to 20:
        # https://docs.cdp.coinbase.com/exchange/websocket-feed/rate-limits
        sends_per_s=8.0,
        send_burst=20,
        symbols_per_link=100,
        # 10 a second an address, bursts to 15:
        # https://docs.cdp.coinbase.com/exchange/rest-api/rate-limits
        fetch_cost_per_s=5.0,
        fetch_cost_max=5.0,
    ),
    checks=Checks(),  # nothing proves its books
    protocol=ExchangeProtocol,
    queries=ExchangeQueries,
    private=Private(
        endpoint="private",
        protocol=user_link,
        signer=ExchangeSigner,
        queries=exchange_queries,
        tiers=EXCHANGE_TIERS,
        untimely=("request timestamp expired",),
    ),
    sample_symbols=_POPULAR,
    format_symbol=format_symbol,
    recorded_hosts=frozenset({"ws-feed.pro.coinbase.com", "ws-feed.gdax.com"}),
    # A ticker comes on subscribing, then with each match:
    # https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
    snapshots=frozenset({Channel.TICKER}),
)
