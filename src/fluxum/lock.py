"""A file held by one process alone, whatever it is called: the lock is on the file itself.

Symbolic and hard links to one file are one lock. The system lets it go when the descriptor is
closed or the process ends, however it does.
"""

import sys

__all__ = ["CAN_HOLD", "hold"]

CAN_HOLD = sys.platform != "win32"
"""Whether files can be held on this system."""


def hold(descriptor: int) -> bool:
    """Take the open file; False when another descriptor holds it already, in any process."""
    if sys.platform == "win32":
        return False
    else:  # noqa: RET505 - so that type checkers see what exists where
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
