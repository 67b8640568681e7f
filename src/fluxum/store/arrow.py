"""The libraries of the extra `frames`, imported when they are used: they are large."""

from importlib import import_module
from typing import Any

from fluxum.errors import BadInput

__all__ = ["arrow", "compute", "duckdb", "parquet"]


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


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise BadInput(
            f"columns need {package} of the extra frames: pip install 'fluxum[frames]'"
        ) from error
