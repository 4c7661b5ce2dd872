"""How well a run told arousal, valence and dominance: its answers in the corpus's unit, against references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.dimensions import DIMENSIONS, Range, led, scale_of
from sv_eval.record_file.table import RecordTable
from sv_eval.report.dimensions import DimensionFigures, Dimensions, GroupAgreement
from sv_eval.report.reasons import Why
from sv_eval.scoring.calibration.bins import units_of
from sv_eval.scoring.dimensions.bounds import agreement_of, ccc_of
from sv_eval.scoring.dimensions.moments import Floats, Moments
from sv_eval.scoring.unit_bounds import jackknife_interval

Mask = NDArray[np.bool_]

FEWEST_IN_GROUP = 10
"""Groups of fewer clips are not looked at."""
_DRAWN = 300
_SLACK = 1e-6
"""What rounding may put an answer beyond the end of its range."""


def dimensions_of(
    answers: RecordTable, told: Mapping[str, Range], declared: Mapping[str, Range], confidence: float
) -> Dimensions | None:
    """The figures of every dimension; None where the recogniser tells none.

    told: the recogniser's ranges. declared: the corpus's.
    """
    names = [name for name in DIMENSIONS if name in told or name in answers.dimensions]
    if not names:
        return None
    left = {name: why for name in names if (why := _unscored(answers, name, told, declared)) is not None}
    figures = {
        name: _figures(answers, name, told[name], declared[name], confidence) for name in names if name not in left
    }
    return Dimensions(figures=figures, left=left or UNSET)


def _unscored(
    answers: RecordTable, name: str, told: Mapping[str, Range], declared: Mapping[str, Range]
) -> Why | None:
    """Why a dimension can't be scored; None where it can."""
    if name not in declared or name not in answers.true_dimensions:
        return Why.of("no_reference_of", dimension=name)
    if name not in told:
        return Why.of("no_range_of", dimension=name)
    return None if compared(answers, name).any() else Why.of("no_answer_of", dimension=name)


def compared(answers: RecordTable, name: str) -> Mask:
    """Which clips have a reference and an answer of the dimension."""
    if name not in answers.true_dimensions or name not in answers.dimensions:
        return np.zeros(len(answers), dtype=np.bool_)
    both = np.isfinite(answers.true_dimensions[name]) & np.isfinite(answers.dimensions[name])
    return np.asarray(both & ~answers.failed, dtype=np.bool_)


def in_corpus_unit(answers: RecordTable, name: str, told: Range, declared: Range) -> Floats:
    """The answers' values, led from the recogniser's range to the corpus's."""
    values = answers.dimensions[name]
    return np.asarray(led(0.0, told, declared) + values * scale_of(told, declared), dtype=np.float64)


def _figures(answers: RecordTable, name: str, told: Range, declared: Range, confidence: float) -> DimensionFigures:
    there, asked = compared(answers, name), np.isfinite(answers.true_dimensions[name])
    raw = answers.dimensions[name][there]
    reference, answer = answers.true_dimensions[name][there], in_corpus_unit(answers, name, told, declared)[there]
    unit = units_of(answers.speaker[there])
    units = Moments.of(reference, answer, unit)
    found, whole = agreement_of(units, confidence), units.whole()
    (mean_reference,), (mean_answer,) = (one.tolist() for one in whole.means)
    sd_reference, sd_answer = (float(np.sqrt(one[0])) for one in whole.variances)
    slack = _SLACK * (told[1] - told[0])
    return DimensionFigures(
        n=len(reference),
        n_missing=int((asked & ~there & ~answers.failed).sum()),
        n_failed=int((asked & answers.failed).sum()),
        n_outside=int(((raw < told[0] - slack) | (raw > told[1] + slack)).sum()),
        reference_range=declared,
        answer_range=told,
        ccc=found.ccc,
        pearson=found.pearson,
        rmse=found.rmse,
        bias=found.bias,
        lower_limit=found.lower_limit,
        upper_limit=found.upper_limit,
        mean_reference=mean_reference,
        mean_answer=mean_answer,
        sd_reference=sd_reference,
        sd_answer=sd_answer,
        groups=_groups(answers, there, reference, answer, confidence),
        points=_points(reference, answer),
    )


def _points(reference: Floats, answer: Floats) -> tuple[tuple[float, float], ...]:
    n = len(reference)
    places = np.unique(np.linspace(0, n - 1, min(n, _DRAWN)).round().astype(np.int64))
    pairs = zip(reference[places].tolist(), answer[places].tolist(), strict=True)
    return tuple((round(x, 4), round(y, 4)) for x, y in pairs)


def _groups(
    answers: RecordTable, there: Mask, reference: Floats, answer: Floats, confidence: float
) -> dict[str, tuple[GroupAgreement, ...]]:
    found = {}
    for fact, code, names in _facts(answers):
        of_clip = code[there]
        kept = [place for place in range(len(names)) if int(np.equal(of_clip, place).sum()) >= FEWEST_IN_GROUP]
        if len(kept) > 1:
            found[fact] = tuple(
                _group(
                    names[place], np.equal(of_clip, place), answers.speaker[there], reference, answer, confidence
                )
                for place in kept
            )
    return found


def _facts(answers: RecordTable) -> Iterator[tuple[str, NDArray[np.int32], tuple[str, ...]]]:
    yield "sex", answers.sex, answers.sexes
    yield "language", answers.language, answers.languages
    yield "accent", answers.accent, answers.accents


def _group(
    name: str, inside: Mask, speaker: NDArray[np.int32], reference: Floats, answer: Floats, confidence: float
) -> GroupAgreement:
    units = Moments.of(reference[inside], answer[inside], units_of(speaker[inside]))
    bias = jackknife_interval(float(units.whole().bias[0]), units.without_each().bias, units.n, confidence)
    return GroupAgreement(name=name, n=int(inside.sum()), ccc=ccc_of(units, confidence), bias=bias)
