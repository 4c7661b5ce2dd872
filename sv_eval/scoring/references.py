"""Published figures beside a run's own: where the protocols match, and where they do not.

Most published figures do not say enough to be repeated. What is known of each stands in `references.yaml`; a run
that breaks any of it is not set beside the figure, and what nobody stated is named.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sv_eval.report.context import Mismatch, PublishedComparison, Reference
from sv_eval.report.environment import Environment
from sv_eval.report.interval import Interval
from sv_eval.report.report import Report

FIGURES = ("uar", "accuracy", "macro_f1", "weighted_f1")
_DEMONSTRATIONS = ("demonstration", "random", "simulation")
_INCOMPLETE_NOTES = ("limited", "differs_from_card")


@functools.cache
def published() -> Mapping[str, Mapping[str, Any]]:
    """The tables of `references.yaml` by name."""
    import yaml

    text = Path(__file__).with_name("references.yaml").read_text(encoding="utf-8")
    tables: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)["tables"]
    return tables


def references_of(report: Report, environment: Environment) -> tuple[Reference, ...]:
    """What has been published about the corpus of a run, each with the measured figures or why they don't compare.

    A reference that matches has, by figure, the published value, the measured one with its interval, and their
    difference; all are shares.
    """
    corpus = environment.dataset.card
    found = []
    for name, table in published().items():
        if corpus not in table["figures"]:
            continue
        mismatches = tuple(_mismatches(table, report, environment))
        policy = table["policy"] or report.policy
        found.append(
            Reference(
                name=name,
                title=table["title"],
                source=table["source"],
                url=table["url"],
                unstated=tuple(table["unstated"]),
                policy=policy,
                matches=not mismatches,
                mismatches=mismatches,
                macro_f1_inferred=None if mismatches else macro_f1_inferred(report, policy),
                figures={
                    figure: _beside(value, None if mismatches else getattr(report.policies[policy], figure))
                    for figure, value in table["figures"][corpus].items()
                },
            )
        )
    return tuple(found)


def _mismatches(table: Mapping[str, Any], report: Report, environment: Environment) -> Iterator[Mismatch]:
    """What is known of a publication's protocol and is not so in this run."""
    backend = environment.backend
    if reason := table.get("not_comparable"):
        yield Mismatch(code=reason)
        return
    kind = backend.card.get("kind")
    if kind in _DEMONSTRATIONS or _letters(table["model"]) not in _letters(backend.model):
        yield Mismatch(code="model", expected=table["model"], found=backend.model)
    # A mean over fewer classes is another figure, whyever no clip of the others was answered.
    averaged = tuple(label for label in report.labels if label not in report.labels_without_clips)
    if table["labels"] is not None and set(averaged) != set(table["labels"]):
        yield Mismatch(code="labels", expected=tuple(table["labels"]), found=averaged)
    notes = {note.code for note in environment.dataset.notes}
    if notes & set(_INCOMPLETE_NOTES) or report.run.n_clips < environment.dataset.n_clips:
        yield Mismatch(code="clips", expected=None, found=report.run.n_clips)
    if table["policy"] is not None and report.policies[table["policy"]].uar.value is None:
        yield Mismatch(code="policy", expected=table["policy"], found=report.policy)


def macro_f1_inferred(report: Report, policy: str) -> float | None:
    """Macro F1 as it comes out when the label set is left to be inferred, as scikit-learn's `f1_score` does it.

    Every class that occurs as an answer is averaged over, so one that no clip has counts with F1 0. Published macro
    F1 far below UAR on balanced clips looks like this. None under `abstain`, or where nothing was scored.
    """
    confusion = report.confusion_forced if policy == "ban" else report.confusion_unforced
    if confusion is None or policy == "abstain":
        return None
    rows = confusion.counts[: confusion.n_scored_rows]
    held = [sum(row) for row in rows]
    said = [sum(column) for column in zip(*rows, strict=True)]
    f1s = [
        2 * row[place] / (held[place] + said[place]) for place, row in enumerate(rows) if held[place] + said[place]
    ]
    strangers = sum(1 for count in said[len(rows) :] if count)
    return sum(f1s) / (len(f1s) + strangers) if f1s else None


def _beside(value: float, measured: Interval | None) -> PublishedComparison:
    if measured is None or measured.value is None:
        return PublishedComparison(published=value, measured=None, low=None, high=None, difference=None)
    return PublishedComparison(
        published=value,
        measured=measured.value,
        low=measured.low,
        high=measured.high,
        difference=measured.value - value,
    )


def _letters(name: str | None) -> str:
    """Letters and digits alone, so that `iic/SenseVoiceSmall` holds `SenseVoice-Small`."""
    return re.sub(r"[^0-9a-z]", "", (name or "").casefold())
