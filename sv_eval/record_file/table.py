"""A run's records as columns: small code arrays instead of objects, sorted by clip id and round.

Sorting makes every result independent of the order in which clips were answered, so that a resumed run scores
like one that ran through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sv_eval.record_file.ballots import Ballots
from sv_eval.record_file.class_codes import SEVEN, ClassCodes
from sv_eval.record_file.texts import Texts
from sv_eval.records import Streamed

_AT_POSITIONS = ("failures", "troubles", "streamed", "marks", "answered_by")
"""What only some positions have."""

_BY_NAME = ("stages_ms", "sound", "told", "true_dimensions", "dimensions")
"""Columns by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTable:
    """The records of a run, ascending by clip id and round. All columns have the same length."""

    clip_ids: Texts[str]
    """The clip of each record, sorted; each once in the records of one round."""
    round: NDArray[np.int32]
    """How many times the measurement had gone through the clip before."""
    reference: NDArray[np.int8]
    """Code into `class_codes.references`."""
    raw_label: NDArray[np.int32]
    """Code into `raw_labels`, -1 for none."""
    raw_labels: tuple[str, ...]
    """The corpus's own words for the emotions, sorted."""
    said: NDArray[np.int32]
    """The recogniser's own word: code into `said_words`, -1 for none."""
    said_words: tuple[str, ...]
    """The recogniser's own words for the emotions, sorted."""
    predicted: NDArray[np.int8]
    """The unforced answer: code into `class_codes.answers`."""
    forced: NDArray[np.int8]
    """The forced answer: code into `class_codes.answers`, -1 where the recogniser gave none."""
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
    sex: NDArray[np.int32]
    """The speaker's: code into `sexes`, -1 when unknown."""
    sexes: tuple[str, ...]
    """The sexes that occur, sorted."""
    age: NDArray[np.int16]
    """The speaker's, years; -1 when unknown."""
    accent: NDArray[np.int32]
    """The speaker's: code into `accents`, -1 when unknown."""
    accents: tuple[str, ...]
    """The accents that occur, sorted."""
    ballots: NDArray[np.int32]
    """What raters said of it: code into `ballot_sets`, -1 where none is known."""
    ballot_sets: tuple[Ballots, ...]
    """What was said of any clip, sorted; in the corpus's own words."""
    emotions: NDArray[np.int32]
    """All that is true of it: code into `emotion_sets`, -1 where one emotion is meant."""
    emotion_sets: tuple[tuple[str, ...], ...]
    """The sets that occur, sorted; in the corpus's own words."""
    transcripts: Texts[str | None]
    """The words spoken, by the corpus; None for none."""
    recognised: Texts[str | None]
    """The words that were recognised, empty for no words; None where the recogniser gives none."""
    paths: Texts[str]
    """Where the audio is; empty for nowhere."""
    failures: Mapping[int, tuple[str, str]]
    """Position of each FAILURE to its kind and message, ascending."""
    stages_ms: Mapping[str, NDArray[np.float64]]
    """Milliseconds by stage, a column for each, in the order in which they occur; NaN where there was none."""
    troubles: Mapping[int, tuple[tuple[str, str], ...]]
    """Position of each clip that was tried again, to the kind and message of what went wrong before."""
    late_ms: NDArray[np.float64]
    """How much later than planned the generator came to it, milliseconds; NaN without a plan."""
    shared: NDArray[np.bool_]
    """Whether the record stands for accuracy alone, its answer put together from work that was done before."""
    streamed: Mapping[int, Streamed]
    """Position of each clip that came as a stream, to how it went."""
    marks: Mapping[int, tuple[str, ...]]
    """Position of each clip whose audio a reader should know something of, to what that is."""
    sound: Mapping[str, NDArray[np.float64]]
    """What the clips' sound was, a column for each fact of `SoundFacts`; NaN where it can't be told."""
    told: Mapping[str, NDArray[np.float64]]
    """What a model told beside its words: a column for each of TOKENS and for OUTSIDE, those that occur; NaN where
    it didn't say."""
    true_dimensions: Mapping[str, NDArray[np.float64]]
    """The clips' emotional dimensions, a column for each that occurs, in the corpus's range; NaN for none."""
    dimensions: Mapping[str, NDArray[np.float64]]
    """Those that the recogniser told, in its own range; NaN where it told none."""
    answered_by: Mapping[int, str]
    """Position of each clip that another model has answered than the one that the run began with, to its name."""
    n_repeated: int
    """How many failures gave way to a later session's record of the same clip."""
    class_codes: ClassCodes = SEVEN
    """What the codes of references and answers mean."""

    def __len__(self) -> int:
        return len(self.clip_ids)

    def part(self, kept: NDArray[np.bool_]) -> Self:
        """The records at the places that are kept, in the same order; codes keep their meaning."""
        places = np.flatnonzero(kept)
        new_place = np.full(len(self), -1)
        new_place[places] = np.arange(len(places))
        changed: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                changed[item.name] = value[places]
            elif isinstance(value, Texts):
                changed[item.name] = value.at(places)
            elif item.name in _AT_POSITIONS:
                changed[item.name] = {int(new_place[old]): found for old, found in value.items() if kept[old]}
        for name in _BY_NAME:
            changed[name] = {key: column[places] for key, column in getattr(self, name).items()}
        return replace(self, **changed)

    @property
    def has_words(self) -> NDArray[np.bool_]:
        """Of which clips there are words to show."""
        return self.transcripts.filled | self.recognised.filled

    def words_of(self, place: int) -> str:
        """The words to show of a clip: the corpus's transcript, or else what was recognised; empty for none."""
        return self.transcripts[place] or self.recognised[place] or ""

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which clips have no answer."""
        return np.equal(self.predicted, self.class_codes.failed)

    @property
    def banned(self) -> NDArray[np.int8]:
        """The answers with `unknown` banned: the forced label of every answer that has one.

        NO_TAG, NO_SPEECH and FAILURE stay what they are; an answer without a forced label does too.
        """
        forceable = (self.forced >= 0) & (self.predicted <= self.class_codes.answered)
        return np.where(forceable, self.forced, self.predicted)
