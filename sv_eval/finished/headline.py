"""The lines that end a run on a terminal."""

from __future__ import annotations

import shlex
from textwrap import shorten

from sv_eval.finished.rescore import Summary
from sv_eval.machine.terminal import relative
from sv_eval.report.interval import Interval
from sv_eval.report.latency import Latency
from sv_eval.report.report import Report
from sv_eval.reports.verdict import VerdictLine, verdict_lines
from sv_eval.reports.wording import Wording

_CAVEATS = {
    "training_overlap": "the model was trained on some of these speakers, which flatters it",
    "sound_taught": "the sound of {n} of {total} clips is among what the model was trained on, which flatters it",
    "strange_clips": "{n} records are of clips that the corpus does not have; the figures are of them, too",
    "set_aside": "{n} records did not belong to this run and were put aside, into set_aside.jsonl",
    "contended": "others took {share} of this machine's processor time meanwhile, so the latency is likely too "
    "high: measure again on a quiet machine",
}
"""What nobody should learn from the report alone, in the words of a terminal."""


_WIDEST = 180
"""Characters of a line of the verdict on a terminal."""


def headline(summary: Summary) -> str:
    """The verdict, what was scored, UAR, latency, grave caveats and where report and page are, a line each."""
    report = summary.report
    place = relative(summary.path.parent)
    verdict = [
        _verdict_line(one) for one in verdict_lines(Wording(summary.language), report, run=shlex.quote(place))
    ]
    run, latency = report.run, report.latency_ms
    # Rare with most recognisers, and nearly everything where a threshold is too high.
    without = [f"{n} {name}" for n, name in ((run.n_no_tag, "no tag"), (run.n_no_speech, "no speech")) if n]
    without += [f"{n} {name}" for name, n in (run.n_unread or {}).items()]
    lines = [
        *verdict,
        f"{run.dataset} on {run.backend}: {run.n_scored} of {run.n_clips} clips scored, "
        + ", ".join([f"{run.n_unknown} unknown", *without, f"{run.n_failed} failed"]),
        f"UAR {_interval(report.accuracy.uar, 3)}: the mean recall of {_labels(report)}",
        f"latency p50 {_interval(latency.p50, 2, ' ms')}, p95 {_interval(latency.p95, 2, ' ms')}",
        *_waited(latency),
    ]
    said = {one.values["code"] for one in report.findings or () if one.code == "caveat"}
    warnings = [
        f"caveat: {_CAVEATS[caveat.code].format(**caveat.values)} ({caveat.code})"
        for caveat in report.caveats
        if caveat.code in _CAVEATS and caveat.code not in said
    ]
    page = [] if summary.page is None else [f"page: {relative(summary.page)}"]
    return "\n".join([*lines, *warnings, f"report: {relative(summary.path)}", *page])


def one_line(summary: Summary) -> str:
    """UAR, p95 and where the report is: a setting of a sweep among others."""
    report = summary.report
    uar, p95 = _interval(report.accuracy.uar, 3), _interval(report.latency_ms.p95, 2, " ms")
    return f"UAR {uar}, p95 {p95}: {relative(summary.path)}"


def _verdict_line(line: VerdictLine) -> str:
    said = f"{line.sign} {shorten(line.plain, _WIDEST, placeholder=' ...')}"
    return said if line.command is None else f"{said} {line.command}"


def _waited(latency: Latency) -> list[str]:
    """What callers waited, where second attempts or other starts of the run make it another figure."""
    waited, excluded = latency.waited, latency.excluded
    if not waited or not (excluded.retried or excluded.resumed):
        return []
    left = f"{excluded.retried} retried, {excluded.resumed} of another start"
    p50, p95 = _interval(waited.p50, 2, " ms"), _interval(waited.p95, 2, " ms")
    return [f"callers waited p50 {p50}, p95 {p95}: with the answers that are not in it ({left})"]


def _labels(report: Report) -> str:
    """The labels that the mean is over, and those that it can't be over."""
    without = report.labels_without_clips
    answered = ", ".join(label for label in report.labels if label not in without) or "no emotion"
    return f"{answered} (no answered clip of {', '.join(without)})" if without else answered


def _interval(figure: Interval, digits: int, unit: str = "") -> str:
    if figure.value is None:
        return f"- ({figure.reason or 'not given'})"
    text = f"{figure.value:.{digits}f}{unit}"
    if figure.low is None or figure.high is None:
        return f"{text} ({figure.reason})" if figure.reason and "these_clips" in figure.reason.codes else text
    return f"{text} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
