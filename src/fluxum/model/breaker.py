"""The state of a circuit breaker, whatever it guards: calls that fail, or balances not known."""

from fluxum.model.enumeration import Enumeration

__all__ = ["BreakerState"]


class BreakerState(Enumeration):
    """The state of a circuit breaker.

    CLOSED: what it guards works. OPEN: it does not, and is not used. HALF_OPEN: it may work again,
    and is on trial until there is evidence.
    """

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
