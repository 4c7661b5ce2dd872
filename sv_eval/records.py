"""What flows through a run: Clip -> Waveform -> Prediction or Failure -> Record.

All of them are immutable. A Record is also a line of `records.jsonl`; sv_eval.record_file.as_json has the two
directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sv_eval.sound_facts import SoundFacts

SAMPLE_RATE_HZ = 16_000
"""The rate of every Waveform."""


class Outcome(StrEnum):
    """How one clip ended. A FAILURE is never a label, and never silently dropped."""

    LABEL = "LABEL"
    """An emotion was given."""
    UNKNOWN = "UNKNOWN"
    """The recogniser heard speech and declined to name an emotion."""
    NO_TAG = "NO_TAG"
    """An answer came, but no emotion could be found in it."""
    NO_SPEECH = "NO_SPEECH"
    """The recogniser found no speech to judge."""
    FAILURE = "FAILURE"
    """No answer: the clip could not be decoded, or the backend failed on it."""
    UNPARSED = "UNPARSED"
    """A model answered in words of its own, and none of them is an emotion."""
    REFUSED = "REFUSED"
    """A model declined to answer."""
    HEDGED = "HEDGED"
    """A model named several emotions."""


TOKENS = ("input", "audio", "cached", "output")
"""Tokens that were put in, all of them; of them those of sound, and those that had been put in before; and those of
the answer, reasoning included."""

OUTSIDE = "outside"
"""How much of an answer's probability, or of its votes, was on none of the options."""

UNREAD = (Outcome.UNPARSED, Outcome.REFUSED, Outcome.HEDGED)
"""Outcomes of answers in words of which none was an emotion that can be taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One utterance of a corpus: where its audio is and what is known about it."""

    id: str
    """Unique within the corpus, stable between runs and machines."""
    path: str = ""
    """Where the audio is: a file below the corpus root (posix, relative), or what a table's row calls it."""
    reference: str | None = None
    """The canonical emotion, `other` for one outside the seven, None when the corpus gives no label."""
    raw_label: str | None = None
    """The corpus's own word for the emotion."""
    speaker: str | None = None
    """Unique within the corpus; None when unknown."""
    sex: str | None = None
    """`female`, `male` or None."""
    age: int | None = None
    """The speaker's, years; None when unknown."""
    accent: str | None = None
    """The speaker's, in the corpus's own word; None when unknown."""
    language: str | None = None
    """BCP 47 tag such as `de` or `zh`; None when unknown."""
    transcript: str | None = None
    """The words spoken."""
    start_s: float | None = None
    """Where the utterance begins in its file, seconds; None for the file's beginning."""
    end_s: float | None = None
    """Where it ends, seconds; None for the file's end."""
    size_bytes: int | None = None
    """Size of the encoded audio, bytes; enters the dataset's hash."""
    channel: int | None = None
    """Which channel of its file is heard, from 1; None for the mix of all."""
    dimensions: Mapping[str, float] | None = field(default=None, hash=False)
    """The reference by dimension (arousal, valence, dominance), in the corpus's declared range; None for none."""
    votes: Mapping[str, float] | None = None
    """How many raters gave each of the corpus's own words, or shares that add up to 1; None for none, and where
    `raters` has them."""
    raters: Mapping[str, tuple[str, ...]] | None = None
    """Rater to the words that he or she gave, one or several; None where nobody tells who gave which."""
    emotions: tuple[str, ...] | None = None
    """All that is true of it, in the corpus's own words, where that may be several; None where one is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """Decoded audio, ready for any recogniser."""

    samples: NDArray[np.float32]
    """Mono, 16 kHz, full scale is -1 to 1; shape [n]. Not to be written to."""
    encoded: bytes | None = None
    """The original file's bytes, kept only where the backend asks for them."""
    container: str | None = None
    """The original container and codec, e.g. `wav/pcm_16`."""
    source_rate_hz: int | None = None
    """The original sample rate, Hz."""
    source_channels: int | None = None
    """The original channel count."""
    marks: tuple[str, ...] = ()
    """What decoding met that a reader should know; words of AUDIO_MARKS, sorted."""
    clipped: float | None = None
    """The share of the original's samples at full scale, of the worst channel; None where nobody counted."""
    name: str | None = None
    """What its file is called where a file is sent, without ending; None for `clip`."""

    def __post_init__(self) -> None:
        # Others may hear the same samples: a recogniser that works in place must take a copy.
        samples = self.samples.view()
        samples.flags.writeable = False
        object.__setattr__(self, "samples", samples)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a clip that was judged by itself."""

    start_s: float
    """Seconds from the clip's beginning."""
    end_s: float
    """Seconds from the clip's beginning."""
    label: str | None = None
    """The emotion given to this stretch."""
    scores: Mapping[str, float] | None = None
    """Posterior over the emotions and unknown."""
    text: str | None = None
    """The words recognised in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """What went wrong at an attempt that was made again."""

    kind: str
    """A stable word in snake_case, as a failure's."""
    message: str
    """One line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a worker found that read a clip itself."""

    audio_s: float | None
    """Length of the decoded audio, seconds; None where it could not be read."""
    decode_ms: float
    """Milliseconds of reading and decoding."""
    marks: tuple[str, ...] = ()
    """As in Waveform."""
    sound: SoundFacts | None = None
    """What its sound was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """How a request fared on its way to a recogniser elsewhere and back; the run's records tell of it."""

    begin_s: float
    """When the first attempt began to be sent, on the run's clock."""
    latency_ms: float
    """From there, or from the planned moment where there was one, to the parsed answer, milliseconds."""
    attempts: int = 1
    """How often it was sent."""
    troubles: tuple[FailedAttempt, ...] = ()
    """What went wrong before the last attempt, in order."""
    heard: Heard | None = None
    """Of a clip that was read where it was judged; None where it was sent there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a recogniser says about one clip."""

    label: str | None = None
    """The unforced answer: an emotion or `unknown`; None when the answer held no emotion tag."""
    raw_label: str | None = None
    """The recogniser's own word that `label` was read from, also one that no map holds; None where it has none of
    its own. A label map may read it otherwise when the run is scored."""
    forced: str | None = None
    """The best emotion with `unknown` banned; None where the recogniser can't tell."""
    scores: Mapping[str, float] | None = None
    """Posterior over the emotions and `unknown`, summing to 1; None where it is not to be had."""
    cut_off: float | None = None
    """Where `scores` are of each emotion by itself, 0 to 1, and hold those from so much on alone: a name that is
    missing is below, not 0. None for a posterior."""
    confidence: float | None = None
    """The posterior of `label`, 0 to 1. Uncalibrated."""
    text: str | None = None
    """The transcript, without tags."""
    language: str | None = None
    """The language heard, as the recogniser names it."""
    event: str | None = None
    """The audio event heard, as the recogniser names it."""
    segments: tuple[Segment, ...] = ()
    """The stretches that the answer is made of, in order."""
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds spent by stage, e.g. `features`, `inference`."""
    no_speech: bool = False
    """True when no speech was found; `label` is then None."""
    unread: str | None = None
    """Of an answer in words that names no emotion: `unparsed`, `refused` or `hedged`; `label` is then None."""
    raw_answer: str | None = None
    """Such an answer as it came, shortened, whatever was read in it."""
    outside: float | None = None
    """Where `scores` are probabilities of a model's first word, or votes: how much was on none of the options."""
    tokens: Mapping[str, int] | None = None
    """What a model that is paid by tokens says it took: of TOKENS those that it tells."""
    dimensions: Mapping[str, float] | None = None
    """Arousal, valence, dominance: those that it tells, in the range that the backend declares for each."""
    answered_by: str | None = None
    """The model that has answered, where it is another one than that which the run began with."""
    sent: str | None = None
    """The first 16 hex digits of a SHA-256 over the request's body."""
    passage: Passage | None = field(default=None, compare=False)
    """How it came here; None where nothing travelled."""

    @property
    def outcome(self) -> Outcome:
        """The outcome that this answer amounts to."""
        if self.no_speech:
            return Outcome.NO_SPEECH
        if self.label is None:
            return Outcome.NO_TAG if self.unread is None else Outcome[self.unread.upper()]
        return Outcome.UNKNOWN if self.label == "unknown" else Outcome.LABEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a clip has no answer."""

    kind: str
    """A stable word in snake_case, e.g. `not_audio`, `too_long`, `timeout`."""
    message: str
    """One line for people."""
    attempts: int = 1
    """How often it was tried."""
    passage: Passage | None = field(default=None, compare=False)
    """How the request fared; None where nothing travelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStep:
    """What was known at one moment of a clip that came as a stream."""

    start_s: float
    """Where the chunk begins that was judged last, seconds."""
    end_s: float
    """Where it ends: the moment of the audio at which its judgement could begin."""
    label: str | None
    """The label of everything heard so far; None while there is none."""
    scores: Mapping[str, float] | None
    """The posterior over everything heard so far."""
    compute_ms: float
    """Milliseconds that the backend worked on the chunk."""
    emitted_s: float
    """When the answer was there, seconds after the stream began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """How a clip went that came as a stream."""

    steps: tuple[StreamStep, ...]
    """A step for each chunk, in order."""
    offline_label: str | None
    """The label of the same clip when it is judged whole."""
    final_s: float | None = None
    """When the final answer was there, seconds after the stream began; None where only steps were kept."""
    final_label: str | None = None
    """Its label, which need not be the last step's; None where it has none, or is not known."""
    speech_end_s: float | None = None
    """Where the last stretch of speech ends, seconds; None where nobody looked, or there is none."""
    whole_asked: bool = True
    """Whether the clip was asked about whole; not while other streams were on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that is kept about one clip of a run."""

    clip: Clip
    """What was asked about."""
    outcome: Outcome
    """How it ended."""
    prediction: Prediction | None = None
    """The answer; None exactly when the outcome is FAILURE."""
    failure: Failure | None = None
    """Why there is no answer; None unless the outcome is FAILURE."""
    latency_ms: float | None = None
    """From the decoded waveform to the outcome, milliseconds; None when nothing was asked of the backend."""
    audio_s: float | None = None
    """Length of the decoded audio, seconds; None when it could not be decoded."""
    decode_ms: float | None = None
    """Milliseconds of decoding, which is outside the latency."""
    batch_size: int = 1
    """How many clips were answered in the same call."""
    attempts: int = 1
    """How often the backend was asked; more than one keeps the record out of the latency figures."""
    session: int = 0
    """Which start of the run measured it, counted from 0; a resumed run has several."""
    call: int | None = None
    """Number of the call within its session; clips answered in one call share it. None when nothing was asked."""
    sent_s: float | None = None
    """When the call was made, seconds after the session's first; warm-up lies before."""
    streamed: Streamed | None = None
    """How it went as a stream; None when the clip was given whole."""
    troubles: tuple[FailedAttempt, ...] = ()
    """What went wrong before the attempt that counts, in order."""
    late_ms: float | None = None
    """How much later than planned the generator came to it, milliseconds; None without a plan."""
    round: int = 0
    """How many times the measurement had gone through the clip before; accuracy is of round 0, latency of all."""
    shared: bool = False
    """Whether the record stands for accuracy alone: its answer was put together from work that other settings of a
    sweep had done, or was given in a timed request that has a record of its own. It has no latency."""
    marks: tuple[str, ...] = ()
    """What was met in its audio that a reader should know; words of AUDIO_MARKS, sorted."""
    sound: SoundFacts | None = None
    """What its sound was; None without audio, in later rounds, and in records of earlier versions."""


def as_shared(record: Record) -> Record:
    """The record's answer without anything that tells how long it took, as one of the first round.

    For an answer that was put together from earlier work, or given in a pass of its own for latency.
    """
    prediction = None if record.prediction is None else replace(record.prediction, stages_ms={})
    return replace(
        record,
        prediction=prediction, latency_ms=None, batch_size=1, call=None, sent_s=None, troubles=(), late_ms=None,
        round=0, shared=True,
    )  # fmt: skip


if __name__ == "__main__":
    print(f"sv_eval.records is no command, but for programs: import sv_eval.records\n\n{__doc__}")
