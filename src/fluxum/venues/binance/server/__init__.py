"""The simulated half of the venue, for the simulator alone."""
