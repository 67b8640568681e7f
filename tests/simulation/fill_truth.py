"""Are the bounds of fills true? Ten thousand orders of each side, by name.

    python tests/simulation/fill_truth.py [ORDERS]

Prints how many orders were outside their bounds, how far apart the bounds ended on average (as a
part of the order), and for how many they coincided. Ends with 1 if one was outside that should not.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fluxum.model.market import Side
from queue_truth import Flow, judge

FLOWS = {
    "resting": Flow(changes=False),
    "resting longer": Flow(steps=320, changes=False),
    "amends, cancels": Flow(),
    "trades late": Flow(changes=False, late=2),
    "immediate orders": Flow(immediate=0.1),
}


def main(orders: int) -> int:
    """Run every flow; returns the status."""
    failed = 0
    print(f"{'flow':18}{'orders':>8}{'outside':>9}{'filled':>8}{'width':>8}{'same':>8}")
    for name, flow in FLOWS.items():
        verdicts = [judge(seed, side, flow) for seed in range(orders) for side in Side]
        outside = sum(one.is_outside for one in verdicts)
        excused = sum(one.is_outside and not one.below and one.was_alone for one in verdicts)
        width = sum(one.width for one in verdicts) / len(verdicts)
        same = sum(one.bounds[0] == one.bounds[2] for one in verdicts) / len(verdicts)
        filled = sum(one.filled > 0 for one in verdicts)
        print(f"{name:18}{len(verdicts):8}{outside:9}{filled:8}{width:8.1%}{same:8.1%}")
        seeds = [
            f"{i // 2} {['buy', 'sell'][i % 2]}" for i, one in enumerate(verdicts) if one.is_outside
        ]
        if seeds and not flow.immediate:
            print(f"  outside: {', '.join(seeds[:10])}")
        failed += outside - (excused if flow.immediate else 0)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
