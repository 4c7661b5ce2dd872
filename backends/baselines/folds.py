"""Who answers for which clip, so that no clip is judged by a model that has heard its speaker.

The clips that may not meet are put into parts. The model that answers for a part is fitted on all training clips
outside it; a clip that is in no part, since no training clip shares its speaker, is answered for by the model that
is fitted on all of them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from sv_eval.backends.baselines.training import Training, without_speaker
from sv_eval.errors import ConfigError, CorpusError, nearest
from sv_eval.records import Clip

LOSO = "loso"
"""Leave one speaker out: a part for each speaker."""
CLIPS = "clips"
"""Parts that disregard who speaks; only on request."""
CLIP_PARTS = 10
"""How many parts there are then."""
WHOLE = -1
"""Stands for the model that is fitted on all training clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """The parts."""

    how: str
    """In words, for a report."""
    by_clip: bool
    """Whether speakers were disregarded."""
    part_of_clip: Mapping[str, int]
    """Clip id to its part, of the clips that will be asked about."""
    part_of_taught: Sequence[int]
    """The part of each training clip, in their order; `WHOLE` for one that is in none."""

    @property
    def parts(self) -> list[int]:
        """The parts that a model is needed for, and `WHOLE`."""
        return [*sorted(set(self.part_of_clip.values()) - {WHOLE}), WHOLE]

    def taught(self, part: int) -> list[int]:
        """The places of the training clips that a part's model is fitted on."""
        return [place for place, other in enumerate(self.part_of_taught) if part == WHOLE or other != part]


def folds_setting(folds: str | int) -> str | int:
    """The setting `backend.folds`: `loso`, `clips` or a number of parts; raises ConfigError."""
    if isinstance(folds, bool) or not isinstance(folds, str | int):
        raise ConfigError(f"backend.folds={folds}: give loso, clips, or a number of 2 or more")
    if isinstance(folds, str) and folds not in (LOSO, CLIPS):
        raise ConfigError(f"backend.folds={folds} is not known; {nearest(folds, (LOSO, CLIPS))} or a number")
    if isinstance(folds, int) and folds < 2:
        raise ConfigError(
            f"backend.folds={folds}: two parts are the fewest, so that there is something to learn from"
        )
    return folds


def folds_of(training: Training, folds: str | int) -> Folds:
    """The parts of a training corpus; raises CorpusError where speakers are needed and not known."""
    if folds == CLIPS:
        return _by_clip(training)
    _check_speakers(training)
    if not training.same_people:
        return _none(training, "none needed: fitted on another corpus")
    met = {clip.speaker for clip in training.asked} if training.asked else set()
    shared = Counter(clip.speaker for clip in training.labelled if clip.speaker in met)
    if not shared:
        return _none(training, "none needed: no training clip is by a speaker of the run")
    part_of = _parts_of_speakers(training, shared, folds)
    return Folds(
        how="leave one speaker out" if folds == LOSO else f"{folds} groups of speakers",
        by_clip=False,
        part_of_clip={clip.id: part_of.get(clip.speaker, WHOLE) for clip in training.asked},
        part_of_taught=[part_of.get(clip.speaker, WHOLE) for clip in training.labelled],
    )


def _none(training: Training, how: str) -> Folds:
    return Folds(how=how, by_clip=False, part_of_clip={}, part_of_taught=[WHOLE] * len(training.labelled))


def _check_speakers(training: Training) -> None:
    clips = (*training.labelled, *training.asked) if training.same_people else training.labelled
    unknown = {clip.id for clip in without_speaker(clips)}
    if unknown:
        raise CorpusError(
            f"{training.corpus.name}: {len(unknown)} clips have no speaker (the first is '{min(unknown)}'), so "
            "nobody can tell whose voice a model has heard; give the corpus speakers, or ask for folds that "
            "disregard them with backend.folds=clips"
        )


def _parts_of_speakers(
    training: Training, shared: Mapping[str | None, int], folds: str | int
) -> dict[str | None, int]:
    """A part for each shared speaker, or so many parts of about equal size, the largest speaker placed first."""
    everyone = {clip.speaker for clip in training.labelled}
    order = sorted(shared, key=lambda speaker: (-shared[speaker], str(speaker)))
    if len(everyone) < 2:
        raise CorpusError(f"{training.corpus.name}: one speaker only, so there is nobody else to learn from")
    if not isinstance(folds, int):
        return {speaker: part for part, speaker in enumerate(sorted(order, key=str))}
    if folds > len(order):
        raise ConfigError(
            f"backend.folds={folds}: {training.corpus.name} has {len(order)} speakers; give at most that"
        )
    sizes = [0] * folds
    part_of: dict[str | None, int] = {}
    for speaker in order:
        part = sizes.index(min(sizes))
        part_of[speaker] = part
        sizes[part] += shared[speaker]
    return part_of


def _by_clip(training: Training) -> Folds:
    """Each emotion's clips are dealt in turn, in an order that their ids decide and nothing else."""
    part_of: dict[str, int] = {}
    for label in training.labels:
        ids = sorted((clip.id for clip in training.labelled if clip.reference == label), key=_shuffled)
        part_of |= {clip_id: place % CLIP_PARTS for place, clip_id in enumerate(ids)}
    asked = {clip.id: part_of.get(clip.id, WHOLE) for clip in training.asked} if training.same_people else {}
    return Folds(
        how=f"{CLIP_PARTS} folds of clips, speakers disregarded",
        by_clip=True,
        part_of_clip=asked,
        part_of_taught=[part_of[clip.id] for clip in training.labelled],
    )


def groups_of(clips: Sequence[Clip], *, by_clip: bool) -> list[Hashable]:
    """What may not be parted when hyper-parameters are chosen: the speaker, or the clip."""
    return [clip.id if by_clip else clip.speaker for clip in clips]


def _shuffled(clip_id: str) -> bytes:
    return hashlib.blake2b(clip_id.encode(errors="surrogatepass"), digest_size=8).digest()
