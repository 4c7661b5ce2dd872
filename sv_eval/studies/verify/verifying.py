"""Making a run's figures again from its records, and holding every file against what comes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sv_eval.errors import RunDirectoryError
from sv_eval.finished.page import Page, controls_held, page_again, page_of
from sv_eval.finished.rescore import compute_report, report_config_from
from sv_eval.foreign_text import each_text, visible
from sv_eval.record_file.controls import read_controls
from sv_eval.record_file.lines import RECORDS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.environment import Environment
from sv_eval.report.report import Report
from sv_eval.report.run_directory import (
    METRICS,
    REPORT,
    metrics_text,
    read_environment,
    read_json,
)
from sv_eval.reports.markdown import render
from sv_eval.reports.page.columns import records_in
from sv_eval.reports.page.contents import Made
from sv_eval.reports.page.document import PAGE, blocks_in
from sv_eval.scoring.config import scoring_config_from
from sv_eval.scoring.labels.config import labels_config_from
from sv_eval.studies.verify.differing import first_difference
from sv_eval.version import __version__

_OF_FILES = ("records_hash", "n_set_aside")
"""What a report says of files that a page has not got."""


_STRANGE = (KeyError, IndexError, TypeError, AttributeError, ValueError)
"""What a page leads to whose data somebody else put together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was held against its records."""

    checked: tuple[str, ...]
    """What agrees, in order."""
    trouble: str | None = None
    """The first thing that does not; None where everything agrees."""


class _Differs(Exception):  # noqa: N818 - how the first difference comes to the end
    """The first thing that does not agree."""


def verify(place: Path) -> Verified:
    """Verifies a run directory or a page; raises RunDirectoryError where there is neither."""
    steps = _of_run(place) if place.is_dir() else _of_page(place)
    checked: list[str] = []
    try:
        checked.extend(steps)
    except (_Differs, RunDirectoryError) as error:
        if not checked and not place.exists():
            raise
        return Verified(checked=tuple(checked), trouble=str(error))
    except _STRANGE as error:
        return Verified(checked=tuple(checked), trouble=f"{place}: what is in it sv_eval did not write ({error!r})")
    return Verified(checked=tuple(checked))


def _of_run(directory: Path) -> Iterator[str]:
    """The files of a run directory, one after another; what was found right is said of each."""
    if not (directory / RECORDS).is_file():
        raise RunDirectoryError(f"{directory}: no {RECORDS}; give a run directory, or a {PAGE}")
    page = directory / PAGE
    held = _blocks(page) if page.is_file() else None
    if held is not None:
        yield f"{PAGE}: every byte of it is as it was written"
    environment = read_environment(directory)
    settings, overrides = _settings(held, environment)
    hashes: Mapping[str, str] = {} if held is None else held["boot"]["made"]["hashes"]
    # Of records and figures it can be said what differs; of the other files only that they do.
    _same_bytes(directory, {name: hash for name, hash in hashes.items() if name not in (METRICS, RECORDS)})
    records = RunRecords.read(directory)
    yield f"{RECORDS}: {len(records.requests)} records, each as the run wrote it"
    controls = read_controls(directory)
    report = _made_again(records, controls, ScoreTable.read(directory), environment, settings)
    _same_metrics(directory / METRICS, report)
    yield f"{METRICS}: every figure is what the records give"
    _same_bytes(directory, hashes)
    config = report_config_from(settings.get("report") or {})
    if (directory / REPORT).is_file() and (held is None or held["boot"]["version"] == __version__):
        text = render(report, environment, config.language, rescored=overrides, has_page=held is not None)
        _same_lines(directory / REPORT, text)
        yield f"{REPORT}: every line is what the figures give"
    if held is not None and held["boot"]["version"] == __version__:
        made = Made(**held["boot"]["made"])
        fresh = page_of(directory, report, environment, records, replace(config, audio="none"), made)
        _same_page(page, held, fresh)
        yield f"{PAGE}: its {len(held['clips']['answers']['rows'])} clips and all figures are those of the run"


def _same_bytes(directory: Path, hashes: Mapping[str, str]) -> None:
    """Whether the files beside a page are those that it was made with."""
    for name, expected in hashes.items():
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):
            raise _Differs(f"{directory / PAGE}: it names a file that is not of this run ({name}); who wrote it?")
        if not path.is_file():
            raise _Differs(f"{path}: it is gone; it was written with the page")
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise _Differs(f"{path}: it was changed after {PAGE} was written; sv-eval score writes both anew")


def _same_metrics(path: Path, report: Report) -> None:
    text = metrics_text(path, report)
    _agree(f"{path}: ", read_json(path), json.loads(text))
    if path.read_bytes() != text.encode("utf-8", errors="backslashreplace"):
        raise _Differs(f"{path}: its figures are right, but it is not written as sv_eval writes it; it was changed")


def _of_page(path: Path) -> Iterator[str]:
    """A page by itself: its records, and the figures that it shows."""
    if not path.is_file():
        raise RunDirectoryError(f"{path}: no such file or folder; give a run directory, or a {PAGE}")
    held = _blocks(path)
    yield "every byte of the page is as it was written"
    boot, clips = held["boot"], held["clips"]
    environment = from_json(Environment, json.loads(clips["environment"]), f"{path}: environment")
    settings, _ = _settings(held, environment)
    records = RunRecords.of_lines(records_in(clips["columns"], clips["n"]), f"{path}: records")
    scores = ScoreTable.of_lines(records_in(clips["columns"], clips["n"]), f"{path}: records")
    printed = boot["report"]
    again = each_text(
        as_json(_made_again(records, controls_held(clips, str(path)), scores, environment, settings)), visible
    )
    # The page speaks for its records; their file's hash is for who has the file.
    again["run"] |= {name: printed["run"][name] for name in _OF_FILES if name in printed["run"]}
    _agree(f"{path}: ", printed, again)
    yield f"{len(records.requests)} records in it give every figure that it shows"
    report = from_json(Report, printed, f"{path}: report")
    if boot["version"] == __version__:
        _same_page(path, held, page_again(held, report, environment, records))
        yield "every sentence and every clip's class is what they give"


def _blocks(path: Path) -> Mapping[str, Any]:
    found, _ = blocks_in(path.read_bytes(), str(path))
    if found["boot"].get("kind") != "run" or "clips" not in found:
        raise RunDirectoryError(f"{path}: it is no page of one run; only those hold their records")
    return found


def _settings(held: Mapping[str, Any] | None, environment: Environment) -> tuple[Mapping[str, Any], Sequence[str]]:
    """What the figures were made with: as the page says, else as the run was made."""
    if held is None:
        return environment.config, ()
    made = held["boot"]["made"]
    settings: Mapping[str, Any] = json.loads(made["settings"]["as_json"])
    return settings, made["overrides"]


def _made_again(
    records: RunRecords,
    controls: Mapping[str, RunRecords],
    scores: ScoreTable,
    environment: Environment,
    settings: Mapping[str, Any],
) -> Report:
    scoring = scoring_config_from(settings.get("scoring") or {})
    labels = labels_config_from(settings.get("labels") or {})
    return compute_report(records, environment, scoring, labels=labels, controls=controls, score_table=scores)


def _agree(where: str, printed: object, found: object) -> None:
    difference = first_difference(printed, found)
    if difference is not None:
        raise _Differs(f"{where}{difference}")


def _same_lines(path: Path, text: str) -> None:
    printed = path.read_bytes().decode("utf-8", errors="surrogateescape")
    if printed == text:
        return
    for number, (one, other) in enumerate(zip(printed.splitlines(), text.splitlines(), strict=False), 1):
        if one != other:
            raise _Differs(f"{path}, line {number}: it is not what the figures give; sv-eval score writes it anew")
    raise _Differs(f"{path}: it does not end as the figures have it; sv-eval score writes it anew")


def _same_page(path: Path, held: Mapping[str, Any], fresh: Page) -> None:
    """Whether a page holds what it would hold if it were made now; its sounds are as they are sealed."""
    boot = {key: value for key, value in held["boot"].items() if key not in ("nonce", "audio_note")}
    again = {key: value for key, value in fresh.boot.items() if key != "audio_note"}
    _agree(f"{path}: ", boot, json.loads(json.dumps(again)))
    _agree(f"{path}: clips.", held["clips"], json.loads(json.dumps(fresh.clips)))
