"""When to try, send and call: back-off, shared attempts, a token bucket, a circuit breaker.

All are pure: the time (in seconds, of any steady clock) and the random generator are arguments.
"""

from collections import deque
from random import Random

from msgspec import Struct

from fluxum.errors import BadInput, CircuitOpen
from fluxum.model.breaker import BreakerState

__all__ = [
    "SLOW",
    "AttemptBudget",
    "Backoff",
    "BackoffPolicy",
    "BreakerPolicy",
    "CallCounter",
    "CircuitBreaker",
    "TokenBucket",
    "bounded_wait_s",
]

_WAIT_MAX_S = 3600.0


def bounded_wait_s(asked_s: float | None) -> float:
    """How long to wait for a server: at most an hour, and zero if it is no number.

    A longer ban is met again after an hour; a wrong value must not stop a session for good.
    """
    if asked_s is None or not asked_s > 0:  # a NaN is not above 0 either
        return 0.0
    return min(asked_s, _WAIT_MAX_S)


class BackoffPolicy(Struct, frozen=True, kw_only=True):
    """How long to wait before dialling again.

    The first `quick_tries` wait a random part of `quick_s`. Every later one waits a random time
    between `floor_s` and a ceiling that starts at `first_s`, is multiplied each time and never
    exceeds `ceiling_s`. `jitter` is the random part of that span: with 1 the whole of it, with 0
    every delay is the ceiling. If `attempts_max` is `None`, it never gives up.
    """

    quick_tries: int = 2
    quick_s: float = 1.0
    floor_s: float = 0.0
    first_s: float = 1.0
    multiplier: float = 2.0
    ceiling_s: float = 30.0
    attempts_max: int | None = None
    jitter: float = 1.0

    def __post_init__(self) -> None:
        """Raise for a policy that makes no sense."""
        if self.quick_tries < 0 or self.quick_s < 0 or self.floor_s < 0:
            raise BadInput(f"a back-off cannot wait less than nothing, was {self}")
        if not self.floor_s <= self.first_s <= self.ceiling_s or self.multiplier < 1:
            raise BadInput(
                f"a back-off needs floor_s <= first_s <= ceiling_s and multiplier >= 1, was {self}"
            )
        if not 0 <= self.jitter <= 1:
            raise BadInput(f"a back-off needs a jitter from 0 to 1, was {self.jitter}")


SLOW = BackoffPolicy(quick_tries=0, floor_s=10.0, first_s=20.0, ceiling_s=300.0)
"""For a refusal of what worked before: it may recover, and seldom does at once."""


class Backoff:
    """Counts failed attempts in a row and returns how long to wait before the next."""

    def __init__(self, policy: BackoffPolicy, random: Random) -> None:
        self._policy = policy
        self._random = random
        self.attempt = 0

    def next_delay(self, floor_s: float = 0.0) -> float | None:
        """Seconds to wait before the next attempt; `None` if the policy gives up.

        `floor_s` raises the least delay, for a venue in maintenance or a `Retry-After`.
        """
        policy = self._policy
        if policy.attempts_max is not None and self.attempt >= policy.attempts_max:
            return None
        slow = self.attempt - policy.quick_tries
        self.attempt += 1
        if slow < 0:
            return max(floor_s, self._random.uniform(0.0, policy.quick_s))
        # The exponent is bounded: a float power of a day of failures would overflow.
        ceiling = min(policy.ceiling_s, policy.first_s * policy.multiplier ** min(slow, 64))
        least = ceiling - policy.jitter * (ceiling - policy.floor_s)
        return max(floor_s, self._random.uniform(least, ceiling))

    def reset(self) -> None:
        """Begin again; called only after a link has proved stable."""
        self.attempt = 0


class AttemptBudget:
    """At most `limit` attempts in any `window_s`, shared by all users of the same object."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._taken: deque[float] = deque()
        self.resize(limit, window_s)

    def resize(self, limit: int, window_s: float) -> None:
        """Use another limit from now on; the attempts of the past still count."""
        if limit < 1 or window_s <= 0:
            raise BadInput(f"a budget needs a limit and a window, was {limit} in {window_s} s")
        self._limit = limit
        self._window_s = window_s
        self._taken = deque(self._taken, maxlen=limit)

    def take(self, now_s: float) -> float:
        """Seconds to wait first; the attempt is booked for the end of that wait."""
        start = now_s
        if len(self._taken) == self._limit:
            start = max(now_s, self._taken[0] + self._window_s)
        self._taken.append(start)
        return start - now_s

    def left(self, now_s: float) -> int:
        """How many attempts could begin now."""
        return self._limit - sum(one > now_s - self._window_s for one in self._taken)


class TokenBucket:
    """Lets `burst` through at once and `rate_per_s` on average."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        if rate_per_s <= 0 or burst < 1:
            raise BadInput(f"a bucket needs a rate and a burst, was {rate_per_s}/s and {burst}")
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = float(burst)
        self._at_s: float | None = None

    def take(self, now_s: float) -> float:
        """Seconds to wait before one may be sent; the token is used now."""
        self._fill(now_s)
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate_per_s)

    def take_now(self, now_s: float) -> bool:
        """Whether one may be sent without a wait; only then a token is used."""
        tokens, at_s, burst = self._tokens, self._at_s, self._burst
        if at_s is not None and tokens < burst:
            tokens = min(float(burst), tokens + (now_s - at_s) * self._rate_per_s)
        self._at_s = now_s
        has_one = tokens >= 1
        self._tokens = tokens - has_one
        return has_one

    def _fill(self, now_s: float) -> None:
        if self._at_s is not None:
            gained = (now_s - self._at_s) * self._rate_per_s
            self._tokens = min(float(self._burst), self._tokens + gained)
        self._at_s = now_s


class CallCounter:
    """A model of the venue's own counter: calls raise it by their cost, time lowers it.

    A call that would raise it above `most` has to wait; one that costs more than that waits until
    the counter is at zero. A counter begins at zero, but the venue may still count calls of a
    process that ended a moment ago; `exhausted` corrects that.
    """

    def __init__(self, most: float, decay_per_s: float) -> None:
        self._count = 0.0
        self._at_s: float | None = None
        self._held_until_s = 0.0
        self.resize(most, decay_per_s)

    def resize(self, most: float, decay_per_s: float) -> None:
        """Use other limits from now on; what was counted stays."""
        if most <= 0 or decay_per_s <= 0:
            raise BadInput(f"a counter needs a maximum and a decay, was {most} and {decay_per_s}")
        self.most = most
        self._decay_per_s = decay_per_s

    def count(self, now_s: float) -> float:
        """The counter's value."""
        if self._at_s is not None:
            elapsed_s = max(0.0, now_s - self._at_s)
            self._count = max(0.0, self._count - elapsed_s * self._decay_per_s)
        self._at_s = now_s if self._at_s is None else max(self._at_s, now_s)
        return self._count

    def take(self, cost: float, now_s: float) -> float:
        """Seconds to wait before a call of this cost; it is counted now."""
        count = self.count(now_s)
        self._count = count + cost
        room = max(0.0, self.most - cost)
        return max(0.0, (count - room) / self._decay_per_s)

    def exhausted(self, for_s: float, now_s: float) -> None:
        """The venue refused a call for its rate, and accepts none for so long."""
        self._held_until_s = max(self._held_until_s, now_s + for_s)
        count = self.most + for_s * self._decay_per_s
        self._count = max(self.count(now_s), count)

    def held_s(self, now_s: float) -> float:
        """Seconds for which the venue still accepts no calls, even those that had room."""
        return max(0.0, self._held_until_s - now_s)


class BreakerPolicy(Struct, frozen=True, kw_only=True):
    """Open after `failures` in a row; try again after `open_s`; close after `successes` trials."""

    failures: int = 5
    open_s: float = 30.0
    successes: int = 1

    def __post_init__(self) -> None:
        """Raise for a policy that makes no sense."""
        if self.failures < 1 or self.successes < 1 or self.open_s <= 0:
            raise BadInput(f"a breaker needs failures, successes and open_s above 0, was {self}")


class CircuitBreaker:
    """Stops calls that keep failing. One breaker guards one resource."""

    def __init__(self, name: str, policy: BreakerPolicy) -> None:
        self.name = name
        self.state = BreakerState.CLOSED
        self.refused = 0
        self._policy = policy
        self._failures = 0
        self._successes = 0
        self._opened_s = 0.0
        self._trial = False
        self._cause = ""

    def enter(self, now_s: float) -> None:
        """Begin a call; raises CircuitOpen. Report its end with `succeeded` or `failed`."""
        if self.state is BreakerState.OPEN:
            left = self._opened_s + self._policy.open_s - now_s
            if left > 0:
                self._refuse(left)
            self.state = BreakerState.HALF_OPEN
            self._successes = 0
            self._trial = False
        if self.state is BreakerState.HALF_OPEN:
            if self._trial:
                self._refuse(0.0)
            self._trial = True

    def succeeded(self) -> None:
        """The call succeeded."""
        self._failures = 0
        if self.state is BreakerState.HALF_OPEN:
            self._trial = False
            self._successes += 1
            if self._successes >= self._policy.successes:
                self.state = BreakerState.CLOSED

    def failed(self, now_s: float, cause: str = "") -> None:
        """The call failed because of the resource, not because of the request.

        `cause` is the reason that the next refusals show.
        """
        self._cause = cause
        self._failures += 1
        trial_failed = self.state is BreakerState.HALF_OPEN
        if trial_failed or self._failures >= self._policy.failures:
            self.state = BreakerState.OPEN
            self._opened_s = now_s
            self._trial = False

    def _refuse(self, left_s: float) -> None:
        self.refused += 1
        cause = self._cause and f" ({self._cause})"
        raise CircuitOpen(
            f"{self.name} keeps failing{cause}; not called for {left_s:.1f} s more", left_s
        )
