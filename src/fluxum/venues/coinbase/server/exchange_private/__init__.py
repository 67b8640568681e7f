"""The account half of the simulated Exchange."""
