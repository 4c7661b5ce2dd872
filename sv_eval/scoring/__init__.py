"""Scoring: records in, numbers out. Pure, but for the reader of `records.jsonl` in `table`."""
