"""Which stretches of a recording one inference sees: voice activity detection and cutting into chunks."""
