"""What a line of JSON costs, beside msgspec's encoder alone and the plain way through builtins."""

import timeit
from collections.abc import Callable
from decimal import Decimal

import msgspec

from fluxum.model.codec import encode_event, plain
from fluxum.model.event import Channel, Event, Gap, GapCause, Repair, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level, Levels
from fluxum.model.market import BookUpdate, Side, Ticker, Trade

BTC = Symbol("BTC/USD")
LEVEL = Level(Decimal("45283.5"), Decimal("0.00120000"), None, b"45283512")
EVENTS: dict[str, Event] = {
    "trade": Trade(
        venue="kraken",
        symbol=BTC,
        side=Side.SELL,
        price=Decimal("45283.50"),
        quantity=Decimal("0.00120000"),
        trade_id="4665846",
        received_ns=1_700_000_000_200_000_000,
    ),
    "ticker": Ticker(venue="kraken", symbol=BTC, last=Decimal("45283.5"), received_ns=1),
    "book, 2 levels": BookUpdate("kraken", BTC, (LEVEL,), (LEVEL,), 1, 2, 3),
    "book, 2 rows": BookUpdate("binance", BTC, Levels([("4.10", "0.1")] * 2), (), 1, 2),
    "gap": Gap(
        venue="kraken",
        subscription=Subscription(Channel.BOOK, BTC, 10),
        cause=GapCause.LINK_LOST,
        repair=Repair.SNAPSHOT,
        since_ns=1,
        until_ns=5,
        received_ns=5,
    ),
}
_bare = msgspec.json.Encoder(enc_hook=lambda one: str(one) if isinstance(one, str) else tuple(one))


def microseconds(encode: Callable[[Event], bytes], event: Event) -> float:
    """The best of seven rounds, a call."""
    rounds = timeit.repeat(lambda: encode(event), number=20_000, repeat=7)
    return min(rounds) / 20_000 * 1e6


def main() -> None:
    """Print microseconds an event."""
    print(f"{'a line of':<16} {'fluxum':>7} {'bare':>7} {'plain':>7}  us")
    for name, event in EVENTS.items():
        ways: tuple[Callable[[Event], bytes], ...] = (
            encode_event,
            _bare.encode,
            lambda one: msgspec.json.encode(plain(one)),
        )
        print(f"{name:<16}", *[f"{microseconds(way, event):7.2f}" for way in ways])


if __name__ == "__main__":
    main()
