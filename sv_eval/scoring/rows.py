"""How a record becomes a row of plain values, rows become columns, and what the codes in them mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.emotions import EMOTIONS, NO_SPEECH, NO_TAG, OTHER, PREDICTION_LABELS, UNKNOWN
from sv_eval.errors import UsageError, nearest
from sv_eval.records import Outcome, Record

UNLABELLED = "unlabelled"
"""The row name of clips whose corpus gives no label."""
FAILED = "failed"
"""The answer code of a FAILURE; it is no label and no column of any confusion matrix."""

REFERENCES: tuple[str, ...] = (*EMOTIONS, OTHER, UNLABELLED)
"""What a reference code means: `REFERENCES[table.reference[i]]`."""
ANSWERS: tuple[str, ...] = (*EMOTIONS, OTHER, UNKNOWN, NO_TAG, NO_SPEECH, FAILED)
"""What an answer code means: `ANSWERS[table.predicted[i]]`. An emotion has the same code in `REFERENCES`."""
OUTCOMES: tuple[Outcome, ...] = tuple(Outcome)
"""What an outcome code means: `OUTCOMES[table.outcome[i]]`."""

ANSWERED = ANSWERS.index(UNKNOWN)
"""Answer codes below this one name an emotion (or `other`); those from it on do not."""

_ANSWER_CODE = {name: code for code, name in enumerate(ANSWERS) if name in PREDICTION_LABELS}
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
}
Row = tuple[Any, ...]
"""One record's values, in the order that `columns` takes them apart."""


def row_of_json(data: Mapping[str, Any]) -> Row:
    """The row of a parsed line of `records.jsonl`."""
    clip, get = data["clip"], data.get
    prediction = get("prediction") or {}
    failure = get("failure")
    return (
        clip.get("reference"),
        clip.get("raw_label"),
        data["outcome"],
        prediction.get("label"),
        prediction.get("forced"),
        clip.get("speaker") or None,
        get("latency_ms"),
        get("audio_s"),
        prediction.get("confidence"),
        get("batch_size", 1),
        get("attempts", 1),
        get("session", 0),
        get("call", -1),
        get("sent_s"),
        clip.get("transcript") or prediction.get("text") or "",
        clip.get("path", ""),
        None if failure is None else (failure["kind"], failure["message"]),
    )


def row_of_record(record: Record) -> Row:
    """The row of a record in memory."""
    clip, prediction, failure = record.clip, record.prediction, record.failure
    return (
        clip.reference,
        clip.raw_label,
        record.outcome.value,
        None if prediction is None else prediction.label,
        None if prediction is None else prediction.forced,
        clip.speaker or None,
        _rounded(record.latency_ms),
        _rounded(record.audio_s),
        None if prediction is None else _rounded(prediction.confidence),
        record.batch_size,
        record.attempts,
        record.session,
        -1 if record.call is None else record.call,
        _rounded(record.sent_s),
        clip.transcript or (prediction.text if prediction is not None else None) or "",
        clip.path,
        None if failure is None else (failure.kind, failure.message),
    )


def _rounded(value: float | None) -> float | None:
    """As `records.record_to_json` writes it, so that both ways into the table agree."""
    return None if value is None else round(value, 6)


def columns(rows: Mapping[str, Row]) -> dict[str, Any]:
    """The columns of `RecordTable` for rows by clip id."""
    ids = tuple(sorted(rows))
    values = list(zip(*(rows[clip_id] for clip_id in ids), strict=True)) or [()] * 15
    reference, raw, outcome, label, forced, speaker, latency, audio, confidence = values[:9]
    batch, attempts, session, texts, paths, failures = values[9:]
    raw_code, raw_labels = _vocabulary(raw)
    speaker_code, speakers = _vocabulary(speaker)
    answer = [
        word if without is None else ANSWERS[without]
        for word, without in zip(label, map(_WITHOUT_LABEL.get, outcome), strict=True)
    ]
    known = _ANSWER_CODE | {ANSWERS[code]: code for code in _WITHOUT_LABEL.values()}
    return {
        "clip_ids": ids,
        "reference": _codes(ids, reference, _REFERENCE_CODE, "reference"),
        "raw_label": raw_code,
        "raw_labels": raw_labels,
        "predicted": _codes(ids, answer, known, "answer"),
        "forced": _codes(ids, forced, _FORCED_CODE, "forced answer"),
        "outcome": _codes(ids, outcome, _OUTCOME_CODE, "outcome"),
        "speaker": speaker_code,
        "speakers": speakers,
        "latency_ms": np.array(latency, dtype=np.float64),
        "audio_s": np.array(audio, dtype=np.float64),
        "confidence": np.array(confidence, dtype=np.float64),
        "batch_size": np.array(batch, dtype=np.int32),
        "attempts": np.array(attempts, dtype=np.int32),
        "session": np.array(session, dtype=np.int32),
        "texts": texts,
        "paths": paths,
        "failures": {
            position: failure or ("unspecified", "no reason was recorded")
            for position, (how, failure) in enumerate(zip(outcome, failures, strict=True))
            if how == Outcome.FAILURE.value
        },
    }


def _codes(ids: Sequence[str], words: Sequence[Any], codes: Mapping[Any, int], what: str) -> NDArray[np.int8]:
    try:
        return np.array([codes[word] for word in words], dtype=np.int8)
    except KeyError as error:
        word = error.args[0]
        clip_id = ids[words.index(word)]
        choices = [name for name in codes if name]
        raise UsageError(f"record of clip '{clip_id}': {what} '{word}'; {nearest(str(word), choices)}") from None


def _vocabulary(words: Sequence[str | None]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    names = tuple(sorted({word for word in words if word is not None}))
    code: dict[str | None, int] = {name: index for index, name in enumerate(names)} | {None: -1}
    return np.array([code[word] for word in words], dtype=np.int32), names
