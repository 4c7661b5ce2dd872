"""The command: what is typed, and what each of its words does."""
