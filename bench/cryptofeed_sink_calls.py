"""cryptofeed's Redis backend through an outage, in an environment of its own: bench/sink_peer.py.

Publishes trades in three parts; before the second and the third it writes a line and waits for one,
while the parent kills and starts the server. At the end it writes what became of its writer.
"""

import asyncio
import json
import sys
import time
from decimal import Decimal

from cryptofeed.backends.redis import TradeStream
from cryptofeed.types import Trade


async def main() -> None:
    port, part = int(sys.argv[1]), int(sys.argv[2])
    stream = TradeStream(host="127.0.0.1", port=port)
    stream.start(asyncio.get_running_loop())
    for number in range(3):
        if number:
            print(json.dumps({"part": number}), flush=True)
            await asyncio.to_thread(sys.stdin.readline)
        for at in range(part):
            trade = Trade(
                "KRAKEN",
                "BTC-USD",
                "buy",
                Decimal(1),
                Decimal(50_000),
                time.time(),
                id=str(number * part + at),
            )
            await stream(trade, time.time())
            if at % 10 == 9:
                await asyncio.sleep(0.01)
    await asyncio.sleep(3)
    worker = stream.worker
    error = repr(worker.exception()) if worker.done() and not worker.cancelled() else ""
    result = {"waiting": stream.queue.qsize(), "has_ended": worker.done(), "error": error}
    print(json.dumps(result), flush=True)
    worker.cancel()


asyncio.run(main())
