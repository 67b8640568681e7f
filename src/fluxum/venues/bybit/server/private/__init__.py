"""The account half of the simulated Bybit."""
