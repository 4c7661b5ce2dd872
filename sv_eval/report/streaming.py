"""The parts of a report that tell how a run went whose clips came as streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from sv_eval.report.interval import Rounded
from sv_eval.report.latency import TwoPercentiles
from sv_eval.report.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFlips(Rounded):
    """How often running labels changed."""

    mean: float | None
    """Changes a clip."""
    max: int | None
    """The most of any clip."""
    clips_without: int
    """Clips whose label never changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Rounded):
    """How often a stream's last label was that of the clip judged whole."""

    value: float | None
    """The share of the clips."""
    n: int
    """Clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleStep:
    """What was known at one moment of the example."""

    start_s: float
    """Where the chunk begins."""
    end_s: float
    """Where it ends."""
    emitted_s: float
    """When its judgement was there, seconds after the stream began."""
    label: str | None
    """The label of everything heard so far."""
    scores: Mapping[str, float] | None
    """The posterior over everything heard so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamExample:
    """A stream worth looking at."""

    clip: str
    """Clip id."""
    path: str
    """Where its audio is."""
    reference: str | None
    """The right label."""
    offline_label: str | None
    """The label of the clip judged whole."""
    audio_s: float
    """Its length, seconds."""
    steps: tuple[ExampleStep, ...]
    """A step a chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalAnswer(Rounded):
    """When the final answers came, which end streams; a consumer who acts on the last word waits for them."""

    n: int
    """Streams whose final answer was timed, of all rounds."""
    after_audio_ms: TwoPercentiles
    """From the end of the audio to the final answer."""
    after_speech_ms: TwoPercentiles
    """From the end of the last stretch of speech, or of the audio where that is not known."""
    n_speech_known: int
    """Streams whose end of speech is known."""
    after_partial_ms: TwoPercentiles
    """From the last step to the final answer."""
    last_partial_ms: TwoPercentiles
    """From the end of the audio to the last step."""
    differs: Share
    """Streams whose final label is not that of the last step."""
    timeout_ms: float | UnsetType = UNSET
    """What a consumer waits after the end of speech (`scoring.timeout_ms`); not set where none was given."""
    too_late: Share | UnsetType = UNSET
    """Streams whose final answer comes later than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming(Rounded):
    """How a run went whose clips came as streams."""

    n: int
    """Streams."""
    n_chunks: int
    """Chunks of all of them."""
    time_to_first_emotion_s: TwoPercentiles
    """From the beginning of the audio to the first label."""
    time_to_stable_label_s: TwoPercentiles
    """From the beginning of the audio to the label that stayed."""
    never_labelled: int
    """Streams without any label."""
    flips: LabelFlips
    """Changes of the label."""
    agreement_with_offline: Agreement
    """With the clips judged whole."""
    chunk_compute_ms: TwoPercentiles
    """Work on a chunk, milliseconds."""
    compute_rtf: float | None
    """Seconds of work a second of audio."""
    example: StreamExample | None
    """The stream whose label changed most; null without any."""
    final: FinalAnswer | UnsetType = UNSET
    """The final answers; not set where records tell of steps alone."""
