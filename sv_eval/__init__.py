"""Evaluation and benchmarking of speech emotion recognition: how right, how fast, and did it get worse?

    import sv_eval

    run = sv_eval.evaluate(backend="onnx", dataset="demo")
    run.show()

`evaluate`, `read_run`, `compare`, `gate` and `Run` are what a script or a notebook needs; they lie in
`sv_eval.library`. The command is `sv-eval`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sv_eval.version import __version__

if TYPE_CHECKING:
    from sv_eval.library import Run, compare, evaluate, gate, read_run

__all__ = ("Run", "__version__", "compare", "evaluate", "gate", "read_run")


def __getattr__(name: str) -> object:
    # Not before somebody asks: a bare import costs nothing.
    if name in __all__:
        from sv_eval import library

        return getattr(library, name)
    raise AttributeError(f"module 'sv_eval' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
