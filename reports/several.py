"""The rows of a report about clips of which several emotions may be true."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.report.several import SeveralEmotions
from sv_eval.reports.calibration import decimal
from sv_eval.reports.wording import Wording, percent

_SHARES = ("macro_f1", "micro_f1", "hit_rate", "exact", "hamming_loss")


def several_facts(words: Wording, found: SeveralEmotions) -> list[str]:
    """What the figures are of, a sentence each."""
    facts = [
        words("several.true_of", n=found.n, each=f"{found.true_a_clip:.2f}", named=f"{found.named_a_clip:.2f}")
    ]
    if found.from_votes:
        facts.append(words("several.from_votes", share=f"{100 * found.from_votes:g} %"))
    if found.n_outside:
        facts.append(words("several.outside", n=found.n_outside))
    facts += [words(f"several.by.{way}", n=n, score=f"{found.score:.3g}") for way, n in found.named_by.items()]
    return facts


def several_rows(words: Wording, found: SeveralEmotions) -> list[Sequence[str]]:
    """A row a figure."""
    rows = [(words(f"several.{name}"), percent(getattr(found, name))) for name in _SHARES]
    if found.mean_average_precision:
        rows.append((words("several.mean_average_precision"), decimal(found.mean_average_precision)))
    return list(rows)


def among_rows(words: Wording, found: SeveralEmotions) -> list[Sequence[str]]:
    """A row an emotion."""
    return [
        (
            words.emotion(label), str(one.n), str(one.named), percent(one.f1),
            decimal(one.average_precision) if one.average_precision else "–",
        )
        for label, one in found.per_emotion.items()
    ]  # fmt: skip
