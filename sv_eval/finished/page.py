"""A run's page: made of its records, its environment and its report, with the sounds that may travel along."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sv_eval.finished.reading import as_scored
from sv_eval.finished.report_config import ReportConfig
from sv_eval.record_file.controls import CONTROLS, control_directory, control_names
from sv_eval.record_file.lines import RECORDS, read_lines
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.records import Clip
from sv_eval.report.environment import Environment
from sv_eval.report.report import Report
from sv_eval.reports.page.columns import columns_of, records_in
from sv_eval.reports.page.contents import Made, boot_of, clips_of, keys_in
from sv_eval.reports.page.document import document
from sv_eval.reports.page.findings import LANGUAGES
from sv_eval.reports.page.words import page_words
from sv_eval.scoring.labels.config import labels_config_of
from sv_eval.scoring.labels.relabelling import relabelling_for

_CLIP_FIELDS = tuple(item.name for item in fields(Clip))
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page before it is written down."""

    boot: Mapping[str, Any]
    """What it shows first."""
    clips: Mapping[str, Any]
    """Its records."""
    audio: Mapping[str, str] | None
    """Sounds by row."""

    def text(self, *, served: bool = False) -> str:
        """The file. served: whether a server of ours stands behind it."""
        boot = {**self.boot, "served": True} if served else self.boot
        return document(boot, {"clips": self.clips}, audio=self.audio, served=served)


def page_of(
    directory: Path,
    report: Report,
    environment: Environment,
    records: RunRecords,
    config: ReportConfig,
    made: Made,
) -> Page:
    """The page of the run in `directory`; `records` are as they were read, under no label map yet."""
    columns = columns_of(read_lines(directory / RECORDS))
    n = sum(1 for line in read_lines(directory / RECORDS) if line.strip())
    plan = relabelling_for(labels_config_of(report.label_map), environment)
    mapped = as_scored(records, plan, report.scored_under or None, lambda: ScoreTable.read(directory))
    clips = clips_of(report, environment, mapped, columns, keys_in(columns, n))
    clips |= _controls_in(directory)
    audio, note = _sounds(config, environment, clips)
    boot = boot_of(
        report,
        environment,
        made,
        language=config.language,
        audio_note=note,
    )
    return Page(boot=boot, clips=clips, audio=audio)


def page_again(held: Mapping[str, Any], report: Report, environment: Environment, records: RunRecords) -> Page:
    """A page from the blocks of one that was written, its figures and words made anew."""
    columns, n = held["clips"]["columns"], held["clips"]["n"]
    plan = relabelling_for(labels_config_of(report.label_map), environment)
    mapped = as_scored(
        records, plan, report.scored_under or None, lambda: ScoreTable.of_lines(records_in(columns, n))
    )
    clips = clips_of(report, environment, mapped, columns, keys_in(columns, n))
    clips |= {name: held["clips"][name] for name in (CONTROLS,) if name in held["clips"]}
    boot = boot_of(
        report,
        environment,
        Made(**held["boot"]["made"]),
        language=held["boot"]["language"],
    )
    return Page(boot=boot, clips=clips, audio=None)


def _controls_in(directory: Path) -> dict[str, Any]:
    """The answers to a run's controls, from which its page's figures can be made again; empty without any."""
    found = {}
    for name in control_names(directory):
        lines = [line for line in read_lines(control_directory(directory, name) / RECORDS) if line.strip()]
        found[name] = {"columns": columns_of(lines), "n": len(lines)}
    return {CONTROLS: found} if found else {}


def controls_held(clips: Mapping[str, Any], where: str) -> dict[str, RunRecords]:
    """The answers to controls that a page holds."""
    return {
        name: RunRecords.of_lines(records_in(one["columns"], one["n"]), f"{where}: {name}")
        for name, one in (clips.get(CONTROLS) or {}).items()
    }


def _sounds(
    config: ReportConfig, environment: Environment, clips: Mapping[str, Any]
) -> tuple[Mapping[str, str] | None, Mapping[str, str] | None]:
    """The sounds that travel along, and what is to be said of them."""
    if config.audio == "none":
        return None, None
    # Brings everything that reads audio.
    from sv_eval.finished.sounds import RunSounds, embedded, may_be_passed_on

    licence = environment.dataset.licence
    if not may_be_passed_on(licence):
        return None, _said("audio_refused", licence=licence)
    answers = clips["answers"]
    names = answers["references"], answers["answers"]
    wanted = [
        row
        for row, (reference, answer) in enumerate(zip(answers["reference"], answers["answer"], strict=True))
        if config.audio == "all" or names[0][reference] != names[1][answer]
    ]
    by_row = dict(enumerate(clips_in(clips)))
    held, whole, trouble = embedded(
        ((row, by_row[row]) for row in wanted), RunSounds(environment), round(config.audio_mb * _MIB)
    )
    if trouble is not None and not held:
        return None, _said("audio_unreadable", why=str(trouble))
    size = sum(map(len, held.values())) / _MIB
    key = "audio_embedded" if whole else "audio_full"
    return held, _said(
        key, n=len(held), of=len(answers["rows"]), mb=f"{size:.1f}", licence=licence, limit=f"{config.audio_mb:g}"
    )


def _said(key: str, **values: object) -> dict[str, str]:
    return {language: page_words(language)[key].format(**values) for language in LANGUAGES}


def clips_in(data: Mapping[str, Any]) -> Iterator[Clip]:
    """The clip of each row of a page's data."""
    group = {"of": {"clip": data["columns"]["of"].get("clip", {"of": {}})}}
    found = [record["clip"] for record in records_in(group, data["n"])]
    for place in data["answers"]["rows"]:
        yield Clip(**{name: found[place][name] for name in _CLIP_FIELDS if name in found[place]})


def made_of(
    settings: Mapping[str, Any], overrides: Sequence[str], files: Mapping[str, bytes | Path], config: ReportConfig
) -> Made:
    """How a page's figures were made, with the hashes of the files beside it."""
    kept = {group: settings.get(group) or {} for group in ("scoring", "labels")}
    return Made(
        settings={"as_json": json.dumps({**kept, "report": asdict(config)})},
        overrides=tuple(overrides),
        hashes={
            name: hashlib.sha256(held if isinstance(held, bytes) else held.read_bytes()).hexdigest()
            for name, held in files.items()
        },
    )
