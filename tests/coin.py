"""A strategy that tosses a coin, swept 200 ways, must not look like skill.

By name: `python tests/coin.py [SEEDS]` sweeps 100 seeds and prints in how many the deflated
Sharpe ratio of the best variant stays below 0.95, beside the plain one, which knows of no sweep.
"""

import sys
from random import Random
from statistics import variance

from fluxum.report.statistics import deflated_sharpe, expected_best, moments, probabilistic_sharpe

VARIANTS = 200
DAYS = 365


def best_of_sweep(seed: int, days: int = DAYS) -> tuple[float, float]:
    """The deflated and the plain probability of skill of the best of all variants."""
    chance = Random(seed)
    market = [chance.gauss(0, 0.02) for _ in range(days)]
    swept = [
        moments([one if chance.random() < 0.5 else -one for one in market]) for _ in range(VARIANTS)
    ]
    found = [one for one in swept if one is not None]
    assert len(found) == VARIANTS
    best = max(found, key=lambda one: one.sharpe)
    spread = variance(one.sharpe for one in found)
    assert expected_best(VARIANTS, spread) > 0
    return deflated_sharpe(best, VARIANTS, spread), probabilistic_sharpe(best)


def main() -> None:
    """Print what came out."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    results = [best_of_sweep(seed) for seed in range(seeds)]
    honest = sum(deflated < 0.95 for deflated, _ in results)
    fooled = sum(plain >= 0.95 for _, plain in results)
    text = f"deflated below 0.95 in {honest} of {seeds}; not deflated 0.95 or more in {fooled}\n"
    sys.stdout.write(text)
    sys.exit(0 if honest >= 0.95 * seeds else 1)


if __name__ == "__main__":
    main()
