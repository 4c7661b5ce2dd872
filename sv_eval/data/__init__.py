"""Corpora: what they hold, their sound, and whether they are sound."""
