"""Many venues as one: sessions side by side, one stream, one health, consolidated books."""
