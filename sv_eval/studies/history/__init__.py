"""A figure over many runs, and where it changed for good."""
