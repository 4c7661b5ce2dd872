"""Running: clips in, records out. The only part of the harness that calls a backend."""
