"""A few seconds of trades and tickers as tables: exact decimals, UTC times, and what was lost."""

import asyncio
from collections import defaultdict

import fluxum

SECONDS = 2


async def main() -> None:
    events: dict[type, list[fluxum.Event]] = defaultdict(list)
    async with fluxum.connect("kraken", ["BTC/USD", "ETH/USD"], ["trade", "ticker"]) as session:
        with session.events(capacity=100_000) as stream:
            await session.wait_ready(timeout_s=20)
            await asyncio.sleep(SECONDS)
            for event in stream.drain():
                events[type(event)].append(event)
    for kind in (fluxum.Trade, fluxum.Ticker):
        table = fluxum.frame(events[kind], kind)  # a pyarrow.Table; .to_pandas(), or polars
        print(kind.__name__, table.num_rows, "rows;", ", ".join(table.column_names[:6]), "...")
        print("  price is", table.schema.field("price" if kind is fluxum.Trade else "last").type)
    lost = [one for kind in (fluxum.Gap, fluxum.Dropped, fluxum.LinkLost) for one in events[kind]]
    print("lost:", lost or "nothing")


asyncio.run(main())
