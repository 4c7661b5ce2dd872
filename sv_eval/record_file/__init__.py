"""`records.jsonl`, written and read in one place, which settles what rounds, retries and repeats are."""
