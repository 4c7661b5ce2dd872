"""Names that classes had before they lay in this package, for configurations and run directories that have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TARGET = "_target_"
_FORMER = ("backends.", "reports.")
_NOW = "sv_eval."


def present_name(target: str) -> str:
    """The name that `target` has today, if it may be one of ours; any other name comes back as it is.

    >>> present_name("backends.onnx.OnnxBackend"), present_name("loud_ser.Loudness")
    ('sv_eval.backends.onnx.OnnxBackend', 'loud_ser.Loudness')
    """
    return _NOW + target if target.startswith(_FORMER) else target


def with_present_names(settings: Any, present: Callable[[str], str] = present_name) -> Any:
    """The settings, nested ones too, with what `present` says today's name is behind `_target_`."""
    if isinstance(settings, Mapping):
        return {
            key: present(value) if key == TARGET and isinstance(value, str) else with_present_names(value, present)
            for key, value in settings.items()
        }
    if isinstance(settings, list | tuple):
        return [with_present_names(value, present) for value in settings]
    return settings
