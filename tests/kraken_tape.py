"""Tapes of a synthetic Kraken market, seeded: depth-10 books with right checksums, and trades.

It shares no code with the product. Prices have one decimal, quantities eight, as BTC/USD at Kraken.
A trade takes from the best level, and the book's update of that follows it.
"""

import gzip
import zlib
from bisect import bisect_left, insort
from collections.abc import Iterator
from pathlib import Path
from random import Random

DEPTH = 10
START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
STEP_NS = 1_369_863  # 73 updates in 100 ms
_ACK = (
    '{"method":"subscribe","req_id":%d,"result":{"channel":"%s",%s"snapshot":true,"symbol":"%s"},'
    '"success":true,"time_in":"2026-01-01T00:00:00.000000Z",'
    '"time_out":"2026-01-01T00:00:00.000000Z"}'
)


class Market:
    """A book of integers: prices in tenths, quantities in units of 1e-8."""

    def __init__(self, seed: int, symbol: str = "BTC/USD", middle: int = 450_000) -> None:
        self.random = Random(seed)
        self.symbol = symbol
        self.trades = 0
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.prices: tuple[list[int], list[int]] = ([], [])  # ascending; asks as minus the price
        for place in range(DEPTH):
            self._set(0, middle - place, self._quantity(), {})
            self._set(1, middle + 1 + place, self._quantity(), {})

    def snapshot(self, ns: int) -> str:
        return self._frame("snapshot", dict(self.sides[0]), dict(self.sides[1]), ns)

    def update(self, ns: int) -> str:
        """One to three levels change near the best prices."""
        random = self.random
        changes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for _ in range(random.choice((1, 1, 2, 3))):
            side = random.randrange(2)
            sign = -1 if side else 1
            best, other = self._best(side), self._best(1 - side)
            price = best + sign * -random.randrange(-1, DEPTH - 1)
            if (other - price) * sign <= 0:  # it would cross
                price = best
            is_there = price in self.sides[side]
            is_gone = is_there and len(self.prices[side]) > 5 and random.random() < 0.25
            self._set(side, price, 0 if is_gone else self._quantity(), changes[side])
        return self._frame("update", *changes, ns)

    def trade(self, ns: int) -> list[str]:
        """A taker takes a part of the best level, or all of it; the book's update follows."""
        random = self.random
        side = random.randrange(2)  # of the book
        price = self._best(side)
        there = self.sides[side][price]
        takes_all = len(self.prices[side]) > 5 and random.random() < 0.3
        taken = there if takes_all else random.randrange(1, there + 1)
        if taken == there and not takes_all:
            taken = max(1, there // 2)
        changes: tuple[dict[int, int], dict[int, int]] = ({}, {})
        if taken < there or takes_all:
            self._set(side, price, there - taken, changes[side])
        self.trades += 1
        taker = "buy" if side else "sell"
        trade = (
            f'{{"channel":"trade","type":"update","data":[{{"symbol":"{self.symbol}",'
            f'"side":"{taker}","price":{price / 10:.1f},"qty":{_quantity(taken)},'
            f'"ord_type":"market","trade_id":{self.trades},"timestamp":"{_time(ns)}"}}]}}'
        )
        return [trade, self._frame("update", *changes, ns)]

    def _best(self, side: int) -> int:
        return -self.prices[1][-1] if side else self.prices[0][-1]

    def _quantity(self) -> int:
        return self.random.randrange(1, 10**9)

    def _set(self, side: int, price: int, quantity: int, changes: dict[int, int]) -> None:
        levels, prices = self.sides[side], self.prices[side]
        key = -price if side else price
        changes.pop(price, None)
        changes[price] = quantity
        if quantity:
            if price not in levels:
                insort(prices, key)
            levels[price] = quantity
        elif levels.pop(price, None) is not None:
            del prices[bisect_left(prices, key)]

    def _cut(self) -> None:
        """What falls out of the depth is not sent: a client removes it after each frame."""
        for side, levels in enumerate(self.sides):
            while len(levels) > DEPTH:
                worst = self.prices[side].pop(0)
                del levels[-worst if side else worst]

    def _frame(self, kind: str, bids: dict[int, int], asks: dict[int, int], ns: int) -> str:
        self._cut()
        texts = [
            ",".join(
                f'{{"price":{p // 10}.{p % 10},"qty":{_quantity(q)}}}' for p, q in side.items()
            )
            for side in (bids, asks)
        ]
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self.symbol}",'
            f'"bids":[{texts[0]}],"asks":[{texts[1]}],"checksum":{self._checksum()},'
            f'"timestamp":"{_time(ns)}"}}]}}'
        )

    def _checksum(self) -> int:
        bids, asks = self.sides
        parts = [f"{-key}{asks[-key]}" for key in reversed(self.prices[1])]
        parts += [f"{key}{bids[key]}" for key in reversed(self.prices[0])]
        return zlib.crc32("".join(parts).encode())


def frames(updates: int, seed: int = 42, trade_every: int = 10) -> Iterator[tuple[int, str]]:
    """Frames with their times of reception: acknowledgements, a snapshot, updates and trades.

    Every `trade_every`-th update is that of a trade, which comes in a frame before it.
    """
    market = Market(seed)
    ns = START_NS
    for number, (channel, depth) in enumerate((("book", f'"depth":{DEPTH},'), ("trade", "")), 1):
        yield ns, _ACK % (number, channel, depth, market.symbol)
    yield ns, market.snapshot(ns)
    for number in range(1, updates + 1):
        ns += STEP_NS
        if trade_every and number % trade_every == 0:
            for frame in market.trade(ns):
                yield ns, frame
        else:
            yield ns, market.update(ns)


def line(ns: int, frame: str, link: int = 1) -> str:
    """A frame as a line of a tape."""
    text = frame.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"ns":{ns},"link":{link},"sent":false,"raw":"{text}"}}\n'


def header(venue: str = "kraken") -> str:
    return f'{{"fluxum_tape":1,"venue":"{venue}","started_ns":{START_NS}}}\n'


def write(path: Path, updates: int, seed: int = 42, trade_every: int = 10) -> Path:
    """Write a tape, compressed if its name ends in `.gz`."""
    with gzip.open(path, "wt", 1) if path.suffix == ".gz" else path.open("w") as file:
        file.write(header())
        for ns, frame in frames(updates, seed, trade_every):
            file.write(line(ns, frame))
    return path


def write_hole(path: Path, updates: int, seed: int = 42, trade_every: int = 0) -> Path:
    """Write a tape whose link is lost after so many updates, and back after five seconds."""
    before = list(frames(updates, seed, trade_every))
    lost_ns = before[-1][0]
    after = frames(updates, seed + 1, trade_every)
    with path.open("w") as file:
        file.write(header())
        file.writelines(line(ns, frame) for ns, frame in before)
        file.write(f'{{"ns":{lost_ns},"link":1,"closed":true}}\n')
        file.writelines(line(ns - START_NS + lost_ns + 5 * 10**9, frame, 2) for ns, frame in after)
    return path


def _quantity(units: int) -> str:
    return f"{units // 10**8}.{units % 10**8:08d}"


def _time(ns: int) -> str:
    seconds, rest = divmod(ns - START_NS, 10**9)
    hours, seconds = divmod(seconds, 3600)
    days, hours = divmod(hours, 24)
    minutes, seconds = divmod(seconds, 60)
    return f"2026-01-{1 + days:02}T{hours:02}:{minutes:02}:{seconds:02}.{rest // 1000:06}Z"
