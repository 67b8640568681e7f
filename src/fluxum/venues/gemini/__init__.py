"""Gemini's room: the sequenced feed and market data v2, one conversation each."""
