"""How rows become columns of codes and numbers, or one clear error where a file was edited by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.dimensions import DIMENSIONS
from sv_eval.emotions import NO_SPEECH, NO_TAG, PREDICTION_LABELS, UNKNOWN
from sv_eval.errors import RunDirectoryError, nearest
from sv_eval.record_file.lines import Key
from sv_eval.record_file.rows import ANSWERED, ANSWERS, FAILED, OUTCOMES, REFERENCES, Row
from sv_eval.record_file.texts import Texts
from sv_eval.records import OUTSIDE, TOKENS, UNREAD, Outcome
from sv_eval.sound_facts import SOUND_FACTS

_FORCED_CODE: dict[str | None, int] = {None: -1} | {name: code for code, name in enumerate(ANSWERS[:ANSWERED])}
_REFERENCE_CODE: dict[str | None, int] = {None: len(REFERENCES) - 1} | {
    name: code for code, name in enumerate(REFERENCES[:-1])
}
_OUTCOME_CODE = {outcome.value: code for code, outcome in enumerate(OUTCOMES)}
_WITHOUT_LABEL = {
    Outcome.UNKNOWN.value: ANSWERS.index(UNKNOWN),
    Outcome.NO_TAG.value: ANSWERS.index(NO_TAG),
    Outcome.NO_SPEECH.value: ANSWERS.index(NO_SPEECH),
    Outcome.FAILURE.value: ANSWERS.index(FAILED),
} | {outcome.value: ANSWERS.index(outcome.value.lower()) for outcome in UNREAD}
_ANSWER_CODE = {name: code for code, name in enumerate(ANSWERS) if name in PREDICTION_LABELS} | {
    ANSWERS[code]: code for code in _WITHOUT_LABEL.values()
}
_FIELDS = 36
KeyedRow = tuple[Key, int, Row]
"""A row with what it is about and its line."""


def columns(rows: Sequence[KeyedRow], where: str = "records", *, in_file: bool = True) -> dict[str, Any]:
    """The columns of `RecordTable` for rows by clip id and round, ascending, each once.

    where: what errors call the file. Raises RunDirectoryError for a word or number that a record cannot hold,
    naming its clip, and its line where it is in a file.
    """
    keys = [key for key, _, _ in rows]
    values = list(zip(*(row for _, _, row in rows), strict=True)) or [()] * _FIELDS
    reference, raw, outcome, label, forced, speaker, latency, audio, confidence = values[:9]
    batch, attempts, session, call, sent, transcripts, recognised, language, paths = values[9:18]
    failures, stages, troubles, late, sex, shared, streamed, said, marks, sound, told, by, age, accent = values[
        18:32
    ]
    felt, dimensions, ballots, emotions = values[32:]
    column = _Columns(rows, where, in_file=in_file)
    ended = column.codes(outcome, _OUTCOME_CODE, "outcome")
    raw_code, raw_labels = column.vocabulary(raw, "raw_label")
    said_code, said_words = column.vocabulary(said, "raw_label of the answer")
    speaker_code, speakers = column.vocabulary(speaker, "speaker")
    language_code, languages = column.vocabulary(language, "language")
    sex_code, sexes = column.vocabulary(sex, "sex")
    accent_code, accents = column.vocabulary(accent, "accent")
    ballots_code, ballot_sets = column.kinds(ballots)
    emotions_code, emotion_sets = column.kinds(emotions)
    answer = [
        word if without is None else ANSWERS[without]
        for word, without in zip(label, map(_WITHOUT_LABEL.get, outcome), strict=True)
    ]
    return {
        "clip_ids": Texts.of(clip_id for clip_id, _ in keys),
        "round": column.numbers([number for _, number in keys], np.int32, "round"),
        "reference": column.codes(reference, _REFERENCE_CODE, "reference"),
        "raw_label": raw_code,
        "raw_labels": raw_labels,
        "said": said_code,
        "said_words": said_words,
        "predicted": column.codes(answer, _ANSWER_CODE, "answer"),
        "forced": column.codes(forced, _FORCED_CODE, "forced answer"),
        "outcome": ended,
        "speaker": speaker_code,
        "speakers": speakers,
        "latency_ms": column.numbers(latency, np.float64, "latency_ms"),
        "audio_s": column.numbers(audio, np.float64, "audio_s"),
        "confidence": column.numbers(confidence, np.float64, "confidence"),
        "batch_size": column.numbers(batch, np.int32, "batch_size"),
        "attempts": column.numbers(attempts, np.int32, "attempts"),
        "session": column.numbers(session, np.int32, "session"),
        "call": column.numbers(call, np.int64, "call"),
        "sent_s": column.numbers(sent, np.float64, "sent_s"),
        "language": language_code,
        "languages": languages,
        "age": column.numbers(age, np.int16, "age"),
        "accent": accent_code,
        "accents": accents,
        "ballots": ballots_code,
        "ballot_sets": ballot_sets,
        "emotions": emotions_code,
        "emotion_sets": emotion_sets,
        "sex": sex_code,
        "sexes": sexes,
        "transcripts": column.texts(transcripts, "transcript"),
        "recognised": column.texts(recognised, "text"),
        "paths": column.texts(paths, "path"),
        "failures": {
            position: failure or ("unspecified", "no reason was recorded")
            for position, (how, failure) in enumerate(zip(outcome, failures, strict=True))
            if how == Outcome.FAILURE.value
        },
        "stages_ms": column.stages(stages),
        "late_ms": column.numbers(late, np.float64, "late_ms"),
        "troubles": {position: found for position, found in enumerate(troubles) if found},
        "shared": np.array(shared, dtype=np.bool_),
        "streamed": {position: found for position, found in enumerate(streamed) if found is not None},
        "marks": {position: found for position, found in enumerate(marks) if found},
        "sound": column.by_name(sound, SOUND_FACTS, "sound"),
        "told": column.by_name(told, (*TOKENS, OUTSIDE), "tokens"),
        "true_dimensions": column.by_name(felt, DIMENSIONS, "dimensions of the clip"),
        "dimensions": column.by_name(dimensions, DIMENSIONS, "dimensions of the answer"),
        "answered_by": {
            position: name for position, name in enumerate(column.checked(by, "answered_by")) if name is not None
        },
    }


class _Columns:
    """Turns values, one per clip, into columns."""

    def __init__(self, rows: Sequence[KeyedRow], where: str, *, in_file: bool) -> None:
        self._rows, self._file, self._in_file = rows, where, in_file

    def codes(self, words: Sequence[Any], codes: Mapping[Any, int], what: str) -> NDArray[np.int8]:
        """The code of each word."""
        try:
            return np.array([codes[word] for word in words], dtype=np.int8)
        except (KeyError, TypeError):
            known = [name for name in codes if name]
            place = next(i for i, word in enumerate(words) if not isinstance(word, str | None) or word not in codes)
            hint = nearest(str(words[place]), known)
            raise RunDirectoryError(f"{self._where(place)}: {what} '{words[place]}'; {hint}") from None

    def vocabulary(self, words: Sequence[Any], what: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        """A code for each word, -1 for None, and the words in order."""
        self.checked(words, what)
        names = tuple(sorted({word for word in words if word is not None}))
        code: dict[str | None, int] = {name: index for index, name in enumerate(names)} | {None: -1}
        return np.array([code[word] for word in words], dtype=np.int32), names

    def texts(self, words: Sequence[Any], what: str) -> Texts[Any]:
        """The texts themselves, None for none."""
        return Texts.of(self.checked(words, what))

    def checked(self, words: Sequence[Any], what: str) -> Sequence[str | None]:
        """The words, all of which are texts or None."""
        strange = None
        if not set(map(type, words)) <= {str, type(None)}:
            strange = next((i for i, word in enumerate(words) if not isinstance(word, str | None)), None)
        if strange is not None:
            raise RunDirectoryError(
                f"{self._where(strange)}: {what} {words[strange]!r} is no text; put it in quotes"
            )
        return words

    def kinds(self, values: Sequence[Any]) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
        """A code for each value, -1 for None, and the values that occur, sorted."""
        known = tuple(sorted({value for value in values if value is not None}))
        code: dict[Any, int] = {value: index for index, value in enumerate(known)} | {None: -1}
        return np.array([code[value] for value in values], dtype=np.int32), known

    def stages(self, values: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[np.float64]]:
        """A column of milliseconds for each stage that occurs, in order of occurrence; NaN where it does not."""
        names = dict.fromkeys(name for row in values for name in row)
        return {
            name: self.numbers([row.get(name) for row in values], np.float64, f"stages_ms.{name}") for name in names
        }

    def by_name(
        self, values: Sequence[Mapping[str, Any]], names: Sequence[str], what: str
    ) -> dict[str, NDArray[np.float64]]:
        """A column for each of the names that occurs; NaN where it can't be told."""
        there = set[str]().union(*values)
        return {
            name: self.numbers([row.get(name) for row in values], np.float64, f"{what}.{name}")
            for name in names
            if name in there
        }

    def numbers(self, values: Sequence[Any], dtype: Any, what: str) -> NDArray[Any]:
        """The values as numbers, None as NaN."""
        try:
            return np.array(values, dtype=dtype)
        except (TypeError, ValueError, OverflowError):
            place = next(i for i, value in enumerate(values) if not _fits(value, dtype))
            raise RunDirectoryError(
                f"{self._where(place)}: {what} {values[place]!r} is no such number; mend it"
            ) from None

    def _where(self, place: int) -> str:
        (clip_id, _), line, _ = self._rows[place]
        return f"{self._file}{f', line {line}' if self._in_file else ''}, clip '{clip_id}'"


def _fits(value: Any, dtype: Any) -> bool:
    try:
        return np.array(value, dtype=dtype).ndim == 0
    except (TypeError, ValueError, OverflowError):
        return False
