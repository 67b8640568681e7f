"""The player of prepared tapes: compiled if possible, else in Python (docs/decisions/010)."""

from fluxum.back.player import Player

__all__ = ["IS_COMPILED", "TapePlayer"]

TapePlayer: type[Player]
try:
    from fluxum.back._fast import FastPlayer as TapePlayer
except ImportError:
    TapePlayer = Player

IS_COMPILED = TapePlayer is not Player
