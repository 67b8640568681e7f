"""Callbacks and last values, for programs that are built around them."""

import asyncio
from collections.abc import Sequence

import fluxum

SECONDS = 2


def on_ticker(tickers: Sequence[fluxum.Ticker]) -> None:
    for ticker in tickers:
        print("ticker", ticker.symbol, ticker.last)


async def on_trade(trades: Sequence[fluxum.Trade]) -> None:
    for trade in trades:
        print("trade ", trade.symbol, trade.side.value, trade.quantity, "@", trade.price)


def broken(trades: Sequence[fluxum.Trade]) -> None:
    """Raises on every trade: that is logged and counted, and harms no other callback."""
    raise ValueError(f"{len(trades)} trades, and no idea what to do with them")


async def main() -> None:
    async with fluxum.Client("kraken") as client:
        client.register_callback("ticker", on_ticker)
        client.register_callback("trade", on_trade)
        client.register_callback("trade", broken)
        await client.subscribe_ticker(["BTC/USD", "ETH/USD"])
        await client.subscribe_trades("BTC/USD")
        await asyncio.sleep(SECONDS)
        last = client.get_ticker("BTC/USD")
        print("last", last.value and last.value.last, "of", last.age_s, "s ago")
        for one in client.get_statistics().callbacks:
            print(f"{one.callback}: {one.calls} calls, {one.failed} failed")


asyncio.run(main())
