"""The account half of the simulated OKX."""
