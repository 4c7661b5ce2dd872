"""Several corpora under a matrix of switches, beside what was published about them."""
