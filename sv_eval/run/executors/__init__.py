"""Where a backend runs: in this process, or in workers elsewhere."""
