"""Scoring: what a run recorded in, a typed report out. Pure: it reads and writes nothing."""
