"""Evaluation and benchmarking of speech emotion recognition: how right, how fast, and did it get worse?"""

__version__ = "0.1.0"
