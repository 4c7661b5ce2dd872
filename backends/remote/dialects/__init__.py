"""What the services in the wild expect and answer: a small class for each."""
