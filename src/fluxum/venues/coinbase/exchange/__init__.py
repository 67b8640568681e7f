"""Coinbase Exchange: the feed of the matching engine, whose books carry no number."""
