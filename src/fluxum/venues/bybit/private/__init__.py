"""Bybit's private half: accounts and orders."""
