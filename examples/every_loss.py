"""Everything that can go wrong between an exchange and a program, as events in the stream."""

import asyncio
from collections import Counter

import fluxum

SECONDS = 3


async def main() -> None:
    counts: Counter[str] = Counter()
    async with fluxum.connect("kraken", ["BTC/USD", "ETH/USD"], ["book", "trade"]) as session:
        with session.events() as events:
            async with asyncio.timeout(SECONDS + 20):
                await session.wait_ready()
                until_ns = session.now_ns() + SECONDS * 10**9
                async for event in events:
                    counts[type(event).__name__] += 1
                    match event:
                        case fluxum.LinkLost():
                            print("the link is lost:", event.reason)
                        case fluxum.Desync():
                            print("a check failed, the book is withdrawn:", event)
                        case fluxum.Gap():
                            print(f"missing: {event.missing} of {event.subscription}")
                        case fluxum.Rejected():
                            print("a frame that made no sense:", event)
                        case fluxum.Dropped():
                            print(f"this program was too slow: {event.count} events are gone")
                        case _:
                            pass
                    if event.received_ns > until_ns:
                        break
        statistics = session.statistics()
    print(dict(counts.most_common()))
    print(statistics.frames, "frames, the sums close:", statistics.sums_close)


asyncio.run(main())
