"""Reports in a browser, served on this machine alone, with the clips from where they lie."""
