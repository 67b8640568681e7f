"""Coinbase: Advanced Trade for everybody, and the Exchange feed for institutions."""
