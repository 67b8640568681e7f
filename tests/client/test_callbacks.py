"""Callbacks that raise, block, never end, end themselves or bring others: each harms nothing."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from boxes import box

from fluxum import BadInput, CallbackFailed, CallbackTooSlow, Client, Ticker
from fluxum.client.callbacks import Callbacks
from fluxum.client.events import ClientEvent
from fluxum.sim.loop import SimulatedLoop, run

TRADE, ERROR = ClientEvent.TRADE, ClientEvent.ERROR


def made(slow_s: float = 1.0) -> Callbacks:
    return Callbacks(lambda _event, items: items, slow_s)


async def open_with(*functions: Callable[..., object], event: ClientEvent = TRADE) -> Callbacks:
    callbacks = made()
    for function in functions:
        callbacks.register(event, function)
    callbacks.open()
    await asyncio.sleep(0.001)
    return callbacks


def test_items_that_wait_come_in_one_list_in_order() -> None:
    got: list[list[int]] = []

    async def story() -> None:
        callbacks = await open_with(got.append)
        for number in range(3):
            callbacks.put(TRADE, number)
        await callbacks.close()

    run(story())

    assert got == [[0, 1, 2]]


def test_of_books_and_tickers_only_the_latest_waits_for_each_market() -> None:
    got: list[list[str]] = []

    async def story() -> None:
        callbacks = await open_with(got.append, event=ClientEvent.ORDERBOOK)
        for symbol in ("a", "b", "a", "a"):
            callbacks.put(ClientEvent.ORDERBOOK, symbol)
        await callbacks.close()
        (counts,) = callbacks.statistics()
        assert (counts.items.offered, counts.items.delivered, counts.items.conflated) == (4, 2, 2)

    run(story())

    assert got == [["b", "a"]]


@pytest.mark.parametrize("is_async", [True, False])
def test_one_that_raises_is_counted_reported_and_called_again(is_async: bool) -> None:
    errors: list[Exception] = []
    got: list[list[int]] = []

    def bad(items: list[int]) -> None:
        raise KeyError(items[0])

    async def bad_too(items: list[int]) -> None:
        bad(items)

    async def story() -> None:
        callbacks = await open_with(bad_too if is_async else bad, got.append)
        callbacks.register(ERROR, errors.append)
        for number in range(3):
            callbacks.put(TRADE, number)
            await asyncio.sleep(0.1)
        counts = {one.callback.rpartition(".")[2]: one for one in callbacks.statistics()}
        assert counts["bad_too" if is_async else "bad"].failed == 3
        await callbacks.close()
        assert callbacks.errors == 3

    run(story())

    assert got == [[0], [1], [2]]
    assert [type(one) for one in errors] == [CallbackFailed] * 3
    failed = errors[0]
    assert isinstance(failed, CallbackFailed)
    assert (failed.event, type(failed.__cause__)) == ("trade", KeyError)


def test_an_error_callback_that_raises_is_not_reported_to_itself() -> None:
    calls: list[Exception] = []

    def bad(error: Exception) -> None:
        calls.append(error)
        raise ValueError(str(error))

    async def story() -> None:
        callbacks = await open_with(bad, event=ERROR)
        callbacks.report(ValueError("first"))
        await asyncio.sleep(1)
        await callbacks.close()
        assert callbacks.errors == 2

    run(story())

    assert [str(one) for one in calls] == ["first"]


def test_one_that_never_ends_is_reported_more_and_more_seldom_and_cancelled_at_the_end() -> None:
    errors: list[CallbackTooSlow] = []
    got: list[list[int]] = []

    async def endless(_items: list[int]) -> None:
        await asyncio.get_running_loop().create_future()

    async def story() -> None:
        callbacks = await open_with(endless, got.append)
        callbacks.register(ERROR, errors.append)
        for number in range(20_000):
            callbacks.put(TRADE, number)
            if number % 1_000 == 0:
                await asyncio.sleep(0.5)
        await asyncio.sleep(0.1)
        assert sum(map(len, got)) == 20_000
        counts = callbacks.statistics()[0]
        assert counts.running_s == pytest.approx(10.1)
        assert counts.items.dropped > 0
        assert counts.items.offered == 20_000
        items = counts.items
        assert items.offered == items.delivered + items.dropped + items.waiting
        await callbacks.close()
        counts = callbacks.statistics()[0]
        assert (counts.calls, counts.cancelled, counts.running_s) == (1, 1, None)

    run(story())

    texts = [str(one) for one in errors]
    assert [text.split("running for ")[1].split(" s")[0] for text in texts] == ["1", "2", "4", "8"]
    assert "9999 items wait" in texts[-1] or "10000 items wait" in texts[-1]


def test_dropped_items_are_reported_at_their_place() -> None:
    errors: list[Exception] = []
    got: list[int] = []

    async def slow(items: list[int]) -> None:
        got.append(len(items))
        await asyncio.sleep(0.5)

    async def story() -> None:
        callbacks = await open_with(slow)
        callbacks.register(ERROR, errors.append)
        callbacks.put(TRADE, -1)
        await asyncio.sleep(0.1)
        for number in range(10_005):
            callbacks.put(TRADE, number)
        await asyncio.sleep(2)
        await callbacks.close()

    run(story())

    assert got == [1, 10_000]
    (error,) = errors
    assert isinstance(error, CallbackTooSlow)
    assert "5 items were dropped" in str(error)


def test_one_that_blocks_the_loop_is_reported_when_it_returns() -> None:
    errors: list[Exception] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)

        async def blocking(_items: list[int]) -> None:
            loop.now_ns += 1_500_000_000  # as time.sleep does to a real loop

        callbacks = await open_with(blocking)
        callbacks.register(ERROR, errors.append)
        callbacks.put(TRADE, 1)
        await asyncio.sleep(0.1)
        await callbacks.close()

    run(story())

    (error,) = errors
    assert isinstance(error, CallbackTooSlow)
    assert "blocked the event loop for 1.5 s" in str(error)


@pytest.mark.parametrize("is_async", [True, False])
def test_one_may_unregister_itself_and_register_another(is_async: bool) -> None:
    got: list[list[int]] = []
    calls: list[list[int]] = []

    async def story() -> None:
        callbacks = made()
        loop = asyncio.get_running_loop()

        def swap() -> None:
            assert callbacks.unregister(TRADE, function)
            callbacks.register(TRADE, got.append)

        async def once(items: list[int]) -> None:
            calls.append(items)
            swap()
            await asyncio.sleep(0.1)  # a running call goes on
            calls.append(["end"])  # type: ignore[list-item]

        def once_in_thread(items: list[int]) -> None:
            calls.append(items)
            done = threading.Event()
            loop.call_soon_threadsafe(swap)
            loop.call_soon_threadsafe(done.set)
            assert done.wait(5)
            calls.append(["end"])  # type: ignore[list-item]

        function: Callable[..., Any] = once if is_async else once_in_thread
        callbacks.register(TRADE, function)
        callbacks.open()
        for number in range(3):
            callbacks.put(TRADE, number)
            await asyncio.sleep(1)
        assert not callbacks.unregister(TRADE, function)
        await callbacks.close()
        assert callbacks.errors == 0

    run(story())

    assert calls == [[0], ["end"]]
    assert got == [[1], [2]]


def test_a_callback_is_registered_once_and_there_is_a_limit() -> None:
    async def story() -> None:
        callbacks = made()
        callbacks.register(TRADE, print)
        callbacks.register(TRADE, print)
        assert len(callbacks.statistics()) == 1
        for number in range(199):
            callbacks.register(TRADE, partial(print, number))
        with pytest.raises(BadInput, match="at most 200 callbacks"):
            callbacks.register(TRADE, repr)
        assert callbacks.unregister(TRADE, print)
        callbacks.register(TRADE, repr)

    run(story())


def test_one_that_refuses_to_be_cancelled_is_abandoned_and_runs_again_later() -> None:
    got: list[list[int]] = []

    async def stubborn(items: list[int]) -> None:
        got.append(items)
        for _ in range(4):  # asked to end twice: after a second, and by the loop
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                continue

    async def story() -> None:
        callbacks = await open_with(stubborn)
        callbacks.put(TRADE, 1)
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        await callbacks.close()
        assert loop.time() - begun_s == pytest.approx(2.0)
        callbacks.open()
        callbacks.put(TRADE, 2)
        await asyncio.sleep(60)
        callbacks.unregister(TRADE, stubborn)
        await asyncio.sleep(60)
        await callbacks.close()

    run(story())

    assert got == [[1], [2]]


def test_what_a_callback_raises_as_cancelled_is_no_end() -> None:
    got: list[list[int]] = []

    async def story() -> None:
        async def cancelled(items: list[int]) -> None:
            got.append(items)
            raise asyncio.CancelledError

        callbacks = await open_with(cancelled)
        for number in range(2):
            callbacks.put(TRADE, number)
            await asyncio.sleep(0.1)
        assert callbacks.statistics()[0].cancelled == 2
        await callbacks.close()

    run(story())

    assert got == [[0], [1]]


def test_in_a_client_bad_callbacks_cost_no_reconnect_and_no_item_of_others() -> None:
    good: list[Ticker] = []
    errors: list[Exception] = []

    async def raises(_items: list[Ticker]) -> None:
        raise RuntimeError("bad")

    async def endless(_items: list[Ticker]) -> None:
        await asyncio.get_running_loop().create_future()

    async def listen(items: list[Ticker]) -> None:
        good.extend(items)

    async def story() -> int:
        async with box() as (exchange, runtime), Client("kraken", runtime=runtime) as client:
            for callback in (raises, endless, listen):
                client.register_callback("ticker", callback)
            client.register_callback("error", errors.append)

            def itself(_items: list[Ticker]) -> None:
                assert client.unregister_callback("ticker", itself)  # from another thread
                assert client.get_ticker("BTC/USD").last is not None
                client.register_callback("ticker", repr)

            client.register_callback("ticker", itself)
            await client.subscribe_ticker("BTC/USD")
            await asyncio.sleep(30)
            counts = client.get_statistics()
            assert counts.session is not None
            assert counts.session.reconnects == 0
            assert exchange.dialled == 1
            assert [one.failed for one in counts.callbacks][:3] == [len(good), 0, 0]
            return counts.events["ticker"]

    published = run(story())

    assert len(good) == published
    assert {type(one) for one in errors} == {CallbackFailed, CallbackTooSlow}


def test_disconnecting_inside_a_callback_does_not_wait_for_itself() -> None:
    async def story() -> None:
        async with box() as (_, runtime):
            client = Client("kraken", runtime=runtime)
            done = asyncio.Event()

            async def leave(_items: list[Ticker]) -> None:
                await client.disconnect()
                done.set()

            client.register_callback("ticker", leave)
            await client.connect()
            await client.subscribe_ticker("BTC/USD")
            await asyncio.wait_for(done.wait(), 5)
            assert not client.is_running

    run(story())
