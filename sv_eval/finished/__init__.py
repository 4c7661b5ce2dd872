"""Finished runs: read back, scored and rendered anew, handed to other tools."""
