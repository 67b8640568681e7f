"""Books that carry their proof."""
