"""The verdict on a run: what somebody should know who reads no further, made of the report alone."""

from __future__ import annotations

from collections.abc import Iterator

from sv_eval.report.environment import Environment
from sv_eval.report.findings import Finding, Mark
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import Coded
from sv_eval.report.report import Report
from sv_eval.scoring.goals import OF_LATENCY, Goals, reached
from sv_eval.sound_limits import LIMITS

GRAVE = (
    "incomplete",
    "strange_clips",
    "set_aside",
    "nothing_scored",
    "words_without_meaning",
    "demonstration_model",
    "random_weights",
    "simulation",
    "changed_sound",
    "chance",
    "model_changed",
    "words_suffice",
    "order_decides",
    "unsteady",
    "fitted_by_speakers",
    "fitted_by_clips",
    "training_overlap",
    "sound_taught",
    "sound_tells_less",
    "sound_narrow",
    "sound_fast",
    "sound_noisy",
    "sound_background",
    "sound_padded",
    "sound_silent",
    "fell_behind",
    "contended",
)
"""Caveats that stand beneath the headline of a report."""
_TOO_WIDE = 0.1
"""A UAR whose interval is wider tells little: more clips are the next step."""


def is_grave(caveat: Coded) -> bool:
    """Whether a caveat stands beneath the headline; of the sound's limits, where half of the clips are beyond."""
    counted = caveat.values.get("n", 0), caveat.values.get("total", 0)
    of_limits = caveat.code.removeprefix("sound_") in LIMITS
    return caveat.code in GRAVE and (not of_limits or 2 * counted[0] >= counted[1])


def findings_of(report: Report, environment: Environment, goals: Goals) -> tuple[Finding, ...]:
    """The lines of the verdict: the figure against chance, dimensions, goals, the worst confusion, the worst slice,
    the gravest caveat, and what to do next."""
    return (
        *_against_chance(report),
        *_dimensions(report),
        *_goals(report, goals),
        *_confusion(report),
        *_slice(report),
        *_caveat(report),
        Finding(code="next", mark="note", values={"step": next_step(report, environment)}),
    )


def tells_dimensions_alone(report: Report) -> bool:
    """Whether no emotion was scored, and a dimension was: then emotions are not what the run is about."""
    return report.run.n_scored == 0 and bool(report.dimensions and report.dimensions.figures)


def _dimensions(report: Report) -> Iterator[Finding]:
    """The concordance of each dimension; what agrees no better than chance has one of 0."""
    for name, one in (report.dimensions.figures if report.dimensions else {}).items():
        ccc = one.ccc
        values = {"dimension": name, "ccc": ccc.value, "low": ccc.low, "high": ccc.high, "n": one.n}
        if ccc.low is None or ccc.high is None:
            mark: Mark = "open"
        else:
            mark = "pass" if ccc.low > 0 else "fail" if ccc.high <= 0 else "open"
        yield Finding(code="dimension", mark=mark, values=values)


def _against_chance(report: Report) -> Iterator[Finding]:
    uar = report.accuracy.uar
    if uar.value is None:
        if not tells_dimensions_alone(report):
            yield Finding(code="no_uar", mark="open", values={"why": str(uar.reason) if uar.reason else ""})
        return
    chance = None if report.chance is None else report.chance.majority.uar
    values = {"value": uar.value, "low": uar.low, "high": uar.high, "chance": chance}
    if chance is None or uar.low is None or uar.high is None:
        mark: Mark = "open"
    else:
        mark = "pass" if uar.low > chance else "fail" if uar.high <= chance else "open"
    yield Finding(code="uar", mark=mark, values=values)


def _goals(report: Report, goals: Goals) -> Iterator[Finding]:
    for name, goal in goals.given():
        if name == "recall":
            yield _recall(report, goal)
            continue
        latency = name in OF_LATENCY
        waited = report.latency_ms.waited or report.latency_ms
        figure: Interval = getattr(waited, name.removesuffix("_ms")) if latency else getattr(report.accuracy, name)
        values = {"figure": name, "value": figure.value, "low": figure.low, "high": figure.high, "goal": goal}
        mark = reached(figure.low, figure.high, goal, at_most=latency)
        yield Finding(code="goal", mark=mark, values=values)


def _recall(report: Report, goal: float) -> Finding:
    """The emotion that is furthest from the goal of all: one that fails, or one that is open, or the lowest."""
    gravity = {"fail": 0, "open": 1, "pass": 2, "note": 3}
    judged = [
        (gravity[mark], row.recall.value or 0.0, label, mark, row.recall)
        for label, row in report.per_emotion.items()
        for mark in [reached(row.recall.low, row.recall.high, goal)]
    ]
    if not judged:
        return Finding(code="goal", mark="open", values=_of_recall(goal, None, None))
    _, _, label, mark, recall = min(judged, key=lambda one: one[:2])
    return Finding(code="goal", mark=mark, values=_of_recall(goal, label, recall))


def _of_recall(goal: float, label: str | None, recall: Interval | None) -> dict[str, object]:
    bounds = (None, None, None) if recall is None else (recall.value, recall.low, recall.high)
    return {
        "figure": "recall", "label": label, "value": bounds[0], "low": bounds[1], "high": bounds[2], "goal": goal,
    }  # fmt: skip


def _confusion(report: Report) -> Iterator[Finding]:
    if report.worst_confusions:
        worst = report.worst_confusions[0]
        values = {
            "reference": worst.reference,
            "answer": worst.predicted,
            "n": worst.count,
            "of": round(worst.count / worst.share) if worst.share else worst.count,
            "share": worst.share,
        }
        yield Finding(code="confusion", mark="note", values=values)


def _slice(report: Report) -> Iterator[Finding]:
    """The slice by sound that is surely worse than expected; else the emotion that is recognised least."""
    sound = report.sound
    if sound and sound.worst and sound.worst.sure:
        worst = sound.worst
        one = sound.slices[worst.fact][worst.place]
        values = {
            "fact": worst.fact, "low": one.low, "high": one.high, "points": round(100 * worst.difference, 6),
            "share": one.accuracy.value, "of": one.accuracy.of,
        }  # fmt: skip
        yield Finding(code="slice", mark="note", values=values)
        return
    recalls = {label: row.recall for label, row in report.per_emotion.items() if row.recall.value is not None}
    if len(recalls) > 1:
        label = min(recalls, key=lambda name: recalls[name].value or 0.0)
        found = recalls[label]
        values = {"label": label, "value": found.value, "low": found.low, "high": found.high}
        yield Finding(code="emotion", mark="note", values=values)


def _caveat(report: Report) -> Iterator[Finding]:
    grave = [caveat.code for caveat in report.caveats if is_grave(caveat)]
    if grave:
        yield Finding(code="caveat", mark="note", values={"code": min(grave, key=GRAVE.index)})


def next_step(report: Report, environment: Environment) -> str:
    """What to do next, as a word that the renderers have a command for."""
    codes = {caveat.code for caveat in report.caveats}
    uar, chance = report.accuracy.uar, report.chance
    if "incomplete" in codes:
        return "resume"
    if {"demonstration_model", "random_weights", "simulation"} & codes:
        return "own_model"
    if tells_dimensions_alone(report):
        return "baseline"
    if report.run.n_scored == 0:
        return "check_corpus"
    level = None if chance is None else chance.majority.uar
    if uar.low is not None and level is not None and uar.low <= level:
        return "certify"
    if {"training_overlap", "sound_taught"} & codes:
        return "other_corpus"
    if isinstance(environment.backend.card.get("protocol"), dict) and not report.controls:
        return "controls"
    if any(caveat.code.startswith("sound_") and is_grave(caveat) for caveat in report.caveats):
        return "check_corpus"
    if uar.low is not None and uar.high is not None and uar.high - uar.low > _TOO_WIDE:
        return "plan"
    return "baseline"
