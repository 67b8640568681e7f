"""Whatever a strategy intends, what the venue could make of it breaks no limit of state.

The whole proof runs by name: `python tests/simulation/bot_limits.py` tries 10,000 strategies.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.wild import LIMITS, broken, tried


@settings(max_examples=25)
@given(seed=st.integers(0, 1 << 32))
def test_no_random_strategy_breaks_a_limit(seed: int) -> None:
    run = tried(seed, steps=40)

    assert run.broken == []
    assert run.sent + run.refused > 0


def test_a_state_beyond_a_limit_would_be_found() -> None:
    """The judge of these tests finds a position, an exposure, and too many open orders."""
    run = tried(1, steps=5)
    assert LIMITS.exposure_max is not None

    run.venue.held = {market: quantity + 3 for market, quantity in run.venue.held.items()}

    assert {text.partition(" ")[0] for text in broken(run.venue)} >= {"position", "exposure"}
