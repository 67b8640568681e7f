"""One venue, kept connected: links reconnect, books are proved, gaps are published as events."""
