"""What a certificate says, of what was found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sv_eval.backend import Answer
from sv_eval.records import Clip, Failure, Prediction
from sv_eval.report.certificate import (
    Certificate,
    CertificateVerdict,
    ClipToTry,
    RelationFound,
    RepeatNoise,
    Standing,
    Standings,
    TriedAnswer,
)
from sv_eval.report.environment import CorpusFacts, Surroundings
from sv_eval.scoring.paired.significance import holm
from sv_eval.studies.certify.config import CertifyConfig
from sv_eval.studies.certify.files import wav
from sv_eval.studies.certify.guise import Guise
from sv_eval.studies.certify.judging import Noise, more_than_noise
from sv_eval.studies.certify.measure import Certified
from sv_eval.studies.certify.patterns import likely_causes
from sv_eval.studies.certify.relation import Rule
from sv_eval.studies.certify.trial import Shown, Trial

_NOISY = 0.2
"""The share of repeats answered otherwise from which on `the same` can't be told from noise."""
_SENSITIVE_P, _SENSITIVE_GAP = 0.01, 0.05


def result_of(
    found: Certified, config: CertifyConfig, dataset: CorpusFacts, environment: Surroundings, wall_s: float
) -> Certificate:
    """The certificate; `dataset` and `environment` are what was asked about, and on what."""
    standings = [_before_judging(trial, found.noise) for trial in found.trials]
    decided = [place for place, (standing, _) in enumerate(standings) if standing is Standing.HELD]
    adjusted = dict(zip(decided, holm([found.trials[place].p for place in decided]), strict=True))
    relations = []
    for place, (trial, (standing, reason)) in enumerate(zip(found.trials, standings, strict=True)):
        p = adjusted.get(place)
        if p is not None and p <= config.alpha:
            standing = Standing.BROKEN
        relations.append(_relation(trial, standing, reason, p, found))
    counts = Counter(one.standing for one in relations)
    return Certificate(
        verdict=_verdict(counts),
        counts=Standings(**{standing.value: counts[standing] for standing in Standing}),
        alpha=config.alpha,
        dataset=dataset,
        backend=found.backend,
        n_clips=len(found.clips),
        n_requests=found.asked,
        wall_s=round(wall_s, 3),
        noise=RepeatNoise(
            n=len(found.noise.gaps),
            off=found.noise.n_off,
            typical=_digits(found.noise.typical),
            off_from=_digits(found.noise.off_from),
            scored=found.noise.scored,
            words=found.noise.words,
        ),
        likely_causes=likely_causes([one.name for one in relations if one.standing is Standing.BROKEN]),
        relations=tuple(relations),
        environment=environment,
    )


def files_of(found: Certified, result: Certificate) -> Iterator[tuple[str, bytes]]:
    """The files that broken relations name, by their places below the report's folder."""
    shown = {trial.relation.name: trial.shown for trial in found.trials}
    for one in result.relations:
        pair = shown[one.name]
        if one.to_try is None or pair is None:
            continue
        for name, guise in ((one.to_try.reference, pair.reference), (one.to_try.guise, pair.guise)):
            if name is not None:
                yield name, wav(guise.samples) if guise.file is None else guise.file


def _before_judging(trial: Trial, noise: Noise) -> tuple[Standing, str | None]:
    """How a relation stands before its chance is looked at: HELD where it will be."""
    if trial.reason is not None:
        unable = trial.reason.startswith("no_") and trial.reason != "no_answer"
        return (Standing.NOT_APPLICABLE if unable else Standing.UNDECIDED), trial.reason
    if trial.refused and not trial.relation.refusal_holds:
        return Standing.REFUSED, None
    if trial.relation.rule is Rule.SAME and noise.n_off > _NOISY * len(noise.gaps):
        return Standing.UNDECIDED, "noisy"
    return Standing.HELD, None


def _verdict(counts: Mapping[Standing, int]) -> CertificateVerdict:
    if counts[Standing.BROKEN]:
        return CertificateVerdict.BROKEN
    if counts[Standing.UNDECIDED] or not counts[Standing.HELD]:
        return CertificateVerdict.INCONCLUSIVE
    return CertificateVerdict.SOUND


def _relation(
    trial: Trial, standing: Standing, reason: str | None, p: float | None, found: Certified
) -> RelationFound:
    gaps, failure, relation = trial.gaps, trial.failure, trial.relation
    broken = standing is Standing.BROKEN
    return RelationFound(
        name=relation.name,
        rule=relation.rule.value,
        standing=standing,
        reason=reason,
        sensitive=standing is Standing.HELD and _sensitive(trial, found.noise),
        n=trial.n,
        off=trial.off,
        allowed=relation.allowed,
        flips=trial.flips,
        failed=trial.failed,
        failure=None if failure is None else f"{failure.kind}: {failure.message}",
        mean_gap=_digits(sum(gaps) / len(gaps)) if gaps else None,
        max_gap=_digits(max(gaps)) if gaps else None,
        control=trial.control,
        p=None if p is None else _digits(trial.p),
        p_adjusted=None if p is None else _digits(p),
        to_try=_to_try(trial.shown, relation.name, found.clips) if broken and trial.shown is not None else None,
    )


def _sensitive(trial: Trial, noise: Noise) -> bool:
    """Whether a nearly equal sound changes answers: labels by more than noise, or scores by much."""
    if trial.relation.rule is not Rule.NEAR or not trial.gaps:
        return False
    flips = more_than_noise(trial.flips, trial.n, noise.n_off, len(noise.gaps))
    return flips < _SENSITIVE_P or sum(trial.gaps) / len(trial.gaps) >= _SENSITIVE_GAP


def _to_try(shown: Shown, name: str, clips: Sequence[Clip]) -> ClipToTry:
    same = _same_file(shown.reference, shown.guise)
    return ClipToTry(
        clip=clips[shown.clip].id,
        reference=f"clips/{name}-as_it_is.{shown.reference.form}",
        guise=None if same else f"clips/{name}.{shown.guise.form}",
        answers=(_tried(shown.answers[0]), _tried(shown.answers[1])),
        gap=None if shown.gap is None else _digits(shown.gap),
    )


def _same_file(one: Guise, other: Guise) -> bool:
    return one is other or (one.file is other.file and one.samples is other.samples)


def _tried(answer: Answer | None) -> TriedAnswer | None:
    if answer is None:
        return None
    if isinstance(answer, Failure):
        return TriedAnswer(label=None, confidence=None, text=None, failure=f"{answer.kind}: {answer.message}")
    assert isinstance(answer, Prediction)
    confidence = None if answer.confidence is None else _digits(answer.confidence)
    return TriedAnswer(label=answer.label, confidence=confidence, text=answer.text, failure=None)


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
