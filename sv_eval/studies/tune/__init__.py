"""The search for a setting where a grid would be too large."""
