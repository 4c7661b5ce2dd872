"""A service that is wired wrongly on purpose: what a certificate has to find."""
