"""Kraken's private half: the account's streams, orders, and the signed calls around them."""
