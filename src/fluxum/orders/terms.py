"""What a desk needs to know of a venue's ways, and how patient it is itself."""

from msgspec import Struct

from fluxum.orders.register import Keeping
from fluxum.venues.trading import Terms

__all__ = ["Patience", "Terms"]


class Patience(Struct, frozen=True, kw_only=True):
    """How long a desk waits, and how much it keeps.

    `margin_s` after its deadline a command can no longer arrive, clocks that differ and histories
    that lag included. What is in doubt is looked at every `look_s`, then less and less often up to
    every `look_max_s`. Disarming the kill switch on leaving may take `disarm_s`. No more than
    `orders_max` orders are held at a time.
    """

    margin_s: float = 10.0
    look_s: float = 1.0
    look_max_s: float = 60.0
    disarm_s: float = 2.0
    orders_max: int = 10_000
    keeping: Keeping = Keeping()
