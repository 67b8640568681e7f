"""Streams out: events to message engines and back, numbered, so that every loss is seen."""
