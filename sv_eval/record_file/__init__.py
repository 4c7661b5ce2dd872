"""`records.jsonl`, written and read in one place: what a round, a shared answer, a retry and a repeat are is settled here."""
