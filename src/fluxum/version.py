"""The version of Fluxum, and which of its parts are compiled."""

from importlib.machinery import PathFinder
from pathlib import Path

__all__ = ["__version__", "compilable", "compiled", "described"]

__version__ = "0.2.0"
_SOURCE = Path(__file__).parent


def compilable() -> tuple[str, ...]:
    """The rooms with a half in Cython, which each works without: docs/decisions/010."""
    return tuple(sorted(path.parent.name for path in _SOURCE.glob("*/_fast.pyx")))


def compiled() -> tuple[str, ...]:
    """The rooms whose compiled half was built for this Python."""
    return tuple(
        room for room in compilable() if PathFinder.find_spec("_fast", [str(_SOURCE / room)])
    )


def described() -> str:
    """The line that `fluxum --version` prints."""
    done = compiled()
    rest = [room for room in compilable() if room not in done]
    parts = [f"compiled: {', '.join(done)}"] if done else []
    parts += [f"in Python, as no C compiler was there: {', '.join(rest)}"] if rest else []
    return f"fluxum {__version__} ({'; '.join(parts)})"
