"""The command line: data on stdout, messages on stderr, and exit codes with a meaning."""
