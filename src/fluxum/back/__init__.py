"""Back-tests: tapes as proved columns, and strategies run over them in virtual time."""
