"""Answers held against what each rater heard: soft labels, agreement, and what people reach."""
