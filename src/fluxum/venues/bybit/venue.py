"""Bybit's facts as data, each with its source and date; every one can be overridden."""

from functools import partial

from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy
from fluxum.venues.bybit import topics
from fluxum.venues.bybit.category import LINEAR, SPOT, Category
from fluxum.venues.bybit.private.protocol import account_link, order_link
from fluxum.venues.bybit.private.queries import account_queries
from fluxum.venues.bybit.private.signing import BybitSigner
from fluxum.venues.bybit.private.terms import tiers
from fluxum.venues.bybit.protocol import BybitProtocol
from fluxum.venues.bybit.queries import BybitQueries
from fluxum.venues.private import OrderLink, Private
from fluxum.venues.venue import ACCOUNT, MARKETS, Limits, Venue, routes, silence_s

__all__ = ["BYBIT", "BYBIT_LINEAR"]

_LIMITS = Limits(
    # A ping is answered; the venue closes after ten minutes without ping and data:
    # https://bybit-exchange.github.io/docs/v5/ws/connect, 2026-07.
    link_silence_s=30.0,
    ping_interval_s=20.0,
    # The least active books move about every minute; no number is published.
    data_silence_s=silence_s(book=120.0, ticker=900.0, trade=900.0),
    # Short interruptions are not announced: reconnect at once.
    # https://bybit-exchange.github.io/docs/v5/ws/connect, 2026-07.
    backoff=BackoffPolicy(quick_tries=2, quick_s=1.0, floor_s=1.0, first_s=2.0, ceiling_s=30.0),
    # 500 new links in five minutes from one address: the same page.
    attempts=400,
    attempt_window_s=300.0,
    # No rate of requests is published; requests wait for each other's answers anyway.
    sends_per_s=10.0,
    send_burst=10,
    # 21,000 characters of topics a link, four topics of about 25 characters a market.
    symbols_per_link=150,
    # 600 calls in five seconds from one address:
    # https://bybit-exchange.github.io/docs/v5/rate-limit, 2026-07.
    fetch_cost_per_s=10.0,
    fetch_cost_max=10.0,
)


def _venue(category: Category, sample_symbols: tuple[Symbol, ...]) -> Venue:
    return Venue(
        name=category.venue,
        # https://bybit-exchange.github.io/docs/v5/ws/connect, 2026-07
        endpoints={
            "public": f"wss://stream.bybit.com/v5/public/{category.name}",
            "private": "wss://stream.bybit.com/v5/private",
            "trade": "wss://stream.bybit.com/v5/trade",
            "rest": "https://api.bybit.com",
        },
        routes=routes(public=MARKETS, private=ACCOUNT),
        # https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook, 2026-07
        depths={Channel.BOOK: topics.DEPTHS},
        # https://bybit-exchange.github.io/docs/v5/websocket/public/kline, 2026-07
        intervals_s=tuple(topics.BARS),
        limits=_LIMITS,
        protocol=partial(BybitProtocol, category),
        queries=partial(BybitQueries, category),
        private=Private(
            endpoint="private",
            protocol=partial(account_link, category),
            signer=BybitSigner,
            queries=partial(account_queries, category),
            tiers=tiers(category),
            order_link=OrderLink("trade", partial(order_link, category)),
        ),
        sample_symbols=sample_symbols,
        # https://bybit-exchange.github.io/docs/v5/websocket/public/ticker, 2026-07
        snapshots=frozenset({Channel.TICKER}),
        format_symbol=category.format_symbol,
    )


BYBIT = _venue(SPOT, (Symbol("BTC/USDT"), Symbol("ETH/USDT"), Symbol("SOL/USDT")))
BYBIT_LINEAR = _venue(
    LINEAR, (Symbol("BTC/USDT:PERP"), Symbol("ETH/USDT:PERP"), Symbol("SOL/USDT:PERP"))
)
