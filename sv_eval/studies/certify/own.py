"""Relations within answers: whether they hang together, and whether anything is listened to at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sv_eval.emotions import EMOTIONS
from sv_eval.records import SAMPLE_RATE_HZ, Prediction
from sv_eval.studies.certify.asking import Bench
from sv_eval.studies.certify.files import on_16_bits
from sv_eval.studies.certify.guise import Comparison, Guise, Material
from sv_eval.studies.certify.judging import gap
from sv_eval.studies.certify.relation import TIGHT, Look, Need, Relation, Rule, Verdict

_SLACK = 0.03
_NOTHING = 1e-3
_STRONG = 0.5
_SILENCES_S = (0.5, 1.0, 2.0, 4.0)
_FAINT = 3 / 32_768


async def _listens(bench: Bench, material: Material) -> Verdict:
    """Whether what is told of different clips' emotion differs at all; texts alone are no emotion."""
    first, *others = [one for one in material.answers if isinstance(one, Prediction)]
    off = tuple(place for place, one in enumerate(others, start=1) if gap(first, one, words=False) <= _NOTHING)
    labels_alone = first.scores is None and len(off) == len(others)
    texts = {first.text, *(one.text for one in others)}
    # Labels of clips that are all of one emotion are equal by right; without scores, texts show that it listens.
    by_right = labels_alone and len(texts) > 1
    return Verdict(n=len(others), off=off, all_must=True, reason="one_label" if by_right else None)


def _each(holds: Callable[[Prediction], bool]) -> Look:
    """Whether something holds for each answer in one piece that has a label and scores."""

    async def look(bench: Bench, material: Material) -> Verdict:
        told = [
            (place, one)
            for place, one in enumerate(material.answers)
            if isinstance(one, Prediction) and one.scores and one.label in one.scores and len(one.segments) < 2
        ]
        return Verdict(n=len(told), off=tuple(place for place, one in told if not holds(one)))

    return look


def _best(answer: Prediction) -> bool:
    scores = answer.scores or {}
    return scores[answer.label or ""] >= max(scores.values()) - _SLACK


def _confidence(answer: Prediction) -> bool:
    scores = answer.scores or {}
    return answer.confidence is None or abs(answer.confidence - scores[answer.label or ""]) <= _SLACK


async def _silence(bench: Bench, material: Material) -> Verdict:
    """Whether silence, digital and nearly so, is answered with an emotion."""
    rng = np.random.default_rng(0)
    lengths = [round(seconds * SAMPLE_RATE_HZ) for seconds in _SILENCES_S]
    still = [np.zeros(length, np.float32) for length in lengths]
    still += [on_16_bits(rng.normal(0, _FAINT, length).astype(np.float32)) for length in lengths[1:3]]
    answers = await bench.by_turns([Guise(samples=one) for one in still])
    told = [one for one in answers if isinstance(one, Prediction)]
    off = [
        place
        for place, one in enumerate(told)
        if one.label in EMOTIONS and (one.confidence is None or one.confidence >= _STRONG)
    ]
    return Verdict(n=len(told), off=tuple(off), all_must=True, reason=None if told else "no_answer")


async def _joined(bench: Bench, material: Material) -> Verdict:
    """Whether a clip followed by one of another label is answered with neither."""
    off: list[int] = []
    n = 0
    for clip, other in enumerate(material.others):
        first, second = material.answers[clip], material.answers[other]
        if not isinstance(first, Prediction) or not isinstance(second, Prediction) or first.label == second.label:
            continue
        both = np.concatenate([material.sounds[clip], material.sounds[other]])
        answer = await bench.ask(Guise(samples=both))
        if isinstance(answer, Prediction):
            n += 1
            if answer.label not in (first.label, second.label):
                off.append(clip)
    return Verdict(n=n, off=tuple(off), reason=None if n else "one_label")


def _again(material: Material, clip: int) -> Comparison:
    return Comparison(clip=clip, guise=Guise(samples=material.sounds[clip]))


def _own(name: str, look: Look, *needs: Need, allowed: float = TIGHT) -> Relation:
    return Relation(name=name, rule=Rule.OWN, needs=needs, allowed=allowed, look=look)


OWN = (
    _own("listens", _listens),
    Relation(name="repeat", rule=Rule.NEAR, allowed=TIGHT, disguise=_again, noise_excuses=False),
    _own("best_score", _each(_best), Need.SCORES),
    _own("confidence", _each(_confidence), Need.SCORES),
    _own("silence", _silence),
    _own("joined", _joined, allowed=0.5),
)
