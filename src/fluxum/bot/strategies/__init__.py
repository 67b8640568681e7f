"""Strategies to begin with; `fluxum bot new` copies one."""
