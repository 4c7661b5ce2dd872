"""Two runs over the same clips: differences with their uncertainty, tested on pairs."""
