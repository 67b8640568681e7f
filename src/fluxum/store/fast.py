"""The buffer of rows: compiled if possible, else in Python (docs/decisions/010)."""

from fluxum.store.buffers import Buffer

__all__ = ["IS_COMPILED", "TableBuffer"]

TableBuffer: type[Buffer]
try:
    from fluxum.store._fast import FastBuffer as TableBuffer
except ImportError:
    TableBuffer = Buffer

IS_COMPILED = TableBuffer is not Buffer
