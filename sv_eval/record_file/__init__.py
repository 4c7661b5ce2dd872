"""`records.jsonl`, written and read in one place, which settles what rounds, shared answers, retries and repeats are."""
