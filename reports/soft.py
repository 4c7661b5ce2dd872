"""The rows of a report about answers against what raters heard."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.report.interval import Interval
from sv_eval.report.soft import SoftFigure, SoftLabels
from sv_eval.reports.calibration import decimal
from sv_eval.reports.operating import bounded
from sv_eval.reports.wording import Wording, percent

_DECIMALS = ("cross_entropy", "kl", "js", "tvd")
_SHARES = ("soft_macro_f1", "soft_accuracy")


def soft_rows(words: Wording, found: SoftLabels) -> list[Sequence[str]]:
    """A row a figure: of the answers, and of the raters."""
    rows = [(words(f"soft.{name}"), *_both(getattr(found, name), in_percent=False)) for name in _DECIMALS]
    rows += [(words(f"soft.{name}"), *_both(getattr(found, name), in_percent=True)) for name in _SHARES]
    rows += [
        (words("soft.f1_of", emotion=words.emotion(label)), *_both(figure, in_percent=True))
        for label, figure in found.per_emotion.items()
    ]
    return list(rows)


def agreement_rows(words: Wording, found: SoftLabels) -> list[Sequence[str]]:
    """A row for clips on which raters agree about as much."""
    return [
        (
            words(f"soft.slices.{name}"),
            str(one.n),
            bounded(one.accuracy),
            *_both(one.soft_accuracy, in_percent=True),
        )
        for name, one in found.agreement.items()
    ]


def soft_facts(words: Wording, found: SoftLabels) -> list[str]:
    """What the figures are of, a sentence each."""
    facts = [words("soft.voted", n=found.n_voted, judged=found.n)]
    if found.votes_a_clip is not None:
        facts.append(words("soft.votes_a_clip", n=f"{found.votes_a_clip:.1f}"))
    if found.outside:
        facts.append(words("soft.outside", share=f"{100 * found.outside:.1f} %", n=found.n_outside))
    if found.n_without_scores:
        key = "soft.as_one_hot" if found.one_hot else "soft.without_scores"
        facts.append(words(key, n=found.n_without_scores))
    if found.n_cut_off:
        facts.append(words("soft.cut_off", n=found.n_cut_off))
    if found.rest is not None:
        facts.append(words("soft.rest", share=f"{100 * found.rest:.1f} %"))
    if found.alpha.value is not None:
        facts.append(words("soft.alpha", value=decimal(found.alpha)))
    return facts


def _both(figure: SoftFigure, *, in_percent: bool) -> tuple[str, str]:
    def shown(one: Interval) -> str:
        return percent(one) if in_percent else decimal(one)

    return shown(figure.of_answers), shown(figure.of_raters) if figure.of_raters else "–"
