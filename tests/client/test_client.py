"""The client against a simulated exchange, in virtual time."""

import asyncio
import inspect
from collections.abc import Callable
from decimal import Decimal

import pytest
from boxes import BTC, KEYS, box, client_of

from fluxum import (
    BadInput,
    Balance,
    BookReading,
    Client,
    Fill,
    NotSubscribed,
    OrderStatus,
    OrderUpdate,
    ThreadedClient,
    Ticker,
    VenueRefused,
)
from fluxum.sim.loop import run
from fluxum.venues.register import VENUES, find_venue


def test_a_program_of_callbacks_gets_what_it_subscribed() -> None:
    told: dict[str, list[object]] = {}

    def note(event: str) -> Callable[..., object]:
        async def callback(*items: object) -> None:
            told.setdefault(event, []).extend(items)

        return callback

    async def story() -> None:
        async with box() as (_, runtime):
            client = client_of(runtime)
            events = ("connected", "authenticated", "disconnected", "ticker", "orderbook", "trade")
            for event in (*events, "ohlc", "balance", "execution", "error"):
                client.register_callback(event, note(event))

            assert await client.connect()
            assert await client.subscribe_balance()
            assert await client.subscribe_ticker(["BTC/USD", "ETH/USD"])
            assert await client.subscribe_orderbook("BTC/USD", depth=10)
            assert await client.subscribe_trades(["BTC/USD"])
            assert await client.subscribe_ohlc(["BTC/USD"], interval=1)
            order = await client.add_order(
                {"symbol": "BTC/USD", "side": "buy", "order_type": "market", "order_qty": "0.02"}
            )
            await asyncio.sleep(10)
            assert client.get_order(order.client_order_id).status is OrderStatus.FILLED  # type: ignore[union-attr]
            await client.disconnect()
            assert not client.is_connected()

    run(story())

    assert (told["connected"], told["authenticated"], told["disconnected"]) == ([], [], [])
    assert "error" not in told
    batches: list[list[Ticker]] = told["ticker"]  # type: ignore[assignment]
    assert {one.symbol for batch in batches for one in batch} == {"BTC/USD", "ETH/USD"}
    (readings, *_) = told["orderbook"]
    assert isinstance(readings, list)
    assert isinstance(readings[0], BookReading)
    assert len(readings[0].snapshot.bids) == 10
    executions: list[object] = [one for batch in told["execution"] for one in batch]  # type: ignore[attr-defined]
    assert sum(one.quantity for one in executions if isinstance(one, Fill)) == Decimal("0.02")
    assert any(isinstance(one, OrderUpdate) for one in executions)
    balances: list[Balance] = [one for batch in told["balance"] for one in batch]  # type: ignore[attr-defined]
    assert [one.total for one in balances if one.asset == "BTC"][-1] == Decimal("1.02")
    assert told["trade"]
    assert told["ohlc"]


def test_last_values_are_exact_and_have_an_age() -> None:
    async def story() -> None:
        async with box() as (exchange, runtime), client_of(runtime) as client:
            await client.subscribe_ticker("BTC/USD")
            await client.subscribe_orderbook("BTC/USD")
            await client.subscribe_trades("BTC/USD")
            await client.subscribe_ohlc("BTC/USD")
            await client.subscribe_balance()
            await asyncio.sleep(30)

            ticker = client.get_ticker("BTC/USD")
            assert ticker.value is not None
            assert isinstance(ticker.value.last, Decimal)
            assert ticker.age_s is not None
            assert 0 <= ticker.age_s < 10

            book = client.get_orderbook("BTC/USD", depth=3)
            assert book.value is not None
            assert book.value.proof.is_valid
            assert list(book.value.snapshot.bids) == list(
                client.session.book("BTC/USD").bids.top(3)
            )

            trades = client.get_recent_trades("BTC/USD", limit=5)
            assert (len(trades), trades.is_valid, trades.gaps) == (5, True, 0)
            assert [one.trade_id for one in trades] == [
                one.trade_id for one in exchange.trades(BTC, 5)
            ]
            candles = client.get_ohlc_data("BTC/USD", limit=2)
            starts = [one.start_ns for one in candles]
            assert starts == sorted(starts)
            assert len(client.get_ohlc_data("BTC/USD", interval="1m")) >= 1

            btc = client.get_balance("BTC")
            assert btc.value is not None
            assert btc.value.total == 1
            assert set(client.get_all_balances()) == {"BTC", "USD"}
            none = client.get_balance("DOGE")
            assert (none.value, none.reason) == (None, "the account has no balance of DOGE")

    run(story())


def test_values_are_withdrawn_with_their_link_and_return_with_newer_data() -> None:
    events: list[str] = []

    async def connected() -> None:
        events.append("connected")

    async def disconnected() -> None:
        events.append("disconnected")

    async def losses(items: list[object]) -> None:
        events.extend(type(one).__name__ for one in items)

    async def story() -> None:
        async with box() as (exchange, runtime), Client("kraken", runtime=runtime) as client:
            client.register_callback("connected", connected)
            client.register_callback("disconnected", disconnected)
            client.register_callback("loss", losses)
            await client.subscribe_ticker("BTC/USD")
            await client.subscribe_orderbook("BTC/USD")
            await client.subscribe_trades("BTC/USD")
            await asyncio.sleep(5)
            before = client.get_ticker("BTC/USD").value
            assert before is not None

            exchange.hangup_all(1001)
            await asyncio.sleep(0.01)

            ticker = client.get_ticker("BTC/USD")
            assert (ticker.value, ticker.last is not None, ticker.is_valid) == (None, True, False)
            assert "not connected" in ticker.reason
            book = client.get_orderbook("BTC/USD")
            assert (book.value, book.last) == (None, None)
            trades = client.get_recent_trades("BTC/USD")
            assert (len(trades) > 0, trades.is_valid) == (True, False)
            assert not client.is_connected()

            await asyncio.sleep(30)
            assert client.get_ticker("BTC/USD").is_valid
            assert client.get_orderbook("BTC/USD").is_valid
            trades = client.get_recent_trades("BTC/USD", limit=1_000)
            assert (trades.is_valid, trades.gaps) == (True, 1)
            assert client.get_recent_trades("BTC/USD", limit=1).gaps == 0
            assert client.is_connected()
            assert client.get_connection_status().reconnects >= 1

    run(story())

    assert events[:2] == ["disconnected", "LinkLost"] or events[:2] == ["LinkLost", "disconnected"]
    assert events.count("disconnected") == 2  # at the end as well
    assert events.count("connected") == 1  # registered after the first
    assert "Gap" in events


def test_what_the_venue_refuses_is_reported_and_dropped() -> None:
    errors: list[Exception] = []

    async def story() -> None:
        async with box() as (_, runtime), Client("kraken", runtime=runtime) as client:
            client.register_callback("error", errors.append)

            assert not await client.subscribe_ticker("NO/SUCH")
            assert await client.subscribe_ticker("BTC/USD")

            with pytest.raises(NotSubscribed, match="'ticker NO/SUCH' is not subscribed"):
                client.get_ticker("NO/SUCH")
            assert client.get_ticker("BTC/USD").is_valid
            await asyncio.sleep(1)

    run(story())

    (refused,) = errors
    assert isinstance(refused, VenueRefused)
    assert "NO/SUCH" in str(refused)


def test_unsubscribing_ends_streams_and_their_values() -> None:
    async def story() -> None:
        async with box() as (_, runtime), Client("kraken", runtime=runtime) as client:
            await client.subscribe_ticker(["BTC/USD", "ETH/USD"])
            await client.subscribe_ohlc("BTC/USD", interval="1m")
            await client.subscribe_ohlc("BTC/USD", interval=5)
            with pytest.raises(BadInput, match="60 s, 300 s"):
                client.get_ohlc_data("BTC/USD")
            assert len(client.get_ohlc_data("BTC/USD", interval=5)) > 0

            assert await client.unsubscribe("ticker", ["ETH/USD"])
            assert await client.unsubscribe_ohlc()
            assert not await client.unsubscribe_orderbook()

            active = client.get_connection_status().active_subscriptions
            assert active == ("instrument", "ticker BTC/USD")

    run(story())


def test_a_venue_that_cannot_be_reached_in_time_leaves_nothing_running() -> None:
    errors: list[Exception] = []

    async def story() -> None:
        async with box() as (exchange, runtime):
            client = Client("kraken", runtime=runtime)
            client.register_callback("error", errors.append)
            await exchange.__aexit__(None, None, None)
            try:
                assert not await client.connect(timeout_s=3)
                assert not client.is_running
                with pytest.raises(TimeoutError):
                    async with client:
                        pass
            finally:
                await exchange.__aenter__()

    run(story())

    assert "not connected after 3 s" in str(errors[0])


def test_what_makes_no_sense_is_refused_by_name() -> None:
    async def story() -> None:
        async with box() as (_, runtime):
            client = Client("kraken", runtime=runtime)
            with pytest.raises(BadInput, match="not connected: call connect first"):
                await client.subscribe_ticker("BTC/USD")
            with pytest.raises(BadInput, match=r"ticker, orderbook, .* was 'tickers'"):
                client.register_callback("tickers", print)
            with pytest.raises(BadInput, match="a function was expected, was 'print'"):
                client.register_callback("ticker", "print")  # type: ignore[call-overload]
            async with client:
                with pytest.raises(BadInput, match="at least one symbol"):
                    await client.subscribe_ticker([])
                with pytest.raises(BadInput, match="keys were expected for private channels"):
                    await client.connect_private_channels()
                with pytest.raises(BadInput, match="needs a login"):
                    await client.subscribe_balance()
                with pytest.raises(BadInput, match="cannot trade"):
                    await client.cancel_all()
                assert client.get_balance_streaming_status().reason == "balances are not subscribed"
        with pytest.raises(BadInput, match="'krakn'"):
            await Client("krakn").connect()
        with pytest.raises(BadInput, match="kept: 1 or more was expected, was 0"):
            Client("kraken", kept=0)

    run(story())


def test_public_first_and_the_account_later() -> None:
    async def story() -> None:
        async with box() as (_, runtime):
            client = client_of(runtime)
            assert await client.connect(private_channels=False)
            assert await client.subscribe_ticker("BTC/USD")
            assert (client.is_private_connected(), client.is_authenticated()) == (False, False)

            assert await client.connect_private_channels()

            assert (client.is_private_connected(), client.is_authenticated()) == (True, True)
            assert client.get_open_orders() == []
            await client.disconnect()
            assert await client.connect()
            await client.disconnect()

    run(story())


def test_a_client_that_cannot_trade_opens_no_journal() -> None:
    async def story() -> None:
        async with box() as (_, runtime):
            client = Client("kraken", keys=KEYS, can_trade=False, runtime=runtime, tier="pro")
            async with client:
                assert await client.subscribe_balance()
                assert client.is_private_connected()
                with pytest.raises(BadInput, match="cannot trade"):
                    await client.add_order({"symbol": "BTC/USD", "side": "buy"})

    run(story())


@pytest.mark.parametrize("venue", VENUES)
def test_every_venue_has_a_client(venue: str) -> None:
    room = find_venue(venue)
    symbol = room.sample_symbols[0]
    names = {one.value for one in room.channels}

    async def story() -> None:
        async with box(venue=venue) as (_, runtime), Client(venue, runtime=runtime) as client:
            assert await client.subscribe_orderbook(symbol)
            assert await client.subscribe_trades(symbol)
            for name, subscribe in (
                ("ticker", client.subscribe_ticker),
                ("candle", client.subscribe_ohlc),
            ):
                if name in names:
                    assert await subscribe(symbol)
                else:
                    with pytest.raises(BadInput, match=f"was '{name}'"):
                        await subscribe(symbol)
            await asyncio.sleep(20)

            assert client.get_orderbook(symbol).is_valid
            assert client.get_recent_trades(symbol).is_valid
            assert client.get_recent_trades(symbol).items
            if "ticker" in names:
                assert client.get_ticker(symbol).is_valid
            assert client.get_statistics().dropped == 0
            session = client.get_statistics().session
            assert session is not None
            assert session.sums_close

    run(story())


def test_a_client_in_a_thread_has_every_method_of_a_client() -> None:
    def names(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    apart = {"in_thread", "session", "trader", "balances"}  # of a loop, so not for another thread

    assert names(Client) - apart == names(ThreadedClient) - {"close"}
    for name in names(Client) - apart:
        ours, theirs = getattr(Client, name), getattr(ThreadedClient, name)
        if inspect.isfunction(ours):
            assert inspect.signature(ours) == inspect.signature(theirs), name
            assert not inspect.iscoroutinefunction(theirs), name
