"""`fluxum watch`: what some venues are at this moment, on a terminal.

`picture` draws a view as rows of text, purely; `screen` shows them by textual, the extra `tui`.
"""
