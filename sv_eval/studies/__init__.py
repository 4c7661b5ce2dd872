"""Questions that take more than one run: gates, comparisons, sweeps, searches, races, capacity, parity, suites."""
