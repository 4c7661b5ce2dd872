"""Several backends measured in turns on one machine, so that what the machine does meanwhile meets all of them."""
