"""Where the answers to a run's controls lie, beside its records: `controls/KIND/records.jsonl`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sv_eval.record_file.lines import RECORDS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.seal import kept_run_id

CONTROLS = "controls"
"""The folder."""
REPEAT, ORDER, WORDS = "repeat", "order", "words"
"""The same again (`repeat-1`, ...); another order of the options (`order-01`, ...); the transcript alone."""
_NAME = re.compile(rf"{REPEAT}-\d+|{ORDER}-\d+|{WORDS}")


def control_directory(run: Path, name: str) -> Path:
    """The folder of one kind."""
    return run / CONTROLS / name


def control_names(run: Path) -> tuple[str, ...]:
    """The kinds that a run has answers to."""
    return tuple(place.name for place in _places(run))


def control_files(run: Path) -> tuple[str, ...]:
    """Their records' files, by name within the run."""
    return tuple(f"{CONTROLS}/{name}/{RECORDS}" for name in control_names(run))


def order_in(name: str) -> int:
    """Which of a clip's orders the options stood in: 0, its own, but for `order-N`."""
    return int(name.partition("-")[2]) if name.startswith(ORDER) else 0


def read_controls(run: Path) -> dict[str, RunRecords]:
    """The answers by kind; empty without controls. Raises RunDirectoryError for what is not of this run."""
    run_id = kept_run_id(run)
    return {place.name: RunRecords.read(place, run_id=run_id) for place in _places(run)}


def _places(run: Path) -> Iterator[Path]:
    folder = run / CONTROLS
    if folder.is_dir():
        for place in sorted(folder.iterdir()):
            if _NAME.fullmatch(place.name) and (place / RECORDS).is_file():
                yield place
