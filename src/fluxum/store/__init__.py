"""Columns: events as data frames, recordings as Parquet, and proof that nothing is lost."""
