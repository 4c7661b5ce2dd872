"""How much load a backend bears: the highest rate that keeps an objective, and throughput against callers."""
