"""What a bot's run was, as facts in files, and what follows from them: numbers, charts, a page."""
