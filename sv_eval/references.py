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


def references_of(metrics: Mapping[str, Any], environment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What has been published about the corpus of a run, each with the measured figures or why they don't compare.

    metrics holds the scored part of metrics.json. A reference that matches has, by figure, the published value,
    the measured one with its interval, and their difference; all are shares.
    """
    corpus = environment["dataset"]["card"]
    found = []
    for name, table in published().items():
        if corpus not in table["figures"]:
            continue
        mismatches = list(_mismatches(table, metrics, environment))
        policy = table["policy"] or metrics["policy"]
        found.append(
            {
                "name": name,
                **{key: table[key] for key in ("title", "source", "url", "unstated")},
                "policy": policy,
                "matches": not mismatches,
                "mismatches": mismatches,
                "macro_f1_inferred": None if mismatches else macro_f1_inferred(metrics, policy),
                "figures": {
                    figure: _beside(value, None if mismatches else metrics["policies"][policy][figure])
                    for figure, value in table["figures"][corpus].items()
                },
            }
        )
    return found


def _mismatches(
    table: Mapping[str, Any], metrics: Mapping[str, Any], environment: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """What is known of a publication's protocol and is not so in this run."""
    backend = environment["backend"]
    if reason := table.get("not_comparable"):
        yield {"code": reason}
        return
    kind = (backend.get("card") or {}).get("kind")
    if kind in _DEMONSTRATIONS or _letters(table["model"]) not in _letters(backend["model"]):
        yield {"code": "model", "expected": table["model"], "found": backend["model"]}
    if table["labels"] is not None and set(metrics["labels"]) != set(table["labels"]):
        yield {"code": "labels", "expected": table["labels"], "found": metrics["labels"]}
    notes = {note["code"] for note in environment["dataset"]["notes"]}
    if notes & set(_INCOMPLETE_NOTES) or metrics["run"]["n_clips"] < environment["dataset"]["n_clips"]:
        yield {"code": "clips", "expected": None, "found": metrics["run"]["n_clips"]}
    if table["policy"] is not None and metrics["policies"][table["policy"]]["uar"]["value"] is None:
        yield {"code": "policy", "expected": table["policy"], "found": metrics["policy"]}


def macro_f1_inferred(metrics: Mapping[str, Any], policy: str) -> float | None:
    """Macro F1 as it comes out when the label set is left to be inferred, as scikit-learn's `f1_score` does it.

    Every class that occurs as an answer is averaged over, so one that no clip has counts with F1 0. Published macro
    F1 far below UAR on balanced clips looks like this. None under `abstain`, or where nothing was scored.
    """
    confusion = metrics["confusion_forced" if policy == "ban" else "confusion_unforced"]
    if confusion is None or policy == "abstain":
        return None
    rows = confusion["counts"][: confusion["n_scored_rows"]]
    held = [sum(row) for row in rows]
    said = [sum(column) for column in zip(*rows, strict=True)]
    f1s = [
        2 * row[place] / (held[place] + said[place]) for place, row in enumerate(rows) if held[place] + said[place]
    ]
    strangers = sum(1 for count in said[len(rows) :] if count)
    return sum(f1s) / (len(f1s) + strangers) if f1s else None


def _beside(value: float, measured: Mapping[str, Any] | None) -> dict[str, Any]:
    if measured is None or measured["value"] is None:
        return {"published": value, "measured": None, "low": None, "high": None, "difference": None}
    return {
        "published": value,
        "measured": measured["value"],
        "low": measured["low"],
        "high": measured["high"],
        "difference": measured["value"] - value,
    }


def _letters(name: str | None) -> str:
    """Letters and digits alone, so that `iic/SenseVoiceSmall` holds `SenseVoice-Small`."""
    return re.sub(r"[^0-9a-z]", "", (name or "").casefold())
