"""The headline, computed a second time by scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sv_eval.errors import SvEvalError
from sv_eval.scoring.policies import LabelSetScores
from sv_eval.scoring.scope import Scope

TOLERANCE = 1e-9


def check(scope: Scope, found: LabelSetScores) -> None:
    """Raise SvEvalError if scikit-learn finds other figures than what was found under the policy `wrong`."""
    scores = found.policies["wrong"]
    for name, theirs in _figures(scope):
        interval = scores.recall[name[7:]] if name.startswith("recall ") else getattr(scores, name)
        ours = math.nan if interval.value is None else interval.value
        if not math.isclose(ours, theirs, rel_tol=0.0, abs_tol=TOLERANCE):
            raise SvEvalError(
                f"second opinion: {name} is {ours!r} here but {theirs!r} by scikit-learn; "
                "please report this with your records.jsonl"
            )


def _figures(scope: Scope) -> Iterator[tuple[str, float]]:
    """Each figure's name and scikit-learn's value, over the labels that have support."""
    from sklearn.metrics import accuracy_score, f1_score, recall_score

    table = scope.answers
    codes = [table.class_codes.reference(label) for label in scope.labels]
    # Found anew, as everything here is.
    scored = np.isin(table.reference, codes) & ~table.failed
    truth, answer = table.reference[scored], table.predicted[scored]
    present = [code for code in codes if (truth == code).any()]
    if not present:
        return
    yield "accuracy", float(accuracy_score(truth, answer))
    recalls = recall_score(truth, answer, labels=present, average=None, zero_division=0)
    yield "uar", float(np.mean(recalls))
    for code, recall in zip(present, recalls, strict=True):
        yield f"recall {table.class_codes.references[code]}", float(recall)
    for name in ("macro", "weighted"):
        yield (
            f"{name}_f1",
            float(f1_score(truth, answer, labels=present, average=name, zero_division=0)),
        )
