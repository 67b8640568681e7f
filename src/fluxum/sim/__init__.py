"""A simulated exchange: markets, a venue's server, faults, and an event loop whose time jumps."""
