"""Scoring under another label map: a run's records, led from SenseVoice's seven emotions to other classes.

Nothing is inferred again. A record keeps the corpus's own word, its canonical emotion and the recogniser's answer;
which class each of them belongs to is a choice that can be made, and changed, afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.answer_words import PLAIN, AnswerWords, canonical_of
from sv_eval.config.overrides import typed
from sv_eval.dimensions import Range
from sv_eval.emotions import EMOTIONS, NO_TAG, OTHER, PREDICTION_LABELS
from sv_eval.errors import ConfigError, nearest
from sv_eval.finer_words import FINE, NEVER_A_CLASS, SPELLINGS
from sv_eval.record_file.class_codes import SEVEN, ClassCodes
from sv_eval.record_file.rows import OUTCOMES
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Outcome
from sv_eval.report.context import LabelMap, MergedWord, SaidWord
from sv_eval.report.environment import CorpusFacts, Environment
from sv_eval.scoring.labels.config import EVERY_WORD, OWN, TAKEN, LabelsConfig
from sv_eval.scoring.labels.quadrants import QuadrantRule, by_quadrant, in_quadrants, quadrant_rule

_AS_IT_IS = -1
"""In the place of an answer's class: what the record has counts."""
_FEW = 5
_SHORT = 3
"""Labels of fewer letters are codes: `F` is joy in one corpus and fear in the next."""


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
    """Raw label of the corpus to the finer word that it stands for, or to the emotion that the user's words say."""
    answer_words: AnswerWords
    """What the recogniser's own words mean, and the user's before them."""
    coded: frozenset[str]
    """The corpus's labels that are codes, of which the card alone says what they mean."""
    case_sensitive: bool
    """Whether all of them are."""
    quadrants: QuadrantRule | None = None
    """What answers with dimensions alone stand for."""

    def class_of(self, reference: str, raw: str | None) -> str:
        """The class of a reference with its raw label; `other` for none."""
        word = None if raw is None else self.meanings.get(raw)
        if word is not None and (word in self.of_word or word in EMOTIONS or word in self.config.words):
            return self.class_of_meaning(word)
        return self.of_emotion.get(reference, reference)

    def class_of_meaning(self, meaning: str) -> str:
        """The class of an emotion or a finer word; `other` and `unknown` stay what they are."""
        if meaning in self.of_word:
            return self.of_word[meaning]
        emotion = canonical_of(meaning)
        return self.of_emotion.get(emotion, emotion)

    def class_of_score(self, name: str) -> str:
        """The class of a name that has a score; what no map holds keeps its name."""
        return self.class_of_meaning(name) if name in PREDICTION_LABELS or name in self.of_word else name

    def meaning_of_answer(self, said: str) -> str | None:
        """What a word of the recogniser means; None where neither the user's words nor its own hold it."""
        return self.answer_words.meaning(said)

    def class_of_answer(self, said: str) -> str | None:
        """The class of a word of the recogniser's own, or `unknown`; None where no map holds the word."""
        meaning = self.meaning_of_answer(said)
        return None if meaning is None else self.class_of_meaning(meaning)

    def can_be_said(self, supported: Sequence[str] | None, said: Iterable[str] = ()) -> tuple[str, ...] | None:
        """The classes that a recogniser can name, by what it declares and by the words that it said.

        None where it declares nothing.
        """
        if supported is None:
            return None
        supported = (*supported, *(self.quadrants.emotions if self.quadrants else ()))
        named = {self.class_of_meaning(word) for word in supported} | {self.class_of_answer(word) for word in said}
        return tuple(name for name in self.class_codes.classes if name in named)


def relabelling_for(config: LabelsConfig, environment: Environment) -> Relabelling:
    """The map settled for what a run was made of: its corpus, its recogniser's words and dimensions."""
    backend = environment.backend
    return relabelling_of(config, environment.dataset, backend.words, backend.capabilities.dimensions)


def relabelling_of(
    config: LabelsConfig,
    corpus: CorpusFacts,
    words: AnswerWords | None = None,
    told: Mapping[str, Range] | None = None,
) -> Relabelling:
    """The map settled for a corpus and for a recogniser's own words; raises ConfigError.

    told: the ranges of the recogniser's dimensions; None where nobody knows the recogniser yet.

    Runs of earlier versions hold no entries of the corpus's own map, and then only words that need none are known.
    """
    label_map = corpus.label_map
    entries = label_map.entries
    spellings = config.spellings
    meanings = _meanings(entries, label_map.meanings, label_map.case_sensitive)
    meanings |= {raw: spellings[raw.casefold()] for raw in entries if raw.casefold() in spellings}
    _check_merges(config, meanings)
    answer_words = (words or PLAIN).with_own(spellings)
    of_emotion = {emotion: name for name, held in config.classes.items() for emotion in held if emotion in EMOTIONS}
    of_emotion |= {emotion: emotion for emotion in EMOTIONS if emotion not in of_emotion}
    of_word = _of_words(config, entries, meanings, of_emotion)
    of_word |= _only_said(config, {*answer_words.entries.values()} - {*of_word}, of_emotion)
    used = {*meanings.values()}
    held = dict.fromkeys(
        [
            *(of_emotion[emotion] for emotion in corpus.label_order),
            *(of_emotion[word] for word in meanings.values() if word in of_emotion),
            *(name for word, name in of_word.items() if word in used),
        ]
    )
    scored = [name for name in held if name in config.classes]
    own = sorted(
        (word for word, name in of_word.items() if name == word and word not in config.classes), key=_place
    )
    empty = [name for name in config.classes if name not in held]
    left = [emotion for emotion in EMOTIONS if of_emotion[emotion] not in config.classes]
    return Relabelling(
        config=config,
        scored=(*scored, *own),
        class_codes=ClassCodes((*scored, *own, *empty, *left)),
        of_emotion=of_emotion,
        of_word=of_word,
        meanings=meanings,
        answer_words=answer_words,
        coded=frozenset(
            raw for raw in entries if raw in label_map.meanings or (raw.isascii() and len(raw) < _SHORT)
        ),
        case_sensitive=label_map.case_sensitive,
        quadrants=quadrant_rule(config.quadrants, told),
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
        target = _target(config, word)
        if target is None:
            continue
        if target == OWN:
            # The corpus's only word for an emotion is that emotion: TESS has no surprise but a pleasant one.
            only = entries[raw] in EMOTIONS and entries[raw] not in plain
            target = entries[raw] if only else OTHER if word in NEVER_A_CLASS else word
        found[word] = of_emotion.get(target, target)
    return found


def _target(config: LabelsConfig, word: str) -> str | None:
    """Where the user leads a finer word: a class, an emotion, `other` or `own`; None for the default."""
    if word in EMOTIONS:
        return None
    in_class = next((name for name, held in config.classes.items() if word in held), None)
    return in_class or config.merged_into(word)


def _only_said(config: LabelsConfig, words: Iterable[str], of_emotion: Mapping[str, str]) -> dict[str, str]:
    """As `_of_words`, for words that the recogniser has and the corpus does not: none is a class by itself."""
    targets = {word: _target(config, word) for word in sorted({*words} - {*PREDICTION_LABELS})}
    return {
        word: OTHER if target == OWN else of_emotion.get(target, target)
        for word, target in targets.items()
        if target is not None
    }


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
    if plan.quadrants is not None and table.class_codes == SEVEN:
        table = in_quadrants(table, plan.quadrants)
    if plan.class_codes == SEVEN and not plan.of_word and not plan.config.words:
        return table
    if table.class_codes != SEVEN:
        raise ValueError("a table is relabelled once, from the seven emotions")
    codes = plan.class_codes
    answers = np.array([codes.answer(plan.of_emotion.get(name, name)) for name in SEVEN.answers], dtype=np.int8)
    by_word = np.array([_answer_code(plan, word) for word in table.said_words] + [_AS_IT_IS], dtype=np.int8)[
        table.said
    ]
    # Silence and failures have no word; what they are no map changes.
    read_anew = (by_word != _AS_IT_IS) & (table.predicted <= SEVEN.answer(NO_TAG))
    names_a_class = read_anew & (by_word < codes.answered)
    forced = np.where(table.forced < 0, table.forced, answers[table.forced])
    named, declined, found_none = (
        OUTCOMES.index(outcome) for outcome in (Outcome.LABEL, Outcome.UNKNOWN, Outcome.NO_TAG)
    )
    outcome = np.where(read_anew & np.equal(table.outcome, found_none), declined, table.outcome)
    return replace(
        table,
        reference=_references(table, plan),
        predicted=np.where(read_anew, by_word, answers[table.predicted]),
        forced=np.where(names_a_class & (forced >= 0), by_word, forced),
        outcome=np.where(names_a_class, named, outcome).astype(np.int8),
        class_codes=codes,
    )


def _answer_code(plan: Relabelling, word: str) -> int:
    found = plan.class_of_answer(word)
    return _AS_IT_IS if found is None else plan.class_codes.answer(found)


def refuse_contradictions(table: RecordTable, plan: Relabelling) -> None:
    """Raise ConfigError for a word that leads the corpus to one class and the recogniser to another.

    Codes of corpora, which mean what their card says they mean, are no words.
    """
    said = {word.strip().casefold(): word for word in table.said_words}
    if plan.case_sensitive or not said:
        return
    for reference, raw in np.unique(np.stack([table.reference, table.raw_label]), axis=1).T:
        word = table.raw_labels[raw] if raw >= 0 else ""
        answer = said.get(word.strip().casefold())
        if answer is None or word in plan.coded:
            continue
        here = plan.class_of(SEVEN.references[reference], word)
        there = plan.class_of_answer(answer)
        if there is not None and here != there:
            raise ConfigError(
                f"'{word}' counts as {here} where the corpus says it and as {there} where the recogniser does; say "
                f"what it means on both sides, and score again: {typed(f'+labels.words.{there}', [word])}"
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
    found = sorted(
        (raw, reference, n)
        for (raw, reference), n in counts.items()
        if raw in plan.meanings and plan.meanings[raw] != reference
    )
    config, words = plan.config, plan.answer_words
    return LabelMap(
        name=config.name,
        version=config.version,
        classes=dict(config.classes),
        merges={word: to for word, to in config.merges.items() if to is not None},
        hash=config.hash,
        scored_classes=plan.scored,
        merged=tuple(_merged(plan, *each) for each in found),
        words=dict(config.words) or UNSET,
        said=tuple(_said(plan, table)) or UNSET,
        quadrants=config.quadrants or UNSET,
        by_quadrant=by_quadrant(table, plan.quadrants) if plan.quadrants else UNSET,
        answer_words=f"{words.name} v{words.version} {words.hash}" if table.said_words else UNSET,
    )


def _said(plan: Relabelling, table: RecordTable) -> Iterator[SaidWord]:
    """The words of the recogniser's own that a report must tell of."""
    words = plan.answer_words
    for code, n in sorted(Counter(table.said[table.said >= 0].tolist()).items()):
        raw = table.said_words[code]
        meaning, mixed = plan.meaning_of_answer(raw), words.is_mixed(raw)
        if mixed or meaning not in PREDICTION_LABELS:
            places = np.flatnonzero(np.equal(table.said, code))[:_FEW]
            yield SaidWord(
                raw=raw,
                word=meaning,
                n=n,
                counts_as=plan.class_of_answer(raw),
                mixed=mixed,
                clips=tuple(table.clip_ids[place] for place in places),
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
