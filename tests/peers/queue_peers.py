"""Our pessimistic first fill beside hftbacktest's risk-averse queue, on random tapes, by name.

    python tests/peers/queue_peers.py PYTHON [TAPES]

PYTHON is the interpreter of an environment with hftbacktest, as
`python -m venv hft && hft/bin/pip install hftbacktest` makes one. Prints how many first fills are
at the same step, earlier and later than theirs, and why, by what the tape had at their step.
"""

import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

from msgspec import Struct

sys.path.insert(0, str(Path(__file__).parents[1]))

from fluxum.model.market import Side
from queue_truth import Flow, Tape, apply, opened

STEPS = 80
Row = tuple[str, str, int, int, int]


class Recorded(Struct):
    """A tape, our order, and when its pessimistic history begins to be filled."""

    side: str
    price: int
    quantity: int
    begins: int
    steps: int
    rows: list[Row]
    ours: int
    reasons: dict[int, str]
    """What happened at a step that the two treat differently."""


def record(seed: int, side: Side) -> Recorded:
    """A random tape, and our order from its first step on."""
    random, flow = Random(seed), Flow()
    engine, _, traders = opened(random, flow)
    tape = Tape(engine, side, flow)
    rows: list[Row] = []
    for one, name in ((Side.BUY, "buy"), (Side.SELL, "sell")):
        for level in engine.levels(one, 1000):
            rows.append(("snapshot", name, int(level.price), int(level.quantity), 0))
    price = tape.sign * tape.best() - tape.sign * random.choice((0, 0, 1, 2))
    quantity = random.choice((1, 5, 20))
    place = tape.enter(price, quantity)
    ours, reasons = -1, dict[int, str]()
    for step in range(1, STEPS + 1):
        op = traders.next(engine)
        resting = engine.order(op.order_id) if op.kind == "cancel" else None
        touched = {int(resting.price)} if resting else {op.price} - {0}
        executions = apply(engine, op)
        touched |= {int(one.price) for one in executions}
        before = place.ahead[0]
        tape.publish(touched, executions)
        rows += [
            ("trade", one.side.value, int(one.price), int(one.quantity), step) for one in executions
        ]
        for one in Side:
            rows += [
                ("depth", one.value, at, quantity_at(tape, one, at), step) for at in sorted(touched)
            ]
        other = engine.asks.best if side is Side.BUY else engine.bids.best
        if other is not None and tape.sign * (int(other.price) - price) <= 0:
            reasons[step] = "the other side shows our price or a better one: theirs fills"
        elif not before and place.shown == 0:
            reasons[step] = "nobody else is at our price"
        if ours < 0 and place.fills[0]:
            ours = step
    return Recorded(side.value, price, quantity, 0, STEPS, rows, ours, reasons)


def quantity_at(tape: Tape, side: Side, price: int) -> int:
    level = tape.engine.level(side, Decimal(price))
    return 0 if level is None else int(level.quantity)


def main(python: str, count: int) -> int:
    """Compare; returns 1 if a difference has no reason."""
    tapes = [record(seed, side) for seed in range(count // 2) for side in Side]
    lines = "".join(
        json.dumps({name: getattr(one, name) for name in NEEDED}) + "\n" for one in tapes
    )
    calls = Path(__file__).with_name("hftbacktest_calls.py")
    done = subprocess.run([python, calls], input=lines, capture_output=True, text=True, check=True)
    theirs = [int(line) for line in done.stdout.split()]
    counts, reasons, bad = Counter[str](), Counter[str](), 0
    for number, (tape, step) in enumerate(zip(tapes, theirs, strict=True)):
        name = compare(tape.ours, step)
        counts[name] += 1
        if name in ("earlier", "later"):
            at = step if name == "later" else tape.ours
            reason = tape.reasons.get(at, "")
            reasons[f"{name}: {reason or 'NO REASON'}"] += 1
            if not reason:
                bad += 1
                print(
                    f"tape {number}: {tape.side} at {tape.price}, ours {tape.ours}, theirs {step}"
                )
    print(dict(counts))
    for reason, found in reasons.most_common():
        print(f"{found:6} {reason}")
    return 1 if bad else 0


def compare(ours: int, theirs: int) -> str:
    """Whether our first fill is before or after theirs."""
    if ours == theirs:
        return "same" if ours >= 0 else "both none"
    if ours < 0 or 0 <= theirs < ours:
        return "later"
    return "earlier"


NEEDED = ("side", "price", "quantity", "begins", "steps", "rows")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000))
