"""Binance spot and USD-M futures, JSON streams and REST."""
