"""Asking a venue for something: orders placed, followed and cleared up, within limits."""
