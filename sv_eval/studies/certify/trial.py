"""One relation put to the test: what is asked, what came back, and how likely noise alone is to do that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sv_eval.backend import Answer
from sv_eval.records import Failure, Prediction
from sv_eval.studies.certify.asking import Bench
from sv_eval.studies.certify.guise import Comparison, Guise, Material
from sv_eval.studies.certify.judging import (
    Noise,
    apart,
    gap_of,
    least_unheard,
    more_than_allowed,
    more_than_noise,
    unheard,
    unrelated,
)
from sv_eval.studies.certify.relation import Relation, Rule
from sv_eval.studies.parity.differences import flipped

_SUSPECTS = 2
"""The clips of a relation that are asked anew."""
_MORE_PASSES = 2
_MOSTLY = 0.5
_FAR_TIMES = 2
"""So many times the share that noise alone takes to another clip's answer is allowed more."""
_GIVEN_UP = 4
"""So many first failures, and a guise is not asked any further."""
_TOLERATED_FAILURES = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A clip that a relation does not hold for."""

    clip: int
    """Which one."""
    reference: Guise
    """What it was compared with."""
    guise: Guise
    """Its guise."""
    answers: tuple[Answer | None, Answer | None]
    """To either; None where there is none of its own."""
    gap: float | None
    """How far they are apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was found about one relation."""

    relation: Relation
    """Which one."""
    n: int = 0
    """Answers that were judged."""
    off: int = 0
    """Those that it does not hold for."""
    failed: int = 0
    """Requests that were not answered."""
    failure: Failure | None = None
    """The first failure."""
    gaps: tuple[float, ...] = ()
    """How far answers were apart."""
    flips: int = 0
    """Labels that differ."""
    control: int | None = None
    """Clips on which the control was heard; None without one."""
    p: float = 1.0
    """How likely a rightly wired service is to do that."""
    reason: str | None = None
    """Why it does not apply, or can't be decided; None where it is decided."""
    refused: bool = False
    """Whether the service refused what the relation needs."""
    shown: Shown | None = None
    """The clip that shows it best."""


class Trials:
    """Puts relations to the test.

    first: the first answers are in `material`. noise: of the repeats. confirmations: how often a suspicious clip is
    asked anew.
    """

    def __init__(self, bench: Bench, material: Material, noise: Noise, confirmations: int) -> None:
        self._bench, self._material, self._noise, self._confirmations = bench, material, noise, confirmations

    async def of(self, relation: Relation) -> Trial:
        """What is found about a relation that applies."""
        if relation.look is not None:
            return await self._look(relation)
        if relation.way is not None:
            return await self._way(relation)
        return await self._disguise(relation)

    async def _look(self, relation: Relation) -> Trial:
        assert relation.look is not None
        verdict = await relation.look(self._bench, self._material)
        off, n = len(verdict.off), verdict.n
        p = float(not n or off < n) if verdict.all_must else more_than_allowed(off, n, relation.allowed)
        shown = self._shown_as_is(verdict.off[0]) if verdict.off and not verdict.all_must else None
        return Trial(relation=relation, n=n, off=off, p=p, reason=verdict.reason, shown=shown)

    def _shown_as_is(self, clip: int) -> Shown:
        guise = Guise(samples=self._material.sounds[clip])
        answer = self._material.answers[clip]
        return Shown(clip=clip, reference=guise, guise=guise, answers=(answer, None), gap=None)

    async def _way(self, relation: Relation) -> Trial:
        assert relation.way is not None
        answered = await relation.way(self._bench, self._material)
        trial = self._judged(relation, self._pairs(answered))
        p = more_than_noise(trial.off, trial.n, self._noise.n_off, len(self._noise.gaps))
        if trial.off:
            p = min(1.0, 2 * min(p, await self._way_again(relation)))
        return replace(trial, p=p)

    def _pairs(self, answered: Sequence[tuple[int, Answer]]) -> list[Shown]:
        found = []
        for clip, answer in answered:
            own, guise = self._material.answers[clip], Guise(samples=self._material.sounds[clip])
            apart_by = gap_of(answer, own, words=self._noise.words)
            found.append(Shown(clip=clip, reference=guise, guise=guise, answers=(own, answer), gap=apart_by))
        return found

    async def _way_again(self, relation: Relation) -> float:
        """The same once more, with fresh requests on both sides."""
        assert relation.way is not None
        odd = [one for _ in range(_MORE_PASSES) for one in await relation.way(self._bench, self._material)]
        plain = [Guise(samples=one) for one in self._material.sounds]
        usual = [pair for _ in range(2 * _MORE_PASSES) for pair in enumerate(await self._bench.by_turns(plain))]
        (n, off), (usual_n, usual_off) = (
            self._counted([pair.gap for pair in self._pairs(answered)]) for answered in (odd, usual)
        )
        return more_than_noise(off, n, usual_off, usual_n)

    def _counted(self, gaps: Sequence[float | None]) -> tuple[int, int]:
        told = [one for one in gaps if one is not None]
        return len(told), sum(one >= self._noise.off_from for one in told)

    async def _disguise(self, relation: Relation) -> Trial:
        assert relation.disguise is not None
        made = [relation.disguise(self._material, clip) for clip in self._spread(relation.clips)]
        comparisons = [one for one in made if one is not None]
        if not comparisons:
            return Trial(relation=relation, reason="clips_too_short")
        shown, controls = [], []
        for comparison in comparisons:
            known: dict[int, Answer] = {}
            one, other = await self._reference(comparison, known), await self._bench.ask(comparison.guise)
            reference = comparison.reference or Guise(samples=self._material.sounds[comparison.clip])
            apart_by = gap_of(other, one, words=self._noise.words and relation.rule is not Rule.NEAR)
            shown.append(
                Shown(
                    clip=comparison.clip,
                    reference=reference,
                    guise=comparison.guise,
                    answers=(one, other),
                    gap=apart_by,
                )
            )
            if comparison.control is not None:
                controls.append(await self._control(comparison.control, known))
            if len(shown) == _GIVEN_UP and all(isinstance(one.answers[1], Failure) for one in shown):
                # None will be answered; a sound request tells who counts failures that the service is there.
                await self._bench.ask(Guise(samples=self._material.sounds[0]))
                break
        trial = self._judged(relation, shown)
        if trial.refused or trial.reason:
            return trial
        if relation.rule is Rule.HEARD:
            return self._heard(trial, shown, controls)
        if relation.rule is Rule.NEAR:
            return self._near(trial, shown)
        p = more_than_noise(trial.off, trial.n, self._noise.n_off, len(self._noise.gaps))
        if trial.off:
            p = min(1.0, 2 * min(p, await self._confirmed(shown)))
        return replace(trial, p=p)

    def _spread(self, most: int | None) -> Sequence[int]:
        count = self._material.count
        if most is None or most >= count:
            return range(count)
        return [(2 * place + 1) * count // (2 * most) for place in range(most)]

    async def _reference(self, comparison: Comparison, known: dict[int, Answer]) -> Answer:
        if comparison.reference is None:
            return self._material.answers[comparison.clip]
        return await self._once(comparison.reference, known)

    async def _once(self, guise: Guise, known: dict[int, Answer]) -> Answer:
        if id(guise) not in known:
            known[id(guise)] = await self._bench.ask(guise)
        return known[id(guise)]

    async def _control(self, control: tuple[Guise, Guise], known: dict[int, Answer]) -> float | None:
        one, other = [await self._once(guise, known) for guise in control]
        return gap_of(one, other, words=self._noise.words)

    def _judged(self, relation: Relation, shown: Sequence[Shown]) -> Trial:
        """The counts; refused or undecided where too much failed."""
        failures = [
            one.answers[1]
            for one in shown
            if isinstance(one.answers[1], Failure) and isinstance(one.answers[0], Prediction)
        ]
        told = [one for one in shown if one.gap is not None]
        gaps = [one.gap or 0.0 for one in told]
        off = [one for one in told if (one.gap or 0.0) >= self._noise.off_from]
        worst = max(off, key=lambda one: one.gap or 0.0, default=None)
        refused = bool(relation.needs and relation.disguise) and len(failures) > _MOSTLY * len(shown)
        lost = len(failures) > _TOLERATED_FAILURES * len(shown)
        return Trial(
            relation=relation,
            n=len(told),
            off=len(off),
            failed=len(failures),
            failure=next((one for one in failures if isinstance(one, Failure)), None),
            gaps=tuple(gaps),
            flips=sum(
                flipped(one.answers[0], one.answers[1])
                for one in told
                if isinstance(one.answers[0], Prediction) and isinstance(one.answers[1], Prediction)
            ),
            refused=refused,
            reason="failures" if lost and not refused else None if told or refused else "no_answer",
            shown=worst,
        )

    def _near(self, trial: Trial, shown: Sequence[Shown]) -> Trial:
        """Clips that were answered as if they were others, against the share that is allowed."""
        own = {one.clip: one.answers[0] for one in shown if one.answers[0] is not None}
        strange = []
        for one in shown:
            answer, reference = one.answers[1], one.answers[0]
            others = [other for clip, other in own.items() if clip != one.clip]
            if answer is not None and reference is not None and unrelated(answer, reference, others):
                strange.append(one)
        worst = max(strange, key=lambda one: one.gap or 0.0, default=None)
        allowed = trial.relation.allowed
        if trial.relation.noise_excuses:
            allowed = min(_MOSTLY, allowed + _FAR_TIMES * self._noise.far)
        p = more_than_allowed(len(strange), trial.n, allowed)
        return replace(trial, off=len(strange), p=p, shown=worst)

    def _heard(self, trial: Trial, shown: Sequence[Shown], controls: Sequence[float | None]) -> Trial:
        from_ = self._noise.seen_from
        both = [(one, control) for one, control in zip(shown, controls, strict=True)]
        told = [(one, control) for one, control in both if one.gap is not None and control is not None]
        subject = [(one.gap or 0.0) >= from_ for one, _ in told]
        control = [(control or 0.0) >= from_ for _, control in told]
        unheard_ones = [
            one for (one, _), seen, able in zip(told, subject, control, strict=True) if able and not seen
        ]
        return replace(
            trial,
            n=len(told),
            off=len(unheard_ones),
            control=sum(control),
            p=unheard(subject, control),
            reason="control_unheard" if least_unheard(control) > _MOSTLY**8 else None,
            shown=unheard_ones[0] if unheard_ones else None,
        )

    async def _confirmed(self, shown: Sequence[Shown]) -> float:
        """The most suspicious clips, asked again and again in turns as they are and in their guise."""
        suspects = sorted((one for one in shown if one.gap is not None), key=lambda one: -(one.gap or 0.0))
        suspects = [one for one in suspects[:_SUSPECTS] if (one.gap or 0.0) >= self._noise.off_from]
        found = [1.0]
        for one in suspects:
            plain: list[Prediction] = []
            disguised: list[Prediction] = []
            for _ in range(self._confirmations):
                for guise, answers in ((one.reference, plain), (one.guise, disguised)):
                    answer = await self._bench.ask(guise)
                    if isinstance(answer, Prediction):
                        answers.append(answer)
            found.append(apart(plain, disguised, words=self._noise.words, least=self._noise.off_from))
        return min(1.0, len(suspects) * min(found))
