"""One module for each engine: what is different about it, and nothing else."""
