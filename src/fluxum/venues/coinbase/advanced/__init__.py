"""Coinbase Advanced Trade: every frame of a link is numbered."""
