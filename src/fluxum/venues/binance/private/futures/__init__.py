"""Accounts and orders on Binance's USD-M futures."""
