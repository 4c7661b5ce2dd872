"""What the commands need installed beside the package's core."""

from __future__ import annotations

from importlib.util import find_spec

from sv_eval.errors import ModelError

EXTRA = "sv-eval[export]"
"""The extra that brings all of it."""


def check_installed(*modules: str) -> None:
    """Raise ModelError when one of `modules` can't be found; nothing is imported."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed, and needed here; "
            f"pip install '{EXTRA}' (on a machine without a GPU, torch's CPU build first)"
        )
