"""The rows of a report about what probabilities are worth."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.report.calibration import Calibration, ProbabilityFigures, ScoredDistribution
from sv_eval.report.interval import Interval
from sv_eval.reports.wording import Wording, bounds, percent, share


def calibration_rows(words: Wording, found: Calibration) -> list[Sequence[str]]:
    """A row for confidence, one for all emotions together, and one an emotion."""
    rows: list[Sequence[str]] = []
    if found.confidence is not None:
        rows.append(_row(words("calibration.confidence"), found.confidence))
    if found.confidence_as_given:
        rows.append(
            _row(words("calibration.as_given", what=words("calibration.confidence")), found.confidence_as_given)
        )
    if found.distribution:
        rows.append(_whole(words("calibration.all_emotions"), found.distribution))
    if given := found.distribution_as_given:
        rows.append(_whole(words("calibration.as_given", what=words("calibration.all_emotions")), given))
    if found.distribution:
        rows += [_row(words.emotion(label), each) for label, each in found.distribution.per_emotion.items()]
    return rows


def reliability_rows(found: Calibration) -> list[Sequence[str]]:
    """The reliability diagram of confidence: its span, mean, what was right, and how many."""
    return [
        (
            f"{one.low:.2f} … {one.high:.2f}", share(one.mean),
            f"{share(one.observed.value)} {bounds(one.observed, 100, 1)}".rstrip(), str(one.observed.of),
        )
        for one in (found.confidence.bins if found.confidence else ())
    ]  # fmt: skip


def _whole(name: str, whole: ScoredDistribution) -> Sequence[str]:
    return (
        name, str(whole.n), percent(whole.ece_classwise), share(whole.ece_classwise_plain), "–",
        decimal(whole.brier), "–", decimal(whole.log_loss),
    )  # fmt: skip


def _row(name: str, each: ProbabilityFigures) -> Sequence[str]:
    parts = each.parts
    return (
        name, str(each.n), percent(each.ece), share(each.ece_plain), points(each.gap), decimal(each.brier),
        " ".join(f"{one:.3f}" for one in (parts.reliability, parts.resolution, parts.uncertainty)),
        decimal(each.log_loss),
    )  # fmt: skip


def points(figure: Interval) -> str:
    """A difference of shares in points, with its bounds."""
    return "–" if figure.value is None else f"{100 * figure.value:+.1f} {bounds(figure, 100, 1)}".rstrip()


def decimal(figure: Interval) -> str:
    """A figure with three decimals, with its bounds."""
    return "–" if figure.value is None else f"{figure.value:.3f} {bounds(figure, 1, 3)}".rstrip()
