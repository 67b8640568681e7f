"""OKX's facts as data, each with its source and date; every one can be overridden."""

from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy
from fluxum.venues.okx.checksum import DEPTH_PROVED, book_checksum
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.private.protocol import account_link, algo_link
from fluxum.venues.okx.private.queries import account_queries
from fluxum.venues.okx.private.signing import OkxSigner
from fluxum.venues.okx.private.terms import TIERS
from fluxum.venues.okx.protocol import OkxProtocol
from fluxum.venues.okx.queries import OkxQueries
from fluxum.venues.okx.topics import BARS, format_symbol
from fluxum.venues.private import OrderLink, Private
from fluxum.venues.venue import ACCOUNT, MARKETS, Checks, Limits, Venue, routes, silence_s

__all__ = ["OKX"]

OKX = Venue(
    name=VENUE,
    # https://www.okx.com/docs-v5/en/#overview-production-trading-services, 2026-06; REST calls
    # were made at www.okx.com before, which still answers.
    endpoints={
        "public": "wss://ws.okx.com:8443/ws/v5/public",
        "business": "wss://ws.okx.com:8443/ws/v5/business",
        "private": "wss://ws.okx.com:8443/ws/v5/private",
        # The same link as `business`, with a login: it has the orders that wait for a price.
        "algo": "wss://ws.okx.com:8443/ws/v5/business",
        "rest": "https://openapi.okx.com",
    },
    # Candles moved to /business in 2023:
    # https://www.okx.com/help-center/changes-to-v5-api-websocket-subscription-parameter-and-url
    routes={**routes(public=MARKETS, private=ACCOUNT), Channel.CANDLE: "business"},
    # books, books5 and bbo-tbt of
    # https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
    depths={Channel.BOOK: (400, 5, 1)},
    # https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-candlesticks-channel; the
    # first is ours, the venue names none. See `topics` for where those of six hours and more begin.
    intervals_s=tuple(BARS),
    limits=Limits(
        # The venue closes after 30 s in which it pushed nothing, a pong included:
        # https://www.okx.com/docs-v5/en/#overview-websocket-connect
        link_silence_s=25.0,
        ping_interval_s=15.0,
        # A book without changes is repeated after about a minute.
        data_silence_s=silence_s(book=90.0, ticker=900.0, trade=900.0),
        backoff=BackoffPolicy(quick_tries=2, quick_s=1.0, floor_s=2.0, first_s=5.0, ceiling_s=30.0),
        # Three new links a second from one address:
        # https://www.okx.com/docs-v5/en/#overview-websocket-connect
        attempts=3,
        attempt_window_s=1.0,
        # 480 requests an hour on one link; no limit a second is published. Many topics are
        # requested in one, so only many resyncs reach the limit. Then the venue refuses, and the
        # link is replaced. Sixty at once are those of all its books.
        sends_per_s=3.0,
        send_burst=60,
        # Fewer than 30 channels of deep books on one link are advised:
        # https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
        symbols_per_link=25,
        # The list of instruments may be fetched 20 times in 2 s:
        # https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments
        fetch_cost_per_s=5.0,
        fetch_cost_max=5.0,
    ),
    # Of recordings from before 23 June 2026 only: since then the numbers alone are the proof.
    checks=Checks(book=book_checksum, depth=DEPTH_PROVED),
    protocol=OkxProtocol,
    queries=OkxQueries,
    private=Private(
        endpoint="private",
        protocol=account_link,
        signer=OkxSigner,
        queries=account_queries,
        tiers=TIERS,
        # Orders have no snapshot. That of the account is read as updates: to have it once more
        # takes two of 480 requests an hour, a query takes none.
        snapshots=frozenset(),
        stream_link=OrderLink("algo", algo_link),
    ),
    sample_symbols=(Symbol("BTC/USDT"), Symbol("ETH/USDT"), Symbol("SOL/USDT")),
    format_symbol=format_symbol,
    recorded_hosts=frozenset({"ws.okex.com", "wsaws.okx.com", "www.okx.com"}),
    # Login and invalid requests: dialling again would repeat it.
    # https://www.okx.com/docs-v5/en/#error-code-websocket-public
    fatal_closes=frozenset({4001, 4002, 4007}),
)
