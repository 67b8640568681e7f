"""The Exchange's private half: an account and its orders."""
