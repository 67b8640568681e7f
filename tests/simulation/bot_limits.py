"""10,000 random strategies before a venue that fills at will: no limit of state is broken.

python tests/simulation/bot_limits.py [HOW_MANY] [FIRST_SEED]
"""

import sys

from bot.wild import tried


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    sent = refused = wrong = 0
    for seed in range(first, first + count):
        run = tried(seed, steps=40)
        sent, refused = sent + run.sent, refused + run.refused
        if run.broken:
            wrong += 1
            print(f"seed {seed}: {run.broken[0]}")
    print(f"{count} strategies, {sent} commands sent, {refused} refused, {wrong} broke a limit")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
