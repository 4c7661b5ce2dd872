"""A run as a tracker of experiments takes it: a name, settings, numbers, files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sv_eval.finished.exports.figures import ALL, figures_of
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.foreign_text import inert, visible
from sv_eval.report.run_directory import FIGURES, METRICS
from sv_eval.reports.verdict import verdict_lines
from sv_eval.reports.wording import Wording

_PRIVATE = re.compile(r"header|key|token|secret|passw|signature|credential", re.IGNORECASE)
_REPORTS = ("report*.md", "report*.html")


def experiment_of(run: ExportedRun) -> str:
    """What groups it with its like, where nobody says otherwise: the corpus."""
    return run.report.run.dataset


def name_of(run: ExportedRun) -> str:
    """Backend and when it began; the same run has the same name."""
    return f"{run.report.run.backend} {run.report.run.started_at[:19]} {run.identity[:8]}"


def begun_ms(run: ExportedRun) -> int:
    """When it began, milliseconds since 1970."""
    return round(datetime.fromisoformat(run.report.run.started_at).timestamp() * 1000)


def ended_ms(run: ExportedRun) -> int:
    """When it had measured, milliseconds since 1970; its beginning where nobody knows."""
    return begun_ms(run) + round((run.report.run.wall_s or 0.0) * 1000)


def settings_of(run: ExportedRun) -> dict[str, str]:
    """What was measured, by dotted names: the settings that change records, and what the model said of itself.

    A tracker is shared: what belongs to a connection (headers, keys, a name and password in an address) stays out.
    """
    backend = run.environment.backend
    told = {
        "model": backend.model,
        "model_hash": backend.model_hash,
        "precision": backend.precision,
        "device": backend.device,
        "dataset_hash": run.report.run.dataset_hash,
        "config_hash": run.report.run.config_hash,
        "scoring_hash": run.report.run.scoring_hash,
        "unknown_policy": run.report.policy,
        "machine.cpu": run.environment.machine.cpu,
        "machine.cores": run.environment.machine.cores,
    }
    flat = {**dict(_flat("", run.environment.settings)), **told}
    return {key_of(name): visible(value) for name, value in flat.items() if value is not None}


def numbers_of(run: ExportedRun) -> dict[str, float]:
    """Each figure that can be given, with its bounds: `uar`, `uar_low`, `uar_high`, `happy/recall`, ...

    How many clips ended how stands beside them.
    """
    found: dict[str, float] = {}
    for figure in figures_of(run.report):
        name = key_of(figure.name if figure.of == ALL else f"{figure.of}/{figure.name}")
        bounds = {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
        found |= {key: float(value) for key, value in bounds.items() if value is not None}
    facts = run.report.run
    counts = {
        "n_clips": facts.n_clips,
        "n_scored": facts.n_scored,
        "n_unknown": facts.n_unknown,
        "n_failed": facts.n_failed,
        "wall_s": facts.wall_s,
        "audio_s": facts.audio_s,
    }
    return found | {f"run/{name}": float(value) for name, value in counts.items() if value is not None}


def verdict_of(run: ExportedRun) -> str:
    """The report's verdict as Markdown, a paragraph a line."""
    lines = verdict_lines(Wording("en"), run.report, run=shlex.quote(run.directory.name))
    return "\n\n".join(inert(f"{line.sign} {line.plain}") for line in lines if line.command is None)


def confusion_of(run: ExportedRun) -> dict[str, Any]:
    """References by row, answers by column, failures in a column of their own."""
    confusion = run.report.confusion
    return {
        "columns": ["reference", *confusion.columns, "failed"],
        "data": [
            [name, *counts, failed]
            for name, counts, failed in zip(confusion.rows, confusion.counts, confusion.failed, strict=True)
        ],
    }


def files_of(run: ExportedRun) -> list[Path]:
    """What people open of it: reports, pages and metrics.json. Records and environment.json stay at home."""
    found = [path for pattern in _REPORTS for path in sorted(run.directory.glob(pattern))]
    return [path for path in (*found, run.directory / METRICS) if path.is_file()]


def figures_folder(run: ExportedRun) -> Path | None:
    """The folder of figures, where there is one."""
    folder = run.directory / FIGURES
    return folder if folder.is_dir() else None


def key_of(name: str) -> str:
    """A name of letters, digits and `_-./ `, which every tracker takes, 200 characters at most.

    >>> key_of("recall: happy"), key_of("backend.threads")
    ('recall_ happy', 'backend.threads')
    """
    return re.sub(r"[^\w./ -]", "_", name, flags=re.ASCII)[:200]


def without_password(address: str) -> str:
    """An address as others may see it.

    >>> without_password("https://me:secret@host:5000"), without_password("sqlite:////data/mlflow.db")
    ('https://host:5000', 'sqlite:////data/mlflow.db')
    """
    return re.sub(r"(?<=://)[^/]*@", "", address)


def _flat(before: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if _PRIVATE.search(name):
            continue
        if isinstance(value, Mapping):
            yield from _flat(f"{before}{name}.", value)
        else:
            yield f"{before}{name}", without_password(value) if isinstance(value, str) else value
