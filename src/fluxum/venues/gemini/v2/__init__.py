"""Gemini's market data v2: books and trades in one stream, candles, no numbering."""
