"""Clocks for tapes: they stand still until they are moved."""


class StoppedClock:
    """Nine o'clock, or what it is set to."""

    def __init__(self, ns: int = 9) -> None:
        self.ns = ns

    def now_ns(self) -> int:
        return self.ns
