"""Decoding audio: any file that speech corpora come in, to 16 kHz mono, within limits."""
