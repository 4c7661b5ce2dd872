"""Several finished runs side by side, on the clips that all of them have."""
