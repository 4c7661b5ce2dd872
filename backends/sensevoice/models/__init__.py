"""Model directories: built with random weights, or exported to ONNX from FunASR's weights.

The command is `python -m sv_eval.models --help`. Importing the package imports no torch; what needs
torch, funasr or onnx says so in one line when it is missing.
"""
