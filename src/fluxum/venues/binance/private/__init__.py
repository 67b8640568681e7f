"""Binance's private half: accounts and orders on spot."""
