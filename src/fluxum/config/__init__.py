"""Configuration: settings from files, the environment and arguments, checked, with their source."""
