"""How well a recogniser hears words, and whether it hears emotions worse where it hears words worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.record_file.rows import OUTCOMES
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Outcome
from sv_eval.report.reasons import Why
from sv_eval.report.transcripts import Cross, CrossBin, ErrorRate, LanguageErrors, Measures, Transcripts
from sv_eval.scoring.ratio_bounds import ratio_interval
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.transcript_errors import (
    CER,
    NORMALISATION,
    WER,
    ClipErrors,
    clip_errors,
    measure_of,
    normalised,
    primary,
)

BINS: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, float("inf")))
"""Error rates of a clip, by which the cross table is divided: above the first number, up to the second."""
UNKNOWN_LANGUAGE = "unknown"
"""Stands for clips whose language nobody knows."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """The clips whose words can be compared, in columns."""

    places: NDArray[np.int64]
    """Where they are in the run's table."""
    errors: ClipErrors
    """What was recognised wrongly."""
    measure: NDArray[np.str_]
    """`wer` or `cer`."""
    language: NDArray[np.str_]
    """As the corpus tags it."""
    foreign: Mask
    """Whether the recogniser is known not to know the language."""
    told: Mask
    """Whether it is known which languages the recogniser knows, and which one the clip is in."""
    cluster: NDArray[np.int64]
    """Numbers the speakers; a clip whose speaker is unknown has a number of its own."""

    def figure(self, which: Mask, confidence: float) -> ErrorRate:
        """The error rate of these clips with its bounds, and what it is made of."""
        errors = self.errors
        found = ratio_interval(errors.edits[which], errors.units[which], self.cluster[which], confidence=confidence)
        return ErrorRate(
            **{item.name: getattr(found, item.name) for item in fields(found)},
            substitutions=int(errors.substitutions[which].sum()),
            deletions=int(errors.deletions[which].sum()),
            insertions=int(errors.insertions[which].sum()),
            units=int(errors.units[which].sum()),
        )

    def by_measure(self, which: Mask, confidence: float) -> Measures:
        """The figures of these clips by measure; a measure without a clip is None."""
        found: dict[str, ErrorRate | None] = {}
        for measure in (WER, CER):
            mine = which & (self.measure == measure)
            found[measure] = self.figure(mine, confidence) if mine.any() else None
        return Measures(wer=found[WER], cer=found[CER])


def transcripts_of(scope: Scope, known_languages: Sequence[str] = ()) -> Transcripts | Why:
    """What there is to say of the transcripts, or why there is nothing.

    known_languages: those that the recogniser is known to know; clips of others are told apart and stay out of all
    figures but their own. Empty: it is not known, and all are scored.
    """
    table, confidence = scope.answers, scope.config.confidence
    spoken = ~table.transcripts.lacking
    if not spoken.any():
        return Why.of("no_transcripts")
    heard = ~table.recognised.lacking
    if not (spoken & heard).any():
        return Why.of("no_text")
    # Who finds no speech has recognised no word.
    usable = spoken & ~table.failed & (heard | np.equal(table.outcome, OUTCOMES.index(Outcome.NO_SPEECH)))
    compared = _compared(table, usable, known_languages)
    known = ~compared.foreign
    overall = compared.by_measure(known, confidence)
    cross = _cross(scope, compared, confidence)
    return Transcripts(
        normalisation=NORMALISATION,
        n=len(compared.places),
        n_scored=int(known.sum()),
        n_without_text=int((spoken & ~usable & ~table.failed).sum()),
        n_failed=int((spoken & table.failed).sum()),
        n_without_words=int(usable.sum()) - len(compared.places),
        unknown_to_recogniser=_counts(compared.language[compared.foreign]),
        wer=overall.wer,
        cer=overall.cer,
        by_language=_by_language(compared, confidence),
        by_emotion=_by_emotion(scope, compared, confidence),
        cross=cross,
        wer_reason=UNSET if overall.wer else Why.of("no_measure"),
        cer_reason=UNSET if overall.cer else Why.of("no_measure"),
        cross_reason=UNSET if cross else Why.of("no_cross"),
    )


def known_languages(can_be_asked: Sequence[str], card: Mapping[str, Any]) -> tuple[str, ...]:
    """The languages that a recogniser knows: by its model card, or else those that it can be asked for.

    >>> known_languages(["auto", "zh", "en"], {}), known_languages([], {"languages": ["en"]})
    (('zh', 'en'), ('en',))
    """
    said = card.get("languages") or can_be_asked
    return tuple(str(language) for language in said if language not in ("auto", "nospeech"))


def _compared(table: RecordTable, usable: Mask, known_languages: Sequence[str]) -> _Compared:
    known = {primary(language) for language in known_languages}
    known |= {"cmn"} if "zh" in known else set()
    places: list[int] = []
    texts: list[tuple[str, str]] = []
    measures: list[str] = []
    tags: list[str | None] = []
    for place in np.flatnonzero(usable).tolist():
        tag = table.languages[table.language[place]] if table.language[place] >= 0 else None
        transcript = table.transcripts[place] or ""
        measure = measure_of(tag, transcript)
        reference = normalised(transcript, measure)
        if not reference:
            continue
        places.append(place)
        texts.append((reference, normalised(table.recognised[place] or "", measure)))
        measures.append(measure)
        tags.append(tag)
    where = np.array(places, dtype=np.int64)
    speaker = table.speaker[where].astype(np.int64)
    return _Compared(
        places=where,
        errors=clip_errors([reference for reference, _ in texts], [text for _, text in texts]),
        measure=np.array(measures, dtype=np.str_),
        language=np.array([tag or UNKNOWN_LANGUAGE for tag in tags], dtype=np.str_),
        foreign=np.array([tag is not None and primary(tag) not in known for tag in tags], dtype=bool) & bool(known),
        told=np.array([tag is not None for tag in tags], dtype=bool) & bool(known),
        cluster=np.where(speaker >= 0, speaker, len(table.speakers) + np.arange(len(where))),
    )


def _counts(names: NDArray[np.str_]) -> dict[str, int]:
    found, counts = np.unique(names, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _by_language(compared: _Compared, confidence: float) -> tuple[LanguageErrors, ...]:
    """A row for each language and measure, the languages with the most clips first."""
    counts = _counts(compared.language)
    rows = []
    for language in sorted(counts, key=lambda name: (-counts[name], name)):
        for measure in (WER, CER):
            which = (compared.language == language) & (compared.measure == measure)
            if which.any():
                # Of a recogniser that does not say what it knows, or a clip whose language nobody tells: null.
                known = not compared.foreign[which].any() if compared.told[which].all() else None
                found = compared.figure(which, confidence)
                figures = {item.name: getattr(found, item.name) for item in fields(found)}
                rows.append(LanguageErrors(language=language, measure=measure, known=known, **figures))
    return tuple(rows)


def _by_emotion(scope: Scope, compared: _Compared, confidence: float) -> dict[str, Measures]:
    table = scope.answers
    reference = table.reference[compared.places]
    found = {}
    for label in scope.labels:
        which = ~compared.foreign & (reference == table.class_codes.reference(label))
        if which.any():
            found[label] = compared.by_measure(which, confidence)
    return found


def _cross(scope: Scope, compared: _Compared, confidence: float) -> Cross | None:
    """Right and wrong emotions by how wrong the words were, under the headline policy."""
    table, policy = scope.answers, scope.config.policy
    answers = (table.banned if policy == "ban" else table.predicted)[compared.places]
    scored = scope.scored[compared.places] & ~compared.foreign
    if policy == "abstain":
        scored &= answers < table.class_codes.answered
    if not scored.any():
        return None
    right = answers == table.reference[compared.places]
    rate = compared.errors.edits / compared.errors.units
    bins = []
    for above, most in BINS:
        inside = scored & ((rate <= most) & (rate > above) if most else rate == 0.0)
        hits, misses = int((inside & right).sum()), int((inside & ~right).sum())
        share = hits / (hits + misses) if hits + misses else None
        bins.append(CrossBin(above=above, most=most, right=hits, wrong=misses, accuracy=share))
    return Cross(
        policy=policy,
        n=int(scored.sum()),
        bins=tuple(bins),
        emotion_right=compared.by_measure(scored & right, confidence),
        emotion_wrong=compared.by_measure(scored & ~right, confidence),
    )
