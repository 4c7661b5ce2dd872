"""Scoring under another label map: a run's records, led from SenseVoice's seven emotions to other classes.

Nothing is inferred again. A record keeps the corpus's own word, its canonical emotion and the recogniser's answer;
which class each of them belongs to is a choice that can be made, and changed, afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import EMOTIONS, OTHER
from sv_eval.errors import ConfigError, nearest
from sv_eval.record_file.class_codes import SEVEN, ClassCodes
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.report.context import LabelMap, MergedWord
from sv_eval.report.environment import CorpusFacts
from sv_eval.scoring.labels.config import EVERY_WORD, OWN, TAKEN, LabelsConfig
from sv_eval.scoring.labels.fine import FINE, NEVER_A_CLASS, SPELLINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelling:
    """A label map, settled for one corpus."""

    config: LabelsConfig
    """The map as the user chose it."""
    scored: tuple[str, ...]
    """The classes that may be scored, in order."""
    class_codes: ClassCodes
    """The scored classes and the emotions that are in none of them."""
    of_emotion: Mapping[str, str]
    """Canonical emotion to its class; an emotion in no class keeps its name."""
    of_word: Mapping[str, str]
    """Finer word that the corpus uses and that does not count as the card has it, to its class or `other`."""
    meanings: Mapping[str, str]
    """Raw label of the corpus to the finer word that it stands for."""

    def class_of(self, reference: str, raw: str | None) -> str:
        """The class of a reference with its raw label; `other` for none."""
        word = None if raw is None else self.meanings.get(raw)
        if word is not None and word in self.of_word:
            return self.of_word[word]
        return self.of_emotion.get(reference, reference)

    def can_be_said(self, supported: Sequence[str] | None) -> tuple[str, ...] | None:
        """The classes that a recogniser of these emotions can name; None where it does not declare any."""
        if supported is None:
            return None
        return tuple(
            name for name in self.class_codes.classes if any(self.of_emotion.get(e) == name for e in supported)
        )


def relabelling_of(config: LabelsConfig, corpus: CorpusFacts) -> Relabelling:
    """The map settled for a corpus; raises ConfigError.

    Runs of earlier versions hold no entries of the corpus's own map, and then only words that need none are known.
    """
    label_map = corpus.label_map
    entries = label_map.entries
    meanings = _meanings(entries, label_map.meanings, label_map.case_sensitive)
    _check_merges(config, meanings)
    of_emotion = {emotion: name for name, emotions in config.classes.items() for emotion in emotions}
    of_emotion |= {emotion: emotion for emotion in EMOTIONS if emotion not in of_emotion}
    of_word = _of_words(config, entries, meanings, of_emotion)
    held = dict.fromkeys([*(of_emotion[emotion] for emotion in corpus.label_order), *of_word.values()])
    scored = [name for name in held if name in config.classes]
    own = sorted((word for word, name in of_word.items() if name == word), key=_place)
    empty = [name for name in config.classes if name not in held]
    left = [emotion for emotion in EMOTIONS if of_emotion[emotion] not in config.classes]
    return Relabelling(
        config=config,
        scored=(*scored, *own),
        class_codes=ClassCodes((*scored, *own, *empty, *left)),
        of_emotion=of_emotion,
        of_word=of_word,
        meanings=meanings,
    )


def _place(word: str) -> int:
    """Where tables show a finer word; those that only a corpus knows come last."""
    return list(FINE).index(word) if word in FINE else len(FINE)


def _meanings(entries: Mapping[str, str], of_card: Mapping[str, str], case_sensitive: bool) -> dict[str, str]:
    """Raw label to finer word: by the card, a common spelling, or, outside the seven, by what it is called."""
    found = {}
    for raw, emotion in entries.items():
        meaning = of_card.get(raw) or (raw if case_sensitive else SPELLINGS.get(raw.casefold(), raw))
        if meaning in FINE or emotion == OTHER:
            found[raw] = OTHER if meaning in TAKEN else meaning
    return found


def _check_merges(config: LabelsConfig, meanings: Mapping[str, str]) -> None:
    known = dict.fromkeys([*FINE, *meanings.values(), EVERY_WORD])
    for word in config.merges:
        if word not in known:
            raise ConfigError(f"labels.merges: '{word}' is no word finer than the seven; {nearest(word, known)}")


def _of_words(
    config: LabelsConfig,
    entries: Mapping[str, str],
    meanings: Mapping[str, str],
    of_emotion: Mapping[str, str],
) -> dict[str, str]:
    """Finer word to the class that `merges` puts it into, for words that the corpus uses."""
    plain = {emotion for raw, emotion in entries.items() if raw not in meanings}
    found = {}
    for raw, word in meanings.items():
        target = config.merges.get(word) or config.merges.get(EVERY_WORD)
        if target is None:
            continue
        if target == OWN:
            # The corpus's only word for an emotion is that emotion: TESS has no surprise but a pleasant one.
            only = entries[raw] in EMOTIONS and entries[raw] not in plain
            target = entries[raw] if only else OTHER if word in NEVER_A_CLASS else word
        found[word] = of_emotion.get(target, target)
    return found


def check_scored(labels: str | tuple[str, ...], plan: Relabelling) -> None:
    """Raises ConfigError when `scoring.labels` names a class that the label map has not got."""
    for label in () if isinstance(labels, str) else labels:
        if label not in plan.class_codes.classes:
            raise ConfigError(
                f"scoring.labels: '{label}' is no class of the label map '{plan.config.name}'; "
                + nearest(label, plan.class_codes.classes)
            )


def relabelled(records: RunRecords, plan: Relabelling) -> RunRecords:
    """The records with the classes of another label map; the very same ones where nothing changes."""
    answers = _relabelled(records.answers, plan)
    once = records.requests is records.answers
    return replace(records, answers=answers, requests=answers if once else _relabelled(records.requests, plan))


def _relabelled(table: RecordTable, plan: Relabelling) -> RecordTable:
    if plan.class_codes == SEVEN and not plan.of_word:
        return table
    if table.class_codes != SEVEN:
        raise ValueError("a table is relabelled once, from the seven emotions")
    answers = np.array(
        [plan.class_codes.answer(plan.of_emotion.get(name, name)) for name in SEVEN.answers], dtype=np.int8
    )
    return replace(
        table,
        reference=_references(table, plan),
        predicted=answers[table.predicted],
        forced=np.where(table.forced < 0, table.forced, answers[table.forced]),
        class_codes=plan.class_codes,
    )


def _references(table: RecordTable, plan: Relabelling) -> NDArray[np.int8]:
    """Every clip's class code, by its canonical emotion and its raw label."""
    raws = (*table.raw_labels, None)  # the code of no raw label, -1, is the last place
    codes = np.array(
        [[plan.class_codes.reference(plan.class_of(name, raw)) for raw in raws] for name in SEVEN.references],
        dtype=np.int8,
    )
    found: NDArray[np.int8] = codes[table.reference, table.raw_label]
    return found


def describe(plan: Relabelling, table: RecordTable) -> LabelMap:
    """What a report says about the label map: its classes, and what becomes of each finer word in the corpus.

    table is the one that was read from the records, before it was relabelled.
    """
    counts = Counter(
        (table.raw_labels[raw], SEVEN.references[reference])
        for raw, reference in zip(table.raw_label.tolist(), table.reference.tolist(), strict=True)
        if raw >= 0
    )
    found = sorted((raw, reference, n) for (raw, reference), n in counts.items() if raw in plan.meanings)
    config = plan.config
    return LabelMap(
        name=config.name,
        version=config.version,
        classes=dict(config.classes),
        merges={word: to for word, to in config.merges.items() if to is not None},
        hash=config.hash,
        scored_classes=plan.scored,
        merged=tuple(_merged(plan, *each) for each in found),
    )


def _merged(plan: Relabelling, raw: str, reference: str, n: int) -> MergedWord:
    word, counts_as = plan.meanings[raw], plan.class_of(reference, raw)
    of_emotion = plan.of_emotion.get(reference, reference)
    alternatives = FINE[word].alternatives if word in FINE else ()
    return MergedWord(
        raw=raw,
        word=word,
        n=n,
        counts_as=counts_as,
        by_default=word not in plan.of_word or plan.of_word[word] == of_emotion,
        alternatives=tuple(name for name in alternatives if name != counts_as),
    )
