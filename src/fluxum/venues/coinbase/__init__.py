"""Coinbase: Advanced Trade for all customers, and the Exchange feed for institutions."""
