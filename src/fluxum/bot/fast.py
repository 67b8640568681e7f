"""The text of a Struct: put together in C if that was compiled, else in Python (decision 041)."""

from fluxum.bot.struct_text import PlainStructText

__all__ = ["IS_COMPILED", "StructText"]

StructText: type[PlainStructText]
try:
    from fluxum.bot._fast import FastStructText as StructText
except ImportError:
    StructText = PlainStructText

IS_COMPILED = StructText is not PlainStructText
