"""The simulated half: what the exchange itself says, for the simulator alone."""
