"""Streams inside the process: pipes, buses, merges, and work that ends with its block."""
