"""Are a run's figures those of its records? They are made again, and held against what is printed."""
