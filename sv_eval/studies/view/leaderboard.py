"""Several finished runs side by side: those alike ranked together, and who differs from whom beyond noise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from sv_eval.errors import SvEvalError, UsageError
from sv_eval.finished.reading import FinishedRun, read_run
from sv_eval.foreign_text import each_text, visible
from sv_eval.report.codec import as_json
from sv_eval.report.run_directory import METRICS
from sv_eval.reports.page.contents import words_of
from sv_eval.reports.page.document import PAGE, document
from sv_eval.reports.page.findings import LANGUAGES
from sv_eval.reports.page.words import page_words
from sv_eval.scoring.paired.differences import differences_of
from sv_eval.scoring.paired.pairs import pairs_of
from sv_eval.scoring.paired.significance import holm
from sv_eval.studies.compare.entrants import short_names
from sv_eval.studies.gate.subject import device_of, load_of
from sv_eval.version import __version__

ALL_PAIRS = 8
"""Up to so many runs each is held against each; of more, each against the one with the highest UAR."""
_RESAMPLES = 2000
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Runs, in groups of those that may be ranked together."""

    directories: tuple[Path, ...]
    """Where they lie, in the order of their numbers."""
    groups: tuple[dict[str, Any], ...]
    """What the page shows of each group."""
    left_out: tuple[str, ...]
    """What lies there and can't be read, with why."""


def run_directories(places: Sequence[Path]) -> tuple[Path, ...]:
    """The run directories among the places and below them, each once; raises UsageError where there is none."""
    found = dict.fromkeys(
        metrics.parent
        for place in places
        for metrics in ([place / METRICS] if (place / METRICS).is_file() else sorted(place.rglob(METRICS)))
    )
    if not found:
        named = ", ".join(map(str, places))
        raise UsageError(f"{named}: there is no finished run; a run directory holds a {METRICS}")
    return tuple(found)


def board_of(directories: Sequence[Path]) -> Board:
    """The runs in these directories; one that can't be read is left out, and said so."""
    names = short_names([str(one) for one in directories])
    runs: list[tuple[str, FinishedRun]] = []
    left_out = []
    for name, directory in zip(names, directories, strict=True):
        try:
            runs.append((name, read_run(directory)))
        except SvEvalError as error:
            left_out.append(f"{name}: {error}")
    together: dict[str, list[int]] = {}
    for number, (_, run) in enumerate(runs):
        together.setdefault(json.dumps(_kind(run), sort_keys=True, default=str), []).append(number)
    groups = [_group(runs, numbers) for numbers in together.values()]
    groups.sort(key=lambda group: (-len(group["runs"]), group["corpus"]))
    return Board(
        directories=tuple(run.directory for _, run in runs), groups=tuple(groups), left_out=tuple(left_out)
    )


def _kind(run: FinishedRun) -> dict[str, Any]:
    """What runs have in common that are ranked together: clips, classes, policy, load and condition."""
    report, environment = run.report, run.environment
    return {
        "dataset_hash": environment.dataset.hash,
        # A run that is not complete has not been asked the same.
        "clips": hashlib.sha256("\n".join(run.answers.clip_ids).encode(errors="surrogatepass")).hexdigest(),
        "labels": [report.label_map.hash, report.labels, report.policy],
        "load": load_of(environment.load),
        "condition": environment.condition,
    }


def _group(runs: Sequence[tuple[str, FinishedRun]], numbers: Sequence[int]) -> dict[str, Any]:
    """Runs that are alike, best first, and how they differ."""
    ranked = sorted(numbers, key=lambda number: -_worth(runs[number][1]))
    first = runs[ranked[0]][1]
    answers = first.answers
    condition, load = first.environment.condition, load_of(first.environment.load)
    return {
        "corpus": f"{first.environment.dataset.title} · {first.environment.dataset.split}",
        "n_clips": len(answers),
        "labels": list(first.report.labels),
        "label_map": f"{first.report.label_map.name} v{first.report.label_map.version}",
        "policy": first.report.policy,
        "load": " ".join(f"{key}={value}" if key != "schedule" else str(value) for key, value in load.items()),
        "condition": None if condition is None else str(condition.get("name", "")),
        "runs": [_row(number, *runs[number]) for number in ranked],
        "pairs": _pairs([runs[number][1] for number in ranked]),
        "clips": {
            "ids": list(answers.clip_ids),
            "reference": answers.reference.tolist(),
            "names": [*answers.class_codes.answers, "unlabelled"],
            "references": list(answers.class_codes.references),
            "answers": [_given(runs[number][1]) for number in ranked],
        },
    }


def _worth(run: FinishedRun) -> float:
    """What runs are ranked by: UAR, or the first dimension's concordance where no class is scored."""
    report = run.report
    figures = [] if report.labels or not report.dimensions else [*report.dimensions.figures.values()]
    found = figures[0].ccc if figures else report.accuracy.uar
    return -1.0 if found.value is None else found.value


def _given(run: FinishedRun) -> list[int]:
    answers = run.answers
    given: list[int] = (answers.banned if run.report.policy == "ban" else answers.predicted).tolist()
    return given


def _row(number: int, name: str, run: FinishedRun) -> dict[str, Any]:
    report, environment = run.report, run.environment
    latency = as_json(report.latency_ms)
    return {
        "number": number,
        "name": name,
        "model": environment.backend.model,
        "backend": environment.backend.name,
        "device": device_of(report, environment),
        "started": environment.started_at,
        "n_scored": report.run.n_scored,
        "n_failed": report.run.n_failed,
        "accuracy": as_json(report.accuracy),
        "ccc": {}
        if not report.dimensions
        else {dimension: as_json(figures.ccc) for dimension, figures in report.dimensions.figures.items()},
        "p50": latency["p50"],
        "p95": latency["p95"],
        "rtf": report.rtf,
    }


def _pairs(runs: Sequence[FinishedRun]) -> list[dict[str, Any]]:
    """The paired differences in UAR of the runs, by their places; p-values are adjusted over all of them (Holm)."""
    each, first = combinations(range(len(runs)), 2), ((0, other) for other in range(1, len(runs)))
    places = list(each if len(runs) <= ALL_PAIRS else first)
    found = []
    for one, other in places:
        pairs = pairs_of(runs[one].answers, runs[other].answers, runs[one].report.labels, runs[one].report.policy)
        change = differences_of(pairs, confidence=_CONFIDENCE, resamples=_RESAMPLES)["uar"].told
        found.append({"a": one, "b": other, "value": change.value, "low": change.low, "high": change.high,
                      "p": change.p_value})  # fmt: skip
    known = [(pair, p) for pair in found if (p := pair["p"]) is not None]
    for (pair, _), adjusted in zip(known, holm([p for _, p in known]), strict=True):
        pair["p"] = float(adjusted)
    return found


def board_page(board: Board, *, language: str, served: bool) -> str:
    """The page of several runs. served: whether their own pages are asked for below `run/`, or are files there."""
    page = "" if served else PAGE
    places = [f"run/{number}/{page}" for number in range(len(board.directories))]
    title = str(page_words(language)["runs_title"]).format(n=len(board.directories))
    boot = {
        "kind": "runs",
        "version": __version__,
        "language": language,
        "title": title,
        "subtitle": {name: _counted(name, board) for name in LANGUAGES},
        "verdict": [],
        "places": places,
        "left_out": list(board.left_out),
        "words": {name: words_of(name) for name in LANGUAGES},
    }
    cleaned = each_text({"boot": boot, "groups": list(board.groups)}, visible)
    return document(cleaned["boot"], {"runs": {"groups": cleaned["groups"]}}, served=served)


def _counted(language: str, board: Board) -> str:
    words = page_words(language)
    return str(words["runs_counted"]).format(n=len(board.directories), groups=len(board.groups))


def named(paths: Iterable[str]) -> tuple[Path, ...]:
    """The places that a command line names; raises UsageError for one that is not there."""
    found = tuple(Path(path) for path in paths)
    for path in found:
        if not path.is_dir():
            raise UsageError(f"{path}: no such folder; give run directories, or folders with runs below them")
    return found
