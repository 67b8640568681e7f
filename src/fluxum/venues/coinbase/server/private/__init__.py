"""The account half of the simulated Advanced Trade."""
