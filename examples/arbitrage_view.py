"""Where a coin can be sold dearer than it is bought elsewhere: proved books, after fees."""

import asyncio

import fluxum

MARKETS = {"kraken": ["BTC/USD"], "coinbase": ["BTC/USD"], "gemini": ["BTC/USD"]}
FEES = {"kraken": "0.0026", "coinbase": "0.006", "gemini": "0.004"}
AGE_MAX_MS = 1_000
LOOKS = 5


async def main() -> None:
    async with fluxum.hub(MARKETS) as hub:
        await hub.wait_ready(quorum=2, timeout_s=30)
        for _ in range(LOOKS):
            free = hub.book("BTC/USD").cross(age_max_ms=AGE_MAX_MS)
            paid = hub.book("BTC/USD", fees=FEES).cross(age_max_ms=AGE_MAX_MS)
            for name, cross in (("before fees", free), ("after fees", paid)):
                if cross is None:
                    print(f"{name}: no cross")
                    continue
                print(
                    f"{name}: buy {cross.quantity} at {cross.buy_venue} for {cross.ask:.2f}, "
                    f"sell at {cross.sell_venue} for {cross.bid:.2f}: {cross.edge_bps:.2f} bps, "
                    f"{cross.age_ns / 1e6:.0f} ms old"
                )
            await asyncio.sleep(0.5)


asyncio.run(main())
