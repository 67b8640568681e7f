"""What all sessions of a process share."""

from fluxum.runtime import LiveRuntime, forget_counts
from fluxum.venues.kraken.venue import KRAKEN

URL = "https://api.kraken.com"


def test_sessions_of_a_process_share_attempts_and_calls_until_these_are_forgotten() -> None:
    one, other = LiveRuntime(), LiveRuntime()
    budget, counter = one.budget(KRAKEN), one.counter(KRAKEN, URL)
    assert other.budget(KRAKEN) is budget
    assert other.counter(KRAKEN, URL) is counter

    forget_counts()

    assert one.budget(KRAKEN) is not budget
    assert one.counter(KRAKEN, URL) is not counter
