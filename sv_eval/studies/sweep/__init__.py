"""Many settings on the same clips: which one to run, and how sure that is."""
