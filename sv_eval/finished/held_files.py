"""Calibration and thresholds files that the scoring settings name, read: a run's directory holds what is in
them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sv_eval.config.named_files import FILES
from sv_eval.errors import ConfigError
from sv_eval.report.calibration_file import read_calibration
from sv_eval.report.codec import as_json
from sv_eval.report.thresholds_file import read_thresholds

_READ = {"calibration": read_calibration, "thresholds": read_thresholds}


def with_held_files(scoring: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the group `scoring` with what their files hold; raises ConfigError for what is no such
    file."""
    named = {key: scoring[key] for key in FILES if isinstance(scoring.get(key), str)}
    if not named:
        return dict(scoring)
    read = {}
    for key, name in named.items():
        path = Path(name).expanduser()
        if not path.is_file():
            raise ConfigError(f"scoring.{key}={name}: there is no such file")
        read[key] = as_json(_READ[key](path))
    return {**scoring, **read}
