"""Auditing corpora: what can be wrong with a copy, measured clip by clip and judged as a whole."""
