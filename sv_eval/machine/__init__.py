"""The machine while it is measured: processor, memory, GPUs, and the class that a device belongs to."""
