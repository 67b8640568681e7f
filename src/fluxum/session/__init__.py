"""One venue, kept within reach: links that heal, books that prove themselves, holes that show."""
