"""Newvenue: newvenue.com."""
