"""No decision of the shipped strategies depends on what comes later, at any of 10,000 events.

At every event its decisions are known before the next event is looked at; and with the events after
each of many places cut off or shuffled, the decisions before it are the same.

    python tests/simulation/bot_lookahead.py [EVENTS] [PLACES]
"""

import sys
from decimal import Decimal

from fluxum.bot import Market, Strategy
from fluxum.bot.check import leaks, play
from fluxum.bot.samples import sample_events
from fluxum.bot.strategies.arbitrage import Arbitrage
from fluxum.bot.strategies.maker import Maker
from fluxum.bot.strategies.trend import Trend

ONE = Market("one", "BTC/USD")
SHIPPED: list[Strategy] = [
    Maker(market=ONE, size=Decimal("0.1"), held_max=Decimal(1)),
    Arbitrage(symbol="BTC/USD", venues=("one", "two"), size_max=Decimal(1)),
    Trend(market=ONE, size=Decimal(1), fast_span=3, slow_span=5, interval_s=5),
]


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    places = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    wrong = 0
    for strategy in SHIPPED:
        events = sample_events(strategy.wants(), count)
        found = leaks(play(strategy), events, cuts=places)
        wrong += bool(found)
        decided = sum(len(one) for one in play(strategy)(events))
        name = type(strategy).__name__
        print(f"{name}: {len(events)} events, {decided} decisions: {found or 'no look-ahead'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
