"""Conditions: what becomes of a clip's sound before the recogniser hears it, on purpose."""
