"""The spreads of several markets side by side, each with the proof of its book."""

import asyncio

import fluxum

SYMBOLS = ["BTC/USD", "ETH/USD", "SOL/USD"]
ROUNDS = 3  # itertools.count() instead of range(ROUNDS) goes on for ever


async def main() -> None:
    async with fluxum.connect("kraken", SYMBOLS) as session:
        await session.wait_ready(timeout_s=20)
        for _ in range(ROUNDS):
            for symbol in SYMBOLS:
                book = session.book(symbol)
                proof = book.proof()
                if book.bid is None or book.ask is None or not proof.is_valid:
                    print(f"{symbol:8} not to be trusted: {proof.reason}")
                    continue
                bps = (book.ask.price - book.bid.price) / book.bid.price * 10_000
                print(f"{symbol:8} {book.bid.price} {book.ask.price} {bps:.2f} bps", end="  ")
                print(f"{proof.status.value}, {proof.checks} checks")
            await asyncio.sleep(0.5)


asyncio.run(main())
