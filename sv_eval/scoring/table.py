"""A run's records as columns: small code arrays instead of objects, sorted by clip id.

Sorting makes every result independent of the order in which clips were answered, so that a resumed run scores
like one that ran through. Where a clip id occurs more than once, **the last record wins** (a resumed run asks
again for clips that failed before); `n_repeated` says how many earlier ones were dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import UsageError
from sv_eval.json_lines import no_collections, parse_line
from sv_eval.records import Record
from sv_eval.scoring.columns import columns
from sv_eval.scoring.rows import Row, row_of_json, row_of_record
from sv_eval.scoring.vocabulary import SEVEN, Vocabulary

_BEFORE_ROUND = "\x1f"


def repeat_id(clip_id: str, number: int) -> str:
    """What a clip's record of a later round stands under: sorts behind that of the first."""
    return f"{clip_id}{_BEFORE_ROUND}{number}"


def first_id(key: str) -> str:
    """The id of the clip that a table's key is about."""
    return key.partition(_BEFORE_ROUND)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTable:
    """The records of a run, one position per clip, ascending by clip id. All columns have the same length."""

    clip_ids: tuple[str, ...]
    """Unique clip ids, sorted."""
    reference: NDArray[np.int8]
    """Code into `words.references`."""
    raw_label: NDArray[np.int32]
    """Code into `raw_labels`, -1 for none."""
    raw_labels: tuple[str, ...]
    """The corpus's own words for the emotions, sorted."""
    predicted: NDArray[np.int8]
    """The unforced answer: code into `words.answers`."""
    forced: NDArray[np.int8]
    """The forced answer: code into `words.answers`, -1 where the recogniser gave none."""
    outcome: NDArray[np.int8]
    """Code into `OUTCOMES`."""
    speaker: NDArray[np.int32]
    """Code into `speakers`, -1 when unknown."""
    speakers: tuple[str, ...]
    """Speaker names, sorted."""
    latency_ms: NDArray[np.float64]
    """Milliseconds from the decoded waveform to the outcome; NaN where nothing was measured."""
    audio_s: NDArray[np.float64]
    """Length of the audio, seconds; NaN when it could not be decoded."""
    confidence: NDArray[np.float64]
    """Posterior of the unforced answer, uncalibrated; NaN where there is none."""
    batch_size: NDArray[np.int32]
    """How many clips were answered in the same call."""
    attempts: NDArray[np.int32]
    """How often the backend was asked."""
    session: NDArray[np.int32]
    """Which start of the run measured it, from 0."""
    call: NDArray[np.int64]
    """Number of the call within its session, shared by the clips answered in it; -1 where there is none."""
    sent_s: NDArray[np.float64]
    """When the call was made, seconds from the start of the session's measurement; NaN where it is not known."""
    language: NDArray[np.int32]
    """Code into `languages`, -1 when unknown."""
    languages: tuple[str, ...]
    """The clips' language tags, sorted."""
    transcripts: tuple[str | None, ...]
    """The words spoken, by the corpus; None for none."""
    recognised: tuple[str | None, ...]
    """The words that were recognised, empty for no words; None where the recogniser gives none."""
    paths: tuple[str, ...]
    """Where the audio is; empty for nowhere."""
    failures: Mapping[int, tuple[str, str]]
    """Position of each FAILURE to its kind and message, ascending."""
    stages_ms: Mapping[str, NDArray[np.float64]]
    """Milliseconds by stage, a column for each, in the order in which they occur; NaN where there was none."""
    troubles: Mapping[int, tuple[tuple[str, str], ...]]
    """Position of each clip that was tried again, to the kind and message of what went wrong before."""
    late_ms: NDArray[np.float64]
    """How much later than planned the generator came to it, milliseconds; NaN without a plan."""
    n_repeated: int
    """How many records gave way to a later one of the same clip."""
    words: Vocabulary = SEVEN
    """What the codes of references and answers mean."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """The table of a `records.jsonl`."""
        with path.open("rb") as lines:
            return cls.from_json_lines(lines)

    @classmethod
    def from_json_lines(cls, lines: Iterable[Mapping[str, Any] | str | bytes], *, all_rounds: bool = False) -> Self:
        """The table of `records.jsonl`, given as lines or as parsed lines: of the first round, or of all.

        A later round's record stands under the clip's id with the round behind it (`repeat_id`).

        A last line that was torn by a killed run is left out; a broken line before others is an error.
        """
        with no_collections():
            return cls._of_lines(lines, all_rounds)

    @classmethod
    def _of_lines(cls, lines: Iterable[Mapping[str, Any] | str | bytes], all_rounds: bool) -> Self:
        rows: dict[str, Row] = {}
        found_at: dict[str, int] = {}
        words: dict[str, str] = {}
        number = count = torn = 0
        for number, line in enumerate(lines, 1):
            if torn:
                raise UsageError(f"records, line {torn}: not JSON; mend or delete this line")
            if isinstance(line, str | bytes):
                if not line.strip():
                    continue
                try:
                    data = parse_line(line)
                except ValueError:
                    torn = number
                    continue
            else:
                data = line
            try:
                clip_id = data["clip"]["id"]
                if not isinstance(clip_id, str):
                    raise TypeError("the id of its clip is no text")
                if number_of_round := data.get("round", 0):
                    if not all_rounds:
                        continue
                    clip_id = repeat_id(clip_id, number_of_round)
                rows[clip_id] = row_of_json(data, words)
                found_at[clip_id] = number
            except (KeyError, TypeError, AttributeError) as error:
                raise UsageError(f"records, line {number}: not a record ({error!r}); delete the line") from error
            count += 1
        return cls(**columns(rows, found_at), n_repeated=count - len(rows))

    @classmethod
    def from_records(cls, records: Iterable[Record]) -> Self:
        """The table of a first round's records in memory; equal to reading back what was written of them."""
        rows: dict[str, Row] = {}
        count = 0
        for record in records:
            if not record.round:
                rows[record.clip.id] = row_of_record(record)
                count += 1
        return cls(**columns(rows), n_repeated=count - len(rows))

    def __len__(self) -> int:
        return len(self.clip_ids)

    def words_of(self, place: int) -> str:
        """The words to show of a clip: the corpus's transcript, or else what was recognised; empty for none."""
        return self.transcripts[place] or self.recognised[place] or ""

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which clips have no answer."""
        return np.equal(self.predicted, self.words.failed)

    @property
    def banned(self) -> NDArray[np.int8]:
        """The answers with `unknown` banned: the forced label of every answer that has one.

        NO_TAG, NO_SPEECH and FAILURE stay what they are; an answer without a forced label does too.
        """
        forceable = (self.forced >= 0) & (self.predicted <= self.words.answered)
        return np.where(forceable, self.forced, self.predicted)
