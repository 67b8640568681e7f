"""An exchange in a box: simulated markets, a venue's server, faults, and time that jumps."""
