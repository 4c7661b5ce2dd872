"""Label maps over the corpora's own words: which classes a run is scored on, and what is merged into them."""
