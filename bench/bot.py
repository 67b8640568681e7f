"""A bot over loopback: six simulated venues in another process, an account at each.

Prints the time from the receipt of a frame to the end of the bot's step (tick to intent), and to
the sending of the commands that it led to (tick to wire): p50, p99, p99.9. The exit status is 1 if
the bot was halted, or if nothing was measured. With `--serve` it is the venues.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AsyncExitStack
from decimal import Decimal

import fluxum
from fluxum.bot import (
    BotEvent,
    BotLimits,
    Intent,
    Level,
    Market,
    Quote,
    Remembered,
    Strategy,
    View,
    Want,
)
from fluxum.clock import SystemClock
from fluxum.model.market import BookUpdate
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.serve import serve
from fluxum.venues.register import find_venue

VENUES = {
    "kraken": "BTC/USD",
    "binance": "BTC/USDT",
    "bybit": "BTC/USDT",
    "coinbase": "BTC/USD",
    "gemini": "BTC/USD",
    "okx": "BTC/USDT",
}
KEYS = fluxum.Credentials("bench-key", b64encode(bytes(range(32))).decode(), "passphrase")


class Mover(Strategy, kw_only=True):
    """Moves a bid far from the market with every so many updates of each book."""

    markets: tuple[Market, ...]
    every: int = 25
    seen: Remembered[dict[str, int]] = {}  # noqa: RUF012 - a Struct copies it

    def wants(self) -> Sequence[Want]:
        return [Want(market, "book") for market in self.markets]

    def on_event(self, event: BotEvent, view: View) -> Sequence[Intent]:
        if not isinstance(event, BookUpdate):
            return ()
        count = self.seen[event.venue] = self.seen.get(event.venue, 0) + 1
        book = view.book(Market(event.venue, event.symbol))
        if count % self.every or not book.is_valid or book.bid is None:
            return ()
        price = (book.bid.price * Decimal("0.97")).quantize(Decimal(1)) - count // self.every % 2
        return [Quote(Market(event.venue, event.symbol), Level(price, Decimal("0.01")))]


async def serve_all(rate: float) -> None:
    """Serve every venue until stdin ends."""
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        for number, (name, symbol) in enumerate(VENUES.items()):
            venue = find_venue(name)
            exchange = await stack.enter_async_context(
                SimulatedExchange(
                    venue,
                    [fluxum.Symbol(symbol)],
                    seed=number,
                    clock=SystemClock(),
                    rate_per_s=rate,
                    resolution_ns=1_000_000,
                )
            )
            assert venue.private is not None
            money = {asset: Decimal(1_000_000) for asset in ("BTC", "USD", "USDT")}
            tier = list(venue.private.tiers)[-1]
            exchange.open_account(
                KEYS.key, KEYS.secret, money, tier=tier, passphrase=KEYS.passphrase
            )
            urls[name] = await stack.enter_async_context(serve(exchange))
        print(json.dumps(urls), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def run_bot(urls: dict[str, str], seconds: float) -> bool:
    """Run the bot for so long; returns whether it ran through and something was measured."""
    async with AsyncExitStack() as stack:
        traders = {
            name: await stack.enter_async_context(
                fluxum.trade(
                    name,
                    [symbol],
                    keys=KEYS,
                    journal=fluxum.MemoryOrderJournal(),
                    endpoint=urls[name],
                )
            )
            for name, symbol in VENUES.items()
        }
        print(f"{len(traders)} venues ready")
        markets = tuple(Market(name, symbol) for name, symbol in VENUES.items())
        limits = BotLimits(commands_per_second_max=1_000)
        bot = fluxum.bot.run(Mover(markets=markets), traders, limits=limits)
        async with bot as made:
            await asyncio.sleep(seconds)
            for name, measured in (("intent", made.to_intent), ("wire", made.to_wire)):
                short = measured.latency()
                figures = " ".join(
                    "none" if ns is None else f"{ns / 1000:,.0f}"
                    for ns in (short.p50_ns, short.p99_ns, short.p999_ns)
                )
                print(f"tick to {name}: {short.count:,} measured, p50 p99 p99.9: {figures} us")
            sent, refused = made.dispatch.sent, made.dispatch.refused
            print(f"{made.engine.decisions:,} decisions, {sent:,} commands, {refused:,} refused")
            if made.engine.halted:
                print(f"halted: {made.engine.halted}")
            return not made.engine.halted and made.to_wire.count > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50, help="market moves a second and venue")
    parser.add_argument("--serve", action="store_true")
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve_all(chosen.rate))
        return 0
    words = [sys.executable, __file__, "--serve", "--rate", str(chosen.rate)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as venues:
        assert venues.stdout is not None
        urls = json.loads(venues.stdout.readline())
        try:
            is_good = asyncio.run(run_bot(urls, chosen.seconds))
        finally:
            assert venues.stdin is not None
            venues.stdin.close()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
