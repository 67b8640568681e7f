"""How frames travel: links, dials and HTTP calls. Nothing here knows what a venue is."""
