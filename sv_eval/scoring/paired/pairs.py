"""Two runs laid side by side, clip by clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import UsageError
from sv_eval.record_file.class_codes import ClassCodes
from sv_eval.record_file.table import RecordTable
from sv_eval.scoring.config import POLICIES
from sv_eval.scoring.paired.significance import Discordant

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The clips that two runs share and that neither failed on, and what each said under one policy.

    All arrays have one entry a clip, ascending by id.
    """

    labels: tuple[str, ...]
    """The scored classes."""
    policy: str
    """What becomes of an answer without an emotion: `wrong`, `abstain` or `ban`."""
    clip_ids: tuple[str, ...]
    """The clips in scope."""
    reference: Codes
    """Place of the reference in `labels`."""
    before: Codes
    """Place of the first run's answer in `labels`; len(labels) for any other answer, -1 for none that counts."""
    after: Codes
    """The same of the second run."""
    speaker: Codes
    """Code of the speaker, -1 when unknown."""
    n_common: int
    """Clips that both runs have, whatever became of them."""
    n_asked: int
    """Common clips in scope, failed ones too."""
    only_before: int
    """Clips that only the first run has."""
    only_after: int
    """Clips that only the second run has."""
    failed_before: int
    """Common clips in scope that the first run failed on."""
    failed_after: int
    """Common clips in scope that the second run failed on."""
    newly_failed: int
    """Clips in scope that the second run alone failed on."""
    newly_answered: int
    """Clips in scope that the first run alone failed on."""

    @property
    def n(self) -> int:
        """The number of pairs."""
        return len(self.clip_ids)

    @property
    def right_before(self) -> Mask:
        """Which clips the first run got right."""
        return np.equal(self.before, self.reference)

    @property
    def right_after(self) -> Mask:
        """Which clips the second run got right."""
        return np.equal(self.after, self.reference)

    @property
    def changed(self) -> Mask:
        """Which clips got another answer."""
        return np.not_equal(self.before, self.after)

    def part(self, which: Mask) -> Pairs:
        """Some of the pairs; nothing is known of clips that are no pairs."""
        return Pairs(
            labels=self.labels,
            policy=self.policy,
            clip_ids=tuple(clip_id for clip_id, inside in zip(self.clip_ids, which, strict=True) if inside),
            reference=self.reference[which],
            before=self.before[which],
            after=self.after[which],
            speaker=self.speaker[which],
            n_common=int(which.sum()),
            n_asked=int(which.sum()),
            only_before=0,
            only_after=0,
            failed_before=0,
            failed_after=0,
            newly_failed=0,
            newly_answered=0,
        )

    def discordant(self, label: str | None = None) -> Discordant:
        """Clips that only one of the runs got right, of one reference label or of all."""
        asked = np.ones(self.n, bool) if label is None else self.reference == self.labels.index(label)
        gained = asked & ~self.right_before & self.right_after
        lost = asked & self.right_before & ~self.right_after
        return Discordant(gained=int(gained.sum()), lost=int(lost.sum()))


def pairs_of(
    before: RecordTable,
    after: RecordTable,
    labels: Sequence[str],
    policy: str = "wrong",
    *,
    against_after: bool = False,
) -> Pairs:
    """The pairs of two tables with the same classes; raises UsageError when references of a clip differ.

    A clip that either run failed on is no pair; how many there are is counted. With `against_after` a clip that the
    second run alone failed on is a pair, and its answer a wrong one under every policy: so a run can't better its
    figures by failing on what is hard.
    """
    if before.class_codes != after.class_codes:
        after = _recoded(after, before.class_codes)
    if policy not in POLICIES:
        raise ValueError(f"unknown policy {policy}")
    at_before, at_after = _common(before.clip_ids, after.clip_ids)
    differing = before.reference[at_before] != after.reference[at_after]
    if differing.any():
        first = before.clip_ids[int(at_before[differing][0])]
        raise UsageError(
            f"clip '{first}' has another reference in the second run ({int(differing.sum())} clips do): "
            "the runs are of different labels"
        )
    codes = [before.class_codes.reference(label) for label in labels]
    asked = np.isin(before.reference[at_before], codes)
    failed_before, failed_after = asked & before.failed[at_before], asked & after.failed[at_after]
    kept = asked & ~failed_before
    if not against_after:
        kept &= ~failed_after
    place = np.full(len(before.class_codes.answers), len(labels))
    place[[before.class_codes.answer(label) for label in labels]] = np.arange(len(labels))
    return Pairs(
        labels=tuple(labels),
        policy=policy,
        clip_ids=tuple(before.clip_ids[i] for i in at_before[kept].tolist()),
        reference=place[before.reference[at_before][kept]],
        before=_answers(before, at_before[kept], place, policy),
        after=np.where(failed_after[kept], len(labels), _answers(after, at_after[kept], place, policy)),
        speaker=_speakers(before, after, at_before[kept], at_after[kept]),
        n_common=len(at_before),
        n_asked=int(asked.sum()),
        only_before=len(before) - len(at_before),
        only_after=len(after) - len(at_before),
        failed_before=int(failed_before.sum()),
        failed_after=int(failed_after.sum()),
        newly_failed=int((failed_after & ~failed_before).sum()),
        newly_answered=int((failed_before & ~failed_after).sum()),
    )


def _recoded(table: RecordTable, class_codes: ClassCodes) -> RecordTable:
    """The table with the codes of another vocabulary; raises UsageError unless it has the same classes."""
    if set(table.class_codes.classes) != set(class_codes.classes):
        raise UsageError("the two runs are scored under different label maps; score both under one (labels=MAP)")
    answers = np.array([class_codes.answer(name) for name in table.class_codes.answers], dtype=np.int8)
    references = np.array([class_codes.reference(name) for name in table.class_codes.references], dtype=np.int8)
    return replace(
        table,
        reference=references[table.reference],
        predicted=answers[table.predicted],
        forced=np.where(table.forced < 0, table.forced, answers[table.forced]),
        class_codes=class_codes,
    )


def _common(one: Sequence[str], other: Sequence[str]) -> tuple[Codes, Codes]:
    """Places of the ids that both sorted sequences have."""
    places = {clip_id: place for place, clip_id in enumerate(other)}
    found = [(place, places[clip_id]) for place, clip_id in enumerate(one) if clip_id in places]
    both = np.array(found, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _answers(table: RecordTable, places: Codes, place: Codes, policy: str) -> Codes:
    answers = (table.banned if policy == "ban" else table.predicted)[places]
    found: Codes = place[answers]
    if policy == "abstain":
        found[answers >= table.class_codes.answered] = -1
    return found


def _speakers(before: RecordTable, after: RecordTable, at_before: Codes, at_after: Codes) -> Codes:
    """The speaker's code in the first table; where only the second knows one, a code behind those."""
    code = before.speaker[at_before].astype(np.int64)
    other = after.speaker[at_after].astype(np.int64)
    return np.where(code >= 0, code, np.where(other >= 0, other + len(before.speakers), -1))
