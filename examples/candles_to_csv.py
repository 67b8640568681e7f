"""The history of candles as CSV, page by page within the exchange's limits; holes are reported."""

import asyncio
import csv
import sys
from datetime import UTC, datetime, timedelta

import fluxum

VENUE, SYMBOL, INTERVAL, HOURS = "kraken", "BTC/USD", "1m", 3
FIELDS = ("open", "high", "low", "close", "volume", "trades")


async def main() -> None:
    since = datetime.now(UTC) - timedelta(hours=HOURS)
    with open("candles.csv", "w", newline="", encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
        writer = csv.writer(file)
        writer.writerow(["start", *FIELDS])
        rows, end_ns = 0, None
        async with fluxum.connect(VENUE) as session:
            async for page in session.candle_pages(SYMBOL, INTERVAL, since):
                for candle in page:
                    if end_ns is not None and candle.start_ns > end_ns:
                        print("missing before", candle.start_ns, file=sys.stderr)
                    end_ns = candle.end_ns
                    start = datetime.fromtimestamp(candle.start_ns / 1e9, UTC)
                    values = [getattr(candle, name) for name in FIELDS]
                    writer.writerow([f"{start:%Y-%m-%dT%H:%MZ}", *values])
                    rows += 1
    print(rows, "candles in candles.csv")


asyncio.run(main())
