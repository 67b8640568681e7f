"""Binance's facts as data, each with its source and date; each can be overridden."""

from functools import partial

from msgspec import structs

from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy
from fluxum.venues.binance.policy import SPOT, USDM
from fluxum.venues.binance.private.futures import protocol as futures_protocol
from fluxum.venues.binance.private.futures import queries as futures_queries
from fluxum.venues.binance.private.futures import terms as futures_terms
from fluxum.venues.binance.private.protocol import account_link
from fluxum.venues.binance.private.queries import account_queries
from fluxum.venues.binance.private.signing import BinanceSigner
from fluxum.venues.binance.private.terms import tiers
from fluxum.venues.binance.protocol import BinanceProtocol
from fluxum.venues.binance.queries import BinanceQueries
from fluxum.venues.private import TOKEN, OrderLink, Private
from fluxum.venues.venue import ACCOUNT, MARKETS, Limits, Venue, routes, silence_s

__all__ = ["BINANCE", "BINANCE_USDM"]

_LIMITS = Limits(
    # The venue's own pings are not seen here, and a quiet market sends nothing: we ping then.
    link_silence_s=30.0,
    ping_interval_s=300.0,
    # Ours, the venue has none. A market can be quiet for minutes, and each resync costs a snapshot.
    data_silence_s=silence_s(book=300.0, ticker=300.0, trade=900.0),
    # Ours. After several violations new links are refused for about two minutes
    # (https://github.com/nautechsystems/nautilus_trader/issues/5012, 2026).
    backoff=BackoffPolicy(quick_tries=2, quick_s=1.0, floor_s=1.0, first_s=5.0, ceiling_s=60.0),
    # 300 connections in 5 minutes an address, of which half are used:
    # https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md#websocket-limits
    attempts=150,
    attempt_window_s=300.0,
    # 5 messages in any second, pongs included, or the link is closed (same section); a bucket
    # that lets a burst through overshoots.
    sends_per_s=4.0,
    send_burst=1,
    # 1024 streams a link (same section), of several kinds for each market.
    symbols_per_link=200,
    # A connection is valid for 24 hours (same section).
    link_age_s=24 * 3600.0,
    # At most four fifths of a minute's weight, wherever the venue's minutes begin: others may call
    # from the same address.
    # https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#ip-limits, 2026-07
    fetch_cost_per_s=0.7 * SPOT.weight_per_minute / 60,
    fetch_cost_max=0.1 * SPOT.weight_per_minute,
)
_FUTURES_LIMITS = structs.replace(
    _LIMITS,
    fetch_cost_per_s=0.7 * USDM.weight_per_minute / 60,
    fetch_cost_max=0.1 * USDM.weight_per_minute,
)

BINANCE = Venue(
    name=SPOT.venue,
    # https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md, 2026-07
    endpoints={
        "public": "wss://stream.binance.com:9443/stream",
        "private": "wss://ws-api.binance.com:443/ws-api/v3",
        "rest": "https://api.binance.com",
    },
    routes=routes(public=MARKETS, private=ACCOUNT),
    depths={Channel.BOOK: SPOT.depths},
    intervals_s=tuple(SPOT.intervals),
    limits=_LIMITS,
    protocol=partial(BinanceProtocol, SPOT),
    queries=partial(BinanceQueries, SPOT),
    private=Private(
        endpoint="private",
        protocol=partial(account_link, SPOT),
        signer=BinanceSigner,
        queries=partial(account_queries, SPOT),
        tiers=tiers(SPOT),
        # Requests of the WebSocket API count their weight alone:
        # https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-api.md#rate-limits
        sends_per_s=20.0,
        send_burst=20,
    ),
    sample_symbols=(Symbol("BTC/USDT"), Symbol("ETH/USDT"), Symbol("SOL/USDT")),
    format_symbol=SPOT.format_symbol,
    recorded_hosts=frozenset({"stream.binance.com", "data-stream.binance.vision"}),
)

BINANCE_USDM = Venue(
    name=USDM.venue,
    # Books have a host path of their own since 2026-03, and nothing but books is sent over the one
    # that was there before, since 2026-04-23:
    # https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Important-WebSocket-Change-Notice
    endpoints={
        "public": "wss://fstream.binance.com/public/stream",
        "market": "wss://fstream.binance.com/market/stream",
        "private": "wss://fstream.binance.com/private/ws",
        "trade": "wss://ws-fapi.binance.com/ws-fapi/v1",
        "rest": "https://fapi.binance.com",
    },
    routes={**routes(market=MARKETS, private=ACCOUNT), Channel.BOOK: "public"},
    # The ticker of futures lacks bid and ask; their stream is one of those in the first place.
    quotes="public",
    depths={Channel.BOOK: USDM.depths},
    intervals_s=tuple(USDM.intervals),
    limits=_FUTURES_LIMITS,
    protocol=partial(BinanceProtocol, USDM),
    queries=partial(BinanceQueries, USDM),
    private=Private(
        endpoint="private",
        protocol=partial(futures_protocol.account_link, USDM),
        signer=BinanceSigner,
        queries=partial(futures_queries.account_queries, USDM),
        tiers=futures_terms.tiers(USDM),
        authenticated=frozenset({"private"}),
        dial_queries={"private": f"listenKey={TOKEN}"},
        # Half of the time that a listen key is valid for:
        # https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams
        renew_s=futures_queries.KEY_VALID_S / 2,
        order_link=OrderLink("trade", partial(futures_protocol.order_link, USDM)),
        # Requests of the WebSocket API count their weight alone.
        sends_per_s=20.0,
        send_burst=20,
    ),
    sample_symbols=(Symbol("BTC/USDT:PERP"), Symbol("ETH/USDT:PERP"), Symbol("SOL/USDT:PERP")),
    format_symbol=USDM.format_symbol,
    recorded_hosts=frozenset({"fstream.binance.com"}),
)
