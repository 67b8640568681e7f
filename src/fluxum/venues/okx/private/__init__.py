"""OKX's private half: accounts and orders."""
