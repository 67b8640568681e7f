"""An alert: a price that moved by so much within so many seconds, at any of several venues."""

import asyncio
from collections import defaultdict, deque
from decimal import Decimal

import fluxum

MARKETS = {"kraken": ["BTC/USD"], "coinbase": ["BTC/USD"]}
WINDOW_S, MOVE = 10, Decimal("0.00001")  # 0.001 %: the simulated markets are calm
ALERTS = 3


async def main() -> None:
    recent: dict[str, deque[fluxum.Trade]] = defaultdict(deque)
    left = ALERTS
    async with fluxum.hub(MARKETS, ["trade"]) as hub:
        async for event in hub.events():
            if isinstance(event, fluxum.LinkLost | fluxum.Gap):
                recent[event.venue].clear()  # what happened meanwhile is not known
                print("lost for a moment:", event.venue)
            if not isinstance(event, fluxum.Trade):
                continue
            window = recent[event.venue]
            window.append(event)
            while window[0].received_ns < event.received_ns - WINDOW_S * 10**9:
                window.popleft()
            move = event.price / window[0].price - 1
            if abs(move) >= MOVE:
                print(f"{event.venue} {event.symbol} {move:+.4%} to {event.price}")
                window.clear()
                left -= 1
            if left == 0:
                return


asyncio.run(main())
