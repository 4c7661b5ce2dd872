"""The report: one Markdown document that renders on GitHub."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2

from sv_eval.foreign_text import cell, visible
from sv_eval.report.accuracy import Intervals, PolicyFigures
from sv_eval.report.context import LabelMap
from sv_eval.report.environment import CorpusLabels, Environment, GitState, Machine
from sv_eval.report.latency import Latency, Waited
from sv_eval.report.operating import Operating
from sv_eval.report.report import Report, RunFacts
from sv_eval.report.shares import BY_EMOTION, LEAVING, Share
from sv_eval.reports import figures, score_figures
from sv_eval.reports.calibration import calibration_rows, decimal, reliability_rows
from sv_eval.reports.dimension_figures import dimension_figure
from sv_eval.reports.dimensions import dimension_notes, dimension_rows, group_rows, quadrant_line
from sv_eval.reports.fairness import fairness_sections
from sv_eval.reports.operating import applied_rows, bounded, cost_rows, delay_rows, operating_rows, promised_rows
from sv_eval.reports.several import among_rows, several_facts, several_rows
from sv_eval.reports.soft import agreement_rows, soft_facts, soft_rows
from sv_eval.reports.sound import condition_line, slice_rows, sound_rows, span
from sv_eval.reports.verdict import verdict_lines
from sv_eval.reports.wording import Wording, number, percent, real_time_factor, share
from sv_eval.scoring.findings import is_grave

_LOAD_SETTINGS: Mapping[str, Sequence[str]] = {
    "poisson": ("rate", "seed"),
    "constant": ("rate",),
    "ramp": ("rate", "rate_end", "ramp_s"),
    "trace": ("trace_file",),
    "closed": ("concurrency", "think_s"),
    "multi_stream": ("concurrency",),
}
_PLANNED = tuple(_LOAD_SETTINGS)
"""Schedules under which latency counts from when a request was due."""
_WORST = 8
_SPEAKERS = 40
_PACKAGES_FIRST = ("sv-eval", "onnxruntime", "torch", "funasr", "kaldi-native-fbank", "numpy")


def render(
    report: Report,
    environment: Environment,
    language: str = "en",
    *,
    rescored: Sequence[str] = (),
    has_page: bool = True,
) -> str:
    """The report on a run in `language` (`en` or `zh`).

    rescored: what `python -m sv_eval.score` was told, where it made the figures. has_page: whether `report.html`
    lies beside it.
    """
    words = Wording(language)
    # What the verdict has said already.
    said = [one.values["code"] for one in report.findings or () if one.code == "caveat"]
    return template("report.md.j2").render(
        w=words,
        has_page=has_page,
        m=report,
        e=environment,
        run=report.run,
        counts=asdict(report.run),
        excluded=asdict(report.latency_ms.excluded),
        scale=f"{100 * report.intervals.confidence:g} %",
        verdict=verdict_lines(words, report),
        headline_caveats=[caveat for caveat in report.caveats if is_grave(caveat) and caveat.code not in said],
        policy_rows=_policy_rows(words, report),
        measured=_measured_rows(words, report, environment),
        corpus_map=_map(environment.dataset.label_map),
        both_sides=_both_sides(report.label_map),
        answered=[label for label in report.labels if label not in report.labels_without_clips],
        clusters=_clusters(words, report.intervals),
        method=_method(words, report.intervals),
        confusion_rows=_confusion_rows(words, report),
        worst=report.worst_confusions[:_WORST],
        speakers=list(report.by_speaker.items())[:_SPEAKERS],
        command=_command(environment, rescored),
        figures=figures,
        span=span,
        fairness=[] if not report.fairness else fairness_sections(words, report.fairness),
        calibration_rows=[] if not report.calibration else calibration_rows(words, report.calibration),
        reliability_rows=[] if not report.calibration else reliability_rows(report.calibration),
        operating_rows=[] if not report.operating else operating_rows(words, report.operating),
        **_threshold_rows(words, report.operating or None),
        score_figures=score_figures,
        soft_facts=[] if not report.soft_labels else soft_facts(words, report.soft_labels),
        soft_rows=[] if not report.soft_labels else soft_rows(words, report.soft_labels),
        agreement_rows=[] if not report.soft_labels else agreement_rows(words, report.soft_labels),
        several_facts=[] if not report.several_emotions else several_facts(words, report.several_emotions),
        several_rows=[] if not report.several_emotions else several_rows(words, report.several_emotions),
        among_rows=[] if not report.several_emotions else among_rows(words, report.several_emotions),
        bounded=bounded,
        decimal=decimal,
        dimension_rows=[] if not report.dimensions else dimension_rows(words, report.dimensions),
        dimension_groups=[] if not report.dimensions else group_rows(words, report.dimensions),
        dimension_notes=[] if not report.dimensions else dimension_notes(words, report.dimensions),
        dimension_figure=dimension_figure,
        quadrants=quadrant_line(words, report.label_map),
        sound_rows=[] if not report.sound else sound_rows(words, report.sound),
        slice_rows=[] if not report.sound else slice_rows(words, report.sound),
        waited=waited_apart(report.latency_ms),
        left=_left(words, report),
        planned=_PLANNED,
        quoted=_quoted(),
        share=share,
        number=number,
        rtf=real_time_factor,
    )


def _threshold_rows(words: Wording, found: Operating | None) -> dict[str, Any]:
    names = ("promised_rows", "delay_rows", "cost_rows", "applied_rows")
    if found is None:
        return {name: [] for name in names}
    applied = applied_rows(words, found.applied) if found.applied else []
    made = (promised_rows(words, found), delay_rows(words, found), cost_rows(words, found), applied)
    return dict(zip(names, made, strict=True))


def _policy_rows(words: Wording, report: Report) -> list[tuple[str, PolicyFigures]]:
    """What the scores are under each policy; policies that give the same share a row."""
    rows: list[tuple[list[str], PolicyFigures]] = []
    for name, scores in report.policies.items():
        alike = next((names for names, found in rows if found == scores), None)
        if alike is None:
            rows.append(([name], scores))
        else:
            alike.append(name)
    return [
        (words(f"policies.{names[0]}") if len(names) == 1 else words.joined(f"`{name}`" for name in names), scores)
        for names, scores in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """A word of the corpus, the recogniser or both, and what it counts as."""

    raw: str
    word: str | None
    clips: int
    answers: int
    counts_as: str | None
    alternatives: tuple[str, ...]


def _both_sides(label_map: LabelMap) -> list[_Word]:
    """The finer words of corpus and recogniser, those that are spelled alike in one row."""
    said = {one.raw.strip().casefold(): one for one in label_map.said or ()}
    rows = []
    for one in label_map.merged:
        answer = said.get(one.raw.strip().casefold())
        alike = answer is not None and answer.counts_as == one.counts_as
        if answer is not None and alike:
            del said[answer.raw.strip().casefold()]
        rows.append(
            _Word(
                raw=one.raw,
                word=one.word,
                clips=one.n,
                answers=answer.n if answer is not None and alike else 0,
                counts_as=one.counts_as,
                alternatives=one.alternatives,
            )
        )
    rows += [
        _Word(raw=one.raw, word=one.word, clips=0, answers=one.n, counts_as=one.counts_as, alternatives=())
        for one in said.values()
    ]
    return sorted(rows, key=lambda row: (row.word is not None, row.word or "", row.raw))


def waited_apart(latency: Latency) -> Waited | None:
    """What callers waited, where that is another sample than the clean calls; None where it is the same."""
    waited = latency.waited
    return waited if waited and (latency.excluded.retried or latency.excluded.resumed) else None


def _left(words: Wording, report: Report) -> list[tuple[str, Share, str]]:
    """What left the samples: name, share, and the emotion that it happened to most; nothing of what did not."""
    shares = report.shares
    if not shares:
        return []
    found = []
    for name in LEAVING:
        share_of = getattr(shares, name)
        if not share_of or not share_of.n:
            continue
        worst = ""
        if name in BY_EMOTION and shares.by_emotion:
            label, most = max(
                ((label, getattr(one, name)) for label, one in shares.by_emotion.items()),
                key=lambda each: each[1].value or 0.0,
            )
            worst = f"{words.emotion(label)}: {most.n} / {most.of}" if most.n else ""
        found.append((name, share_of, worst))
    return found


@functools.cache
def _quoted() -> Mapping[str, Any]:
    """What others report, for the reader to see beside a run."""
    import yaml

    found: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "quoted.yaml").read_text(encoding="utf-8"))
    return found


@functools.cache
def template(name: str) -> jinja2.Template:
    """A template of this package, with the filters that all of them use."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        finalize=_shown,
    )
    environment.filters.update(percent=percent, cell=cell)
    return environment.get_template(name)


def _shown(value: Any) -> Any:
    """What an expression gives, without anything that a terminal would obey."""
    return visible(value) if isinstance(value, str) else value


def _measured_rows(words: Wording, report: Report, environment: Environment) -> list[tuple[str, str]]:
    """The table of what was measured on what; rows without content are left out."""
    run, backend, dataset = report.run, environment.backend, environment.dataset
    # Of the start that the latency figures are from, with its machine, packages and git state.
    here, load = environment.start(report.latency_ms.session) or environment, environment.load
    machine = here.machine
    batch = 1 if load["schedule"] != "offline" else backend.capabilities.max_batch
    rows = [
        ("model", cell(backend.model)),
        ("weights", ", ".join(filter(None, [cell(backend.precision or ""), _code(backend.model_hash)]))),
        ("model_licence", cell(backend.card.get("licence") or "")),
        ("backend", f"`{cell(backend.name)}`"),
        ("device", cell(backend.device)),
        ("settings", ", ".join(f"{cell(key)} {cell(value)}" for key, value in backend.details.items())),
        ("corpus", f"{cell(dataset.title)}, {words('split_line', split=cell(dataset.split))}"),
        ("licence", cell(dataset.licence)),
        ("labels", words("label_maps", corpus=_map(dataset.label_map), scored=_map(report.label_map))),
        ("audio", _audio(words, run)),
        ("condition", condition_line(words, environment.condition)),
        (
            "schedule",
            words("batch_line", schedule=load["schedule"], batch=batch, warmup=load["warmup_clips"])
            + _load_settings(load),
        ),
        ("machine", machine_line(machine)),
        ("gpu", "; ".join(_gpu(gpu) for gpu in machine.gpus or ())),
        ("packages", _packages(here.packages)),
        ("git", _git(words, here.git.sv_eval)),
        (
            "hashes",
            ", ".join(f"{name} `{getattr(run, f'{name}_hash')}`" for name in ("config", "dataset", "scoring")),
        ),
        ("started", environment.started_at),
        ("policy", f"`{report.policy}`"),
    ]
    return [(words(f"rows.{key}"), text) for key, text in rows if text]


def machine_line(machine: Machine) -> str:
    """A machine on one line."""
    size = f"{machine.cores} cores, {machine.memory_gib} GiB"
    return cell(f"{machine.cpu}, {size}, {machine.system}, Python {machine.python}")


def _load_settings(load: Mapping[str, Any]) -> str:
    """What the schedule was set to, beside its name."""
    told = ", language clip" if load.get("language") == "clip" else ""
    named = _LOAD_SETTINGS.get(load["schedule"], ())
    return told + "".join(f", {name} {cell(load[name])}" for name in named if load.get(name) is not None)


def _audio(words: Wording, run: RunFacts) -> str:
    wall = words("wall_unknown") if run.wall_s is None else f"{run.wall_s:.1f} s"
    return words("audio_line", minutes=f"{(run.audio_s or 0.0) / 60:.1f}", n=run.n_clips, wall=wall)


def _gpu(gpu: Mapping[str, str]) -> str:
    return f"{gpu['name']}, driver {gpu['driver_version']}, {gpu['clocks.sm']} of {gpu['clocks.max.sm']}"


def _packages(versions: Mapping[str, str]) -> str:
    names = [name for name in _PACKAGES_FIRST if name in versions]
    return ", ".join(f"{name} {versions[name]}" for name in names)


def _git(words: Wording, state: GitState | None) -> str:
    if state is None:
        return words("no_git")
    return f"`{state.commit[:12]}`" + (f" ({words('dirty')})" if state.dirty else "")


def _clusters(words: Wording, intervals: Intervals) -> str:
    return words(f"clusters.{intervals.clusters}", n=intervals.n_clusters).strip()


def _method(words: Wording, intervals: Intervals) -> str:
    """How the interval of UAR was found."""
    return words(f"methods.{intervals.methods['uar'] or 'none'}", resamples=intervals.resamples)


def _confusion_rows(words: Wording, report: Report) -> list[tuple[str, Sequence[str]]]:
    """Rows of the confusion table; unscored references in brackets, zeros as a dot, the diagonal bold."""
    confusion = report.confusion
    rows: list[tuple[str, Sequence[str]]] = []
    for name, counts in zip(confusion.rows, confusion.counts, strict=True):
        title = words.emotion(name) if name in report.labels else f"({words.emotion(name)})"
        cells = [
            "·" if not count else f"**{count}**" if column == name else str(count)
            for column, count in zip(confusion.columns, counts, strict=True)
        ]
        rows.append((title, cells))
    return rows


def _command(environment: Environment, rescored: Sequence[str]) -> str:
    lines = [shlex.join(["python", "-m", "sv_eval", *environment.overrides])]
    if rescored:
        lines.append(shlex.join(["python", "-m", "sv_eval.score", "RUN", *rescored]))
    return "\n".join(lines)


def _map(label_map: LabelMap | CorpusLabels) -> str:
    return f"{label_map.name} v{label_map.version} `{label_map.hash}`"


def _code(text: str | None) -> str | None:
    return None if text is None else f"`{cell(text)}`"
