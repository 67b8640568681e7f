"""Positions, profit and loss, and the entries of accounts."""
