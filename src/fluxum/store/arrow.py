"""The libraries of the extra `frames`, imported when they are used: they are large."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from fluxum.errors import BadInput

__all__ = ["arrow", "compute", "duckdb", "parquet", "require_arrow"]


def arrow() -> Any:
    """The module `pyarrow`; raises BadInput if it is not installed."""
    return _module("pyarrow")


def compute() -> Any:
    """The module `pyarrow.compute`; raises BadInput if it is not installed."""
    return _module("pyarrow.compute")


def parquet() -> Any:
    """The module `pyarrow.parquet`; raises BadInput if it is not installed."""
    return _module("pyarrow.parquet")


def duckdb() -> Any:
    """The module `duckdb`; raises BadInput if it is not installed."""
    return _module("duckdb")


def require_arrow() -> None:
    """Raise BadInput if `pyarrow` is not installed; it is not imported."""
    if find_spec("pyarrow") is None:
        raise _lacking("pyarrow")


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise _lacking(name.partition(".")[0]) from error


def _lacking(package: str) -> BadInput:
    return BadInput(f"columns need {package} of the extra frames: pip install 'fluxum[frames]'")
