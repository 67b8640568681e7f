"""One stream and one book over six exchanges; one that fails is left out, with its reason."""

import asyncio

import fluxum

MARKETS = {
    "kraken": ["BTC/USD"],
    "coinbase": ["BTC/USD"],
    "gemini": ["BTC/USD"],
    "binance": ["BTC/USDT"],
    "bybit": ["BTC/USDT"],
    "okx": ["BTC/USDT"],
}
SECONDS = 3


async def main() -> None:
    async with fluxum.hub(MARKETS, ["book", "trade"]) as hub:
        await hub.wait_ready(timeout_s=30)
        await asyncio.sleep(SECONDS)
        for symbol in ("BTC/USD", "BTC/USDT"):
            book = hub.book(symbol)
            assert book.bid is not None
            assert book.ask is not None
            print(symbol, book.bid.price, "to", book.ask.price, "without", book.removed or "none")
            for share in book.market_price("buy", 5).shares:  # where 5 bought now would come from
                print(f"  {share.quantity} from {share.venue} for {share.notional:.2f}")
        for venue, health in hub.health().venues.items():
            books = f"{health.books_valid} of {health.books} books proved"
            print(f"{venue:9} {health.state.value}, {books}, {health.gaps} gaps")
        print("sums close:", hub.statistics().sums_close)


asyncio.run(main())
