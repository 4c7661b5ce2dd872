"""What onnxruntime raises."""

from __future__ import annotations


def onnxruntime_errors() -> tuple[type[Exception], ...]:
    """Its dozen classes, which have no parent of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    own = [item for item in vars(native).values() if isinstance(item, type) and issubclass(item, Exception)]
    return (RuntimeError, *own)
