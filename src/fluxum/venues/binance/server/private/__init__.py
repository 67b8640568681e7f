"""The account half of the simulated venue."""
