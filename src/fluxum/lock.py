"""A file locked by one process, whatever its name: the lock is on the file itself.

Symbolic and hard links to one file are one lock. The system releases it when the descriptor is
closed or the process ends, in whatever way.
"""

import sys

__all__ = ["CAN_HOLD", "hold"]

CAN_HOLD = sys.platform != "win32"
"""Whether files can be locked on this system."""


def hold(descriptor: int, *, waits: bool = False) -> bool:
    """Lock the open file; false if another descriptor has locked it already, in any process.

    If it `waits`, it is true once the others have released it.
    """
    if sys.platform == "win32":
        return False
    else:  # noqa: RET505 - so that type checkers see what exists where
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
