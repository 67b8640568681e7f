"""Advanced Trade's private half: an account and its orders."""
