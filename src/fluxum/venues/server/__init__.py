"""The simulated half: what the exchange itself sends, for the simulator alone."""
