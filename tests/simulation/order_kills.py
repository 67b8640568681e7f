"""Traders ended by `kill -9` at random instants, one life after another, at any exchange.

    python tests/simulation/order_kills.py --venue bybit --lives 100

A simulated exchange runs in this process, and a trader in another, which places, amends and cancels
orders until it is killed. The next one has the journal and nothing else. Before it goes on, what it
knows is compared with what is true: no order is entered twice, none is forgotten, the outcome of
each that was on its way is known, and fills and balances are the exchange's own.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from msgspec import Struct

import fluxum
from fluxum import (
    Amend,
    Credentials,
    FluxumError,
    OrderRequest,
    OutcomeUnknown,
    RiskLimits,
    Symbol,
    Trader,
    Trigger,
)
from fluxum.cli.simulator import simulated
from fluxum.orders.journal_lines import read_chain
from fluxum.sim.account import SimulatedAccount
from fluxum.venues.register import VENUES, find_venue

__all__ = ["Lives", "live_and_die"]

KEYS = Credentials("the-key", "dGhlIHNlY3JldCBvZiAzMiBieXRlcywgb2Yga2lsbHM=", "the-passphrase")
LOT = Decimal("0.01")
STOPS = frozenset({"okx"})
"""Where orders that wait for a price are placed as well: what goes on for one is another order."""
READY_S = 90
"""How long a trader may take until it is ready; it says itself what is missing then."""
TIMEOUT_S = READY_S + 30


class Lives(Struct, kw_only=True):
    """What became of all lives at one exchange, and what is wrong with that."""

    venue: str
    lives: int = 0
    compared: int = 0
    """How often what a trader knew was compared with what was true."""
    on_their_way: int = 0
    """Orders whose trader was killed before it knew their outcome."""
    entered: int = 0
    """How many of these the exchange had entered."""
    orders: int = 0
    fills: int = 0
    slowest_s: float = 0.0
    """The longest that a trader took to be ready."""
    wrong: list[str] = []


# The trader


def say(**words: object) -> None:
    """One line that the other process reads."""
    sys.stdout.write(json.dumps(words, default=str) + "\n")
    sys.stdout.flush()


async def listen() -> Any:
    """The next line that the other process writes; the end of lines ends this one."""
    line = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        raise SystemExit(0)
    return json.loads(line)


async def trade(venue: str, url: str, journal: str, seed: int) -> None:
    """Trade until the process is killed, or until nothing is asked for any more."""
    symbol, random = find_venue(venue).sample_symbols[0], Random(seed)
    async with fluxum.trade(
        venue,
        [symbol],
        keys=KEYS,
        journal=journal,
        limits=RiskLimits(collar_percent=None),
        endpoint=url,
        ready_s=READY_S,
    ) as trader:
        say(event="ready")
        while question := await listen():
            await answer(trader, *question)
        number = 0
        while True:
            number += 1
            # A client order id that every exchange takes.
            name = uuid5(NAMESPACE_OID, f"{seed} {number}").hex
            try:
                await act(trader, symbol, random, venue, name)
            except OutcomeUnknown:
                pass
            except FluxumError:
                say(event="refused", name=name)
            await asyncio.sleep(random.uniform(0, 0.05))


async def answer(trader: Trader, names: Sequence[str], since_ns: int) -> None:
    """Say what is known of these orders, of all open ones, of fills and of balances."""
    known = [trader.orders.order(name) for name in names]
    states = {
        one.client_order_id: (one.status.value, one.filled) for one in known if one is not None
    }
    live = [one.client_order_id for one in trader.orders.open_orders()]
    balances = {one.asset: one.total for one in await trader.balances()}
    fills = [one.fill_id for one in await trader.session.account.history(since_ns)]
    say(event="known", states=states, open=live, balances=balances, fills=fills)


async def act(trader: Trader, symbol: Symbol, random: Random, venue: str, name: str) -> None:
    """One thing of those that a trader does."""
    ours, chance = trader.orders.open_orders(), random.random()
    if ours and chance < 0.25:
        await trader.cancel(random.choice(ours).client_order_id)
    elif ours and chance < 0.4:
        order = random.choice(ours)
        rest = (order.quantity or LOT) - LOT
        await trader.orders.amend(Amend(client_order_id=order.client_order_id, quantity=rest))
    else:
        rules, bid = trader.session.instrument(symbol), trader.book(symbol).bid
        assert rules is not None
        low = None if bid is None else bid.price * Decimal("0.9") // rules.tick * rules.tick
        is_at_market = low is None or random.random() < 0.3
        if bid is not None and not is_at_market and venue in STOPS and random.random() < 0.5:
            request = OrderRequest(
                symbol=symbol,
                side="sell",
                order_type="stop_loss",
                quantity=LOT * random.randint(1, 5),
                trigger=Trigger(bid.price - rules.tick * random.randint(1, 300)),
                client_order_id=name,
            )
        else:
            request = OrderRequest(
                symbol=symbol,
                side=random.choice(("buy", "sell")) if is_at_market else "buy",
                order_type="market" if is_at_market else "limit",
                quantity=LOT * random.randint(1, 5),
                limit_price=None if is_at_market else low,
                client_order_id=name,
            )
        say(event="wanted", name=name)
        order = await trader.orders.place(request)
        say(event="done", name=name, status=order.status.value)


# The exchange


class Killer:
    """Begins traders, compares what they know, and ends them."""

    def __init__(self, found: Lives, account: SimulatedAccount, words: Sequence[str]) -> None:
        self.found = found
        self.account = account
        self.words = words
        self.since_ns = time.time_ns()
        self.wanted: list[str] = []  # of the last life, without an answer
        self.done: dict[str, str] = {}
        self.refused: set[str] = set()
        self.ended: dict[str, str] = {}  # in the journal, whether or not the trader said so

    async def live(self, number: int, seconds: float | None) -> None:
        """One life that is compared, then ended so long after; None ends it well at once."""
        self.ended = ends(Path(self.words[2]))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            "--trade",
            *self.words,
            str(number),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self.found.lives += 1
        begun_s = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await process.stdout.readline()  # it is ready
                self.found.slowest_s = max(self.found.slowest_s, time.monotonic() - begun_s)
                question = ([*self.wanted, *self.done], self.since_ns)
                line, fills = b"-", -1
                # The market may fill what rests meanwhile: then the answer is of two instants.
                while line and fills != len(self.account.fills):
                    fills = len(self.account.fills)
                    process.stdin.write(json.dumps(question).encode() + b"\n")
                    line = await process.stdout.readline()
        except TimeoutError:
            self.found.wrong.append(f"life {number}: it was not ready after {TIMEOUT_S} s")
            process.kill()
            return
        self.compare(number, json.loads(line or b"{}"))
        if not line:
            return
        self.wanted, self.done = [], {}
        if seconds is None:
            process.stdin.close()
        else:
            process.stdin.write(b"[]\n")
            await asyncio.sleep(seconds)
            with suppress(ProcessLookupError):  # it ended by itself, which the next life shows
                process.kill()
        async for said in process.stdout:
            self.note(said)
        await process.wait()

    def note(self, line: bytes) -> None:
        """What a trader said about an order; the last line may be cut off."""
        with suppress(json.JSONDecodeError):
            said = json.loads(line)
            name = said["name"]
            if said["event"] == "wanted":
                self.wanted.append(name)
            elif name in self.wanted:
                self.wanted.remove(name)
                if said["event"] == "refused":
                    self.refused.add(name)
            if said["event"] == "done":
                self.done[name] = said["status"]

    def compare(self, number: int, known: dict[str, Any]) -> None:
        """What a trader knows is what is true."""
        found, where = self.found, f"life {number}"
        if not known:
            found.wrong.append(f"{where}: the trader ended by itself")
            return
        orders = self.account.orders
        names = Counter(one.client_order_id for one in orders)
        found.wrong += [
            f"{where}: {name} was entered twice" for name, at in names.items() if at > 1
        ]
        true = {one.client_order_id: one for one in orders}
        live = sorted(name for name, one in true.items() if not one.status.is_final)
        if sorted(known["open"]) != live:
            found.wrong.append(f"{where}: open were {live}, known {sorted(known['open'])}")
        for name in self.wanted:
            found.on_their_way += 1
            found.entered += name in true
            status, filled = known["states"].get(name, ("refused", "0"))
            if name in true and name not in known["states"] and name in self.ended:
                # It was killed between the end of the order and its word about it.
                status, filled = self.ended[name], true[name].filled
            if name not in true:
                if status != "refused":
                    found.wrong.append(f"{where}: {name} was not entered, known as {status}")
            elif (status, Decimal(filled)) != (true[name].status.value, true[name].filled):
                found.wrong.append(f"{where}: {true[name]}, known as {status} with {filled}")
        found.wrong += [f"{where}: {name} does not exist" for name in self.done if name not in true]
        found.wrong += [f"{where}: {name} was entered" for name in self.refused & true.keys()]
        self.refused.clear()
        held = {str(one.asset): one.total for one in self.account.balances()}
        if {asset: Decimal(total) for asset, total in known["balances"].items()} != held:
            found.wrong.append(f"{where}: {held}, known {known['balances']}")
        fills: Counter[str] = Counter(known["fills"])
        if fills != Counter(one.fill_id for one in self.account.fills):
            found.wrong.append(f"{where}: fills are missing, or there twice")
        found.compared += 1


def ends(journal: Path) -> dict[str, str]:
    """The orders whose ends are in a journal, with their statuses."""
    if not journal.exists():
        return {}
    lines = [json.loads(line.body) for line in read_chain(journal.read_bytes()).lines]
    return {line["name"]: line["status"] for line in lines if line["type"] == "ended"}


async def live_and_die(
    venue: str,
    lives: int,
    *,
    seed: int = 1,
    at_once: int = 1,
    between_s: tuple[float, float] = (0.0, 1.5),
) -> Lives:
    """So many traders, each killed at a random instant; `at_once` at exchanges of their own."""
    async with asyncio.TaskGroup() as group:
        lanes = [
            group.create_task(
                one_lane(venue, len(range(lane, lives, at_once)), seed * 1000 + lane, between_s)
            )
            for lane in range(at_once)
        ]
    total = Lives(venue=venue)
    for lane in lanes:
        found = lane.result()
        for name in ("lives", "compared", "on_their_way", "entered", "orders", "fills", "wrong"):
            setattr(total, name, getattr(total, name) + getattr(found, name))
        total.slowest_s = max(total.slowest_s, found.slowest_s)
    return total


async def one_lane(venue: str, lives: int, seed: int, between_s: tuple[float, float]) -> Lives:
    """Traders at one exchange, one after another, and a last one that is not killed."""
    found, random = Lives(venue=venue), Random(seed)
    symbols = find_venue(venue).sample_symbols[:1]
    market = symbols[0]
    with TemporaryDirectory() as folder:
        async with simulated(venue, symbols, seed=seed, rate=20.0, faults="") as (box, url):
            money = {str(market.quote): Decimal(10_000_000), str(market.base): Decimal(1000)}
            tiers = list(getattr(box.venue.private, "tiers", {}))
            account = box.open_account(
                KEYS.key, KEYS.secret, money, tier=tiers[-1], passphrase=KEYS.passphrase
            )
            killer = Killer(found, account, [venue, url, str(Path(folder) / "orders.jsonl")])
            for number in range(lives):
                await killer.live(number, random.uniform(*between_s))
            await killer.live(lives, None)
            found.orders, found.fills = len(account.orders), len(account.fills)
    return found


def main() -> int:
    """Run as many lives as asked for, and print what became of them."""
    if sys.argv[1:2] == ["--trade"]:
        venue, url, journal, seed = sys.argv[2:6]
        asyncio.run(trade(venue, url, journal, int(seed)))
        return 0
    accounts = [name for name, venue in VENUES.items() if venue.private is not None]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venue", choices=accounts, default=accounts[0], help="the exchange")
    parser.add_argument("--lives", type=int, default=100, help="how many traders are killed")
    parser.add_argument("--seed", type=int, default=1, help="of the instants")
    parser.add_argument("--at-once", type=int, default=4, help="exchanges side by side")
    wishes = parser.parse_args()
    started = time.perf_counter()
    found = asyncio.run(
        live_and_die(wishes.venue, wishes.lives, seed=wishes.seed, at_once=wishes.at_once)
    )
    print(
        f"{found.venue}: {found.lives} lives, {found.compared} compared, {found.orders} orders,"
        f" {found.fills} fills, {found.on_their_way} orders were on their way,"
        f" {found.entered} of them entered; ready after {found.slowest_s:.0f} s at most;"
        f" wrong: {len(found.wrong) or 'none'} ({time.perf_counter() - started:.0f} s)"
    )
    for what in found.wrong:
        print(what, file=sys.stderr)
    return bool(found.wrong)


if __name__ == "__main__":
    sys.exit(main())
