"""The page for users of other clients, and programs of theirs in our names."""

import asyncio
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from boxes import BTC, box, client_of

import fluxum
from fluxum import Book, BookReading, State, Symbol, Ticker
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.venues.register import find_venue

PAGE = (Path(__file__).parents[2] / "docs" / "from-other-clients.md").read_text()
OBJECTS: dict[str, object] = {
    "client": fluxum.Client,
    "session": fluxum.Session,
    "trader": fluxum.Trader,
    "desk": fluxum.OrderDesk,
    "manager": fluxum.BalanceManager,
    "account": fluxum.Account,
    "portfolio": fluxum.Portfolio,
    "hub": fluxum.Hub,
    "book": fluxum.Book,
    "instrument": fluxum.Instrument,
    "bot": fluxum.bot,
    "back": fluxum.back,
}
# Every name of the two reference documents that these clients came with.
REFERENCE = frozenset(
    re.findall(
        r"\w+",
        """connect disconnect subscribe_balance subscribe_ticker
        subscribe_orderbook subscribe_trades subscribe_ohlc unsubscribe
        get_balance get_all_balances get_ticker get_orderbook get_recent_trades
        get_ohlc_data register_callback unregister_callback is_connected
        is_authenticated get_connection_status get_balance_streaming_status
        set_exchange_client BalanceUpdate TickerUpdate OrderBookUpdate
        initialize get_valid_token refresh_token get_token_info shutdown
        connect_private_channels add_order ensure_valid_token""",
    )
)


def rows() -> Iterator[tuple[str, str]]:
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5 and cells[1] != "there" and not set(cells[1]) <= set("-"):
            yield cells[1], cells[2]


def exists(name: str) -> bool:
    """Whether a dotted name of ours is there: a public one, an attribute or a field of one."""
    first, *rest = name.split(".")
    if first == "fluxum":
        return rest[0] in fluxum.__all__
    owner = OBJECTS.get(first) or (first in fluxum.__all__ and getattr(fluxum, first))
    if not owner or len(rest) != 1:
        return False
    return hasattr(owner, rest[0]) or name == "client.auth"


@pytest.mark.parametrize(("there", "here"), list(rows()))
def test_every_name_of_ours_exists(there: str, here: str) -> None:
    names = re.findall(r"`([^`]+)`", here)

    assert names or here in {"not there", "not needed"}, there
    assert [name for name in names if not exists(name)] == []


def test_every_name_of_the_reference_is_on_the_page() -> None:
    theirs = {part for there, _ in rows() for part in re.findall(r"[\w]+", there)}

    assert REFERENCE - theirs == frozenset()


def test_every_name_of_the_reference_is_called() -> None:
    """The client's whole interface against one exchange, in the order a program would use it."""
    told: list[str] = []

    async def story() -> None:
        async with box() as (_, runtime):
            client = client_of(runtime)

            async def on_connected() -> None:
                told.append("connected")

            client.register_callback("connected", on_connected)
            client.register_callback("error", print)
            assert client.unregister_callback("error", print)
            assert await client.connect(private_channels=False)
            assert await client.connect_private_channels()
            assert await client.subscribe_balance()
            for subscribe in (
                client.subscribe_ticker,
                client.subscribe_orderbook,
                client.subscribe_trades,
                client.subscribe_ohlc,
            ):
                assert await subscribe(["BTC/USD", "ETH/USD"])
            assert await client.subscribe_executions()
            await asyncio.sleep(20)

            await client.auth.initialize()
            token = await client.auth.get_valid_token()
            assert (await client.ensure_valid_token()).text == token.text
            assert (await client.auth.refresh_token()).text != token.text
            assert "***" in repr(token)
            info = client.auth.get_token_info()
            assert (info.is_available, info.is_valid, info.renewed) == (True, True, 1)
            assert info.requested == info.fetched + info.failures

            best = client.session.book("BTC/USD").bid
            assert best is not None
            order = await client.add_order(
                {
                    "order_type": "limit",
                    "side": "buy",
                    "order_qty": "0.1",
                    "symbol": "BTC/USD",
                    "limit_price": best.price - 500,
                    "time_in_force": "gtc",
                    "post_only": True,
                }
            )
            name = order.client_order_id
            quantity = Decimal("0.2")
            amended = await client.amend_order(
                fluxum.Amend(client_order_id=name, quantity=quantity)
            )
            assert amended.quantity == quantity
            assert [one.client_order_id for one in client.get_open_orders()] == [name]
            await asyncio.sleep(1)
            held = client.get_funds("USD")
            assert held.held == (best.price - 500) * quantity
            assert held.free == held.total - held.held
            assert client.balances.reservations == ()
            assert (await client.cancel_order(name)).status is fluxum.OrderStatus.CANCELED
            assert client.get_order(name) is not None
            batch = await client.batch_add(
                [
                    {"symbol": BTC, "side": "buy", "qty": "0.1", "price": best.price - number}
                    for number in (500, 501)
                ]
            )
            assert len(await client.batch_cancel([one.client_order_id for one in batch])) == 2
            assert await client.cancel_all() == 0
            assert (await client.cancel_all_orders_after(60)).timeout_s == 60
            assert (await client.cancel_all_orders_after(0)).timeout_s is None

            assert client.get_ticker("BTC/USD").is_valid
            assert client.get_orderbook("BTC/USD").is_valid
            assert client.get_recent_trades("BTC/USD").is_valid
            assert client.get_ohlc_data("BTC/USD").is_valid
            assert client.get_balance("USD").is_valid
            assert set(client.get_all_balances()) == {"BTC", "USD"}
            assert client.is_connected()
            assert client.is_private_connected()
            assert client.is_authenticated()
            status = client.get_connection_status()
            assert (status.is_running, status.reason, status.state) == (True, "", "ready")
            assert status.message_rate > 1
            assert msgspec.json.encode(status)
            balances = client.get_balance_streaming_status()
            assert (balances.is_streaming, balances.is_token_available) == (True, True)
            counts = client.get_statistics()
            assert (counts.errors, counts.dropped) == (0, 0)
            assert counts.rates["trade"] > 0

            for unsubscribe in (
                client.unsubscribe_ticker,
                client.unsubscribe_orderbook,
                client.unsubscribe_trades,
                client.unsubscribe_ohlc,
            ):
                assert await unsubscribe(["BTC/USD"])
                assert await unsubscribe()
            assert await client.unsubscribe_balance()
            assert not await client.unsubscribe("balance")
            client.auth.shutdown()
            await client.disconnect()
            assert client.get_connection_status().state == "closed"
            assert client.get_statistics().session is None

    run(story())

    assert told == ["connected"]


# The examples of the documents that Fluxum came from, as programs


def test_a_session_prints_its_states_books_and_positions() -> None:
    """A trading session: states, books, and profit and loss, through a reconnect."""
    states: list[State] = []
    books: list[str] = []
    positions: list[str] = []

    async def monitor_btc(exchange: SimulatedExchange, runtime: SimulatedRuntime) -> None:
        client = client_of(runtime)
        client.register_callback("state", lambda changes: states.extend(one.new for one in changes))

        def show(readings: list[BookReading]) -> None:
            books.extend(
                client.session.book(one.snapshot.symbol).pretty(3)
                for one in readings
                if one.proof.is_valid
            )

        client.register_callback("orderbook", show)
        await client.connect()
        await client.subscribe_orderbook("BTC/USD")
        portfolio = client.trader.portfolio
        views = portfolio.positions("BTC/USD")
        await client.add_order({"symbol": "BTC/USD", "side": "buy", "type": "market", "qty": "0.5"})
        await asyncio.sleep(5)
        exchange.hangup_all(1001)
        await asyncio.sleep(30)
        positions.extend(f"{view.quantity} {view.profit.total}" for view in views.drain())
        await client.disconnect()

    async def story() -> None:
        async with box() as (exchange, runtime):
            await monitor_btc(exchange, runtime)

    run(story())

    assert states.index(State.READY) < states.index(State.RECONNECTING)
    assert State.READY in states[states.index(State.RECONNECTING) :]
    assert all(text.startswith("BTC/USD order book (valid") for text in books)
    assert {text.partition("epoch ")[2][0] for text in books} == {"1", "2"}
    assert positions[-1].startswith("0.5")


def test_one_program_aggregates_the_tickers_of_two_exchanges() -> None:
    """The same program for any exchange: tickers of two, merged."""
    seen: set[tuple[str, str]] = set()

    async def on_ticker(tickers: list[Ticker]) -> None:
        seen.update((one.venue, one.symbol) for one in tickers)

    async def story() -> None:
        clock, market = SimulatedClock(), Symbol("BTC/USD")
        names = ("kraken", "gemini")
        boxes = [
            SimulatedExchange(find_venue(name), [market], seed=7, clock=clock) for name in names
        ]
        async with boxes[0], boxes[1]:
            runtime = SimulatedRuntime(*boxes, clock=clock)
            clients = [fluxum.Client(name, runtime=runtime) for name in names]
            for client in clients:
                client.register_callback("ticker", on_ticker)
                await client.connect()
                assert await client.subscribe_ticker(market)
            await asyncio.sleep(10)
            for client in clients:
                await client.disconnect()

    run(story())

    assert seen == {("kraken", "BTC/USD"), ("gemini", "BTC/USD")}


def test_a_book_manager_answers_what_was_asked_of_one() -> None:
    """Snapshot, top, levels, spread and midpoint of a book, and its changes as a stream."""

    async def story() -> None:
        async with box() as (_, runtime), fluxum.Client("kraken", runtime=runtime) as client:
            await client.subscribe_orderbook("BTC/USD")
            book: Book = client.session.book("BTC/USD")
            assert book.bid is not None
            assert book.ask is not None
            assert book.spread == book.ask.price - book.bid.price
            assert book.mid == (book.ask.price + book.bid.price) / 2
            assert len(book.snapshot(5).bids) == len(book.levels("buy", 5)) == 5
            assert await anext(client.session.changes("BTC/USD"))

    run(story())
