"""What travels as JSON: requests that are checked on arrival, and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMATS = (
    "auto", "wav", "mp3", "flac", "ogg", "opus", "m4a", "mp4", "aac", "webm", "amr", "aiff", "au", "caf", "wma",
    "pcm_s16le", "pcm_f32le",
)  # fmt: skip
"""The words that `format` takes. The file's own content decides how it is decoded; raw samples need the word."""
RAW_FORMATS = {"pcm_s16le": "<i2", "pcm_f32le": "<f4"}
"""Samples without a header: numpy's name of their type."""
RATES_HZ = (1_000, 768_000)
"""The lowest and highest sample rate of raw samples, Hz."""

VadThreshold = Annotated[float, Field(gt=0, lt=1, description="Speech probability from which on a frame is speech")]
ChunkSize = Annotated[
    float,
    Field(ge=0.5, le=600, description="The longest stretch that one inference sees, seconds; 3 to 5 is usual"),
]
SampleRate = Annotated[
    int, Field(ge=RATES_HZ[0], le=RATES_HZ[1], description="Of raw samples, Hz; files carry their own")
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Options(_Asked):
    """What a client may ask for beside the audio."""

    language: str | None = Field(
        default=None, description="zh, en, yue, ja, ko or auto; without it the service's own setting", max_length=64
    )
    use_itn: bool | None = Field(default=None, description="Inverse text normalisation in the transcript")
    vad_threshold: VadThreshold | None = None
    chunk_size: ChunkSize | None = None
    return_all_emotions: bool = Field(default=False, description="Give the posterior of every emotion in `scores`")
    ban_unknown: bool = Field(default=False, description="Always name an emotion, never `unknown`")


class EmotionRequest(Options):
    """One recording to judge."""

    audio: str = Field(
        description="The file's bytes in base64; a data: URL is taken, too",
        min_length=1,
        json_schema_extra={"format": "byte"},
    )
    format: str = Field(default="auto", description=f"One of {', '.join(FORMATS)}", max_length=32)
    sample_rate: SampleRate | None = None


class BatchItem(EmotionRequest):
    """One recording of several."""

    id: str | None = Field(default=None, description="Comes back with the answer", max_length=128)


class BatchRequest(_Asked):
    """Several recordings to judge."""

    items: list[BatchItem] = Field(min_length=1)


class StreamStart(Options):
    """The first message of a stream."""

    type: Literal["start"] = "start"
    encoding: Literal["pcm_s16le", "pcm_f32le"] = Field(
        default="pcm_s16le", description="Of the samples in the binary messages: mono, little endian"
    )
    sample_rate: SampleRate = 16_000
    update_s: float = Field(
        default=1.0, ge=0.5, le=30, description="Seconds of audio after which the next partial result is due"
    )


class Dimensions(BaseModel):
    """Emotional dimensions; those that the model doesn't tell are left out."""

    arousal: float | None = Field(default=None, description="Calm to excited")
    valence: float | None = Field(default=None, description="Unpleasant to pleasant")
    dominance: float | None = Field(default=None, description="Submissive to dominant")


class SegmentAnswer(BaseModel):
    """A stretch that was judged by itself."""

    start: float = Field(description="Seconds from the beginning")
    end: float = Field(description="Seconds from the beginning")
    emotion: str | None = None
    scores: dict[str, float] | None = None
    text: str | None = None


class EmotionData(BaseModel):
    """What was heard in one recording."""

    text: str = Field(description="The transcript, without tags")
    emotion: str | None = Field(
        description="happy, sad, angry, neutral, fearful, disgusted, surprised; unknown when the model declined; "
        "null when its answer held no emotion"
    )
    confidence: float | None = Field(description="The posterior of `emotion`, 0 to 1, uncalibrated")
    duration: float = Field(description="Length of the audio, seconds")
    language: str | None = Field(description="The language heard")
    event: str | None = Field(description="The audio event heard, such as Speech or Laughter")
    scores: dict[str, float] | None = Field(
        default=None, description="With return_all_emotions: the posterior over the emotions and unknown"
    )
    segments: list[SegmentAnswer] | None = Field(
        default=None, description="Where detection or chunks cut the audio: the stretches"
    )
    model: str = Field(description="The model that answered")
    confidence_calibrated: float | None = Field(
        default=None,
        description="Of a service with a calibration: how probable `emotion` is, 0 to 1, by other speakers' clips",
    )
    scores_calibrated: dict[str, float] | None = Field(
        default=None, description="With return_all_emotions, of such a service: the same of every emotion"
    )
    alarms: list[str] | None = Field(
        default=None, description="Of a service with thresholds: the emotions whose score reaches theirs"
    )
    below_threshold: str | None = Field(
        default=None, description="Where `emotion` is unknown since its score is too low: what it would have been"
    )
    dimensions: Dimensions | None = Field(
        default=None,
        description="Where the model tells them: arousal, valence, dominance, in the ranges of `/v1/models`",
    )


class EmotionAnswer(BaseModel):
    """An answer of `/v1/emotion` and `/analyze`."""

    success: Literal[True] = True
    data: EmotionData
    request_id: str


class FlatAnswer(BaseModel):
    """An answer of `/analyze-emotion`."""

    text: str
    emotion: str | None
    confidence: float | None
    duration: float
    scores: dict[str, float] | None = Field(
        default=None, description="With return_all_emotions: the posterior over the emotions and unknown"
    )
    dimensions: Dimensions | None = Field(default=None, description="As in EmotionData")


class TranscriptData(BaseModel):
    """What was said in one recording."""

    text: str
    duration: float
    language: str | None
    event: str | None
    model: str


class TranscriptAnswer(BaseModel):
    """An answer of `/transcribe`."""

    success: Literal[True] = True
    data: TranscriptData
    request_id: str


class SoundData(BaseModel):
    """What the sound of a file is, at 16 kHz; null is what can't be told, of digital silence say."""

    band_hz: float | None = Field(description="Where the spectrum ends, Hz; about 4000 for telephone sound")
    snr_db: float | None = Field(description="Speech over the quietest tenth, dB, estimated")
    clipped: float = Field(description="The share of samples whose tops are cut off, 0 to 1")
    dc: float = Field(description="The mean of the samples, of full scale")
    silence: float = Field(description="The share of the duration in which nobody speaks, 0 to 1")
    lead_s: float = Field(description="Silence before the first sound, seconds")
    tail_s: float = Field(description="Silence behind the last sound, seconds")
    pitch_hz: float | None = Field(description="Median pitch, Hz")
    concerns: list[str] = Field(
        description="In what it is not what speech models are made for: narrow, noisy, quiet, silent, padded, "
        "clipped, offset"
    )


class UploadData(BaseModel):
    """What an uploaded file holds; nothing of it is kept."""

    bytes: int = Field(description="Size of the file")
    format: str | None = Field(description="Container and coding, such as wav/pcm_16")
    sample_rate: int | None = Field(description="Hz")
    channels: int | None
    duration: float = Field(description="Seconds")
    loudness_dbfs: float | None = Field(
        description="Root mean square relative to full scale, dB; null for digital silence"
    )
    peak_dbfs: float | None = Field(
        description="The largest sample relative to full scale, dB; null for digital silence"
    )
    speech_share: float | None = Field(description="The share of the duration that is speech, 0 to 1")
    speech_share_reason: str | None = Field(default=None, description="Why there is no speech_share")
    sound: SoundData


class UploadAnswer(BaseModel):
    """An answer of `/upload`."""

    success: Literal[True] = True
    data: UploadData
    request_id: str


class ParameterError(BaseModel):
    """What is wrong with one parameter."""

    parameter: str
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 has them, with a stable code."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(
        description="A stable word for programs; the table of codes is in the service's documentation"
    )
    success: Literal[False] = False
    request_id: str
    errors: list[ParameterError] | None = None
    retry_after_s: int | None = None


class OpenAiError(BaseModel):
    """The error as OpenAI's clients read it."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAiProblem(Problem):
    """An error of the OpenAI-shaped path: readable for its clients and for ours."""

    error: OpenAiError


class BatchItemAnswer(BaseModel):
    """What came of one recording of several."""

    id: str | None
    success: bool
    data: EmotionData | None = None
    error: Problem | None = None


class BatchAnswer(BaseModel):
    """An answer of `/v1/emotion/batch`; `success` is true when every recording was answered."""

    success: bool
    data: list[BatchItemAnswer]
    request_id: str


class TranscriptionAnswer(BaseModel):
    """An answer of the OpenAI-shaped path; the emotion stands beside what its clients know."""

    text: str
    emotion: str | None
    confidence: float | None
    task: str | None = None
    language: str | None = None
    duration: float | None = None
    event: str | None = None
    scores: dict[str, float] | None = None
    segments: list[dict[str, Any]] | None = None
    dimensions: Dimensions | None = None


class Health(BaseModel):
    """Whether the process lives, or is ready."""

    status: str
    version: str
    model: str | None = None
    queue_depth: int | None = None


class ModelCard(BaseModel):
    """A model that is served."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    aliases: list[str]
    title: str
    backend: str
    precision: str | None
    device: str
    model_hash: str | None
    labels: list[str]
    languages: list[str]
    parameters: list[str]
    streaming: bool
    calibration: dict[str, Any] | None = Field(
        default=None, description="Of a service with one: its method, corpus, and how many clips and speakers"
    )
    thresholds: dict[str, Any] | None = Field(
        default=None,
        description="Of a service with some: from which score on an emotion is answered, and what that keeps",
    )
    dimensions: dict[str, tuple[float, float]] | None = Field(
        default=None, description="Where the model tells emotional dimensions: the lowest and highest value of each"
    )
    card: dict[str, Any] | None = Field(
        default=None, description="Of `/v1/models/{id}` only: its kind, what it was trained on, its limitations"
    )


class ModelList(BaseModel):
    """An answer of `/v1/models`."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class StreamReady(BaseModel):
    """The service's first message of a stream."""

    type: Literal["ready"] = "ready"
    request_id: str


class StreamPartial(BaseModel):
    """What is known after one more piece of a stream."""

    type: Literal["partial"] = "partial"
    start: float = Field(description="Where the piece begins, seconds")
    end: float
    emotion: str | None = Field(description="Of everything heard so far; null while there is none")
    confidence: float | None
    text: str | None
    scores: dict[str, float] | None = None
    chunk_scores: dict[str, float] | None = None
    confidence_calibrated: float | None = Field(default=None, description="As in the final answer")
    scores_calibrated: dict[str, float] | None = Field(default=None, description="As in the final answer")
    alarms: list[str] | None = Field(default=None, description="As in the final answer")
    below_threshold: str | None = Field(default=None, description="As in the final answer")


class StreamFinal(BaseModel):
    """The last message of a stream that was answered."""

    type: Literal["final"] = "final"
    success: Literal[True] = True
    data: EmotionData
    request_id: str


class StreamError(BaseModel):
    """The last message of a stream that failed."""

    type: Literal["error"] = "error"
    error: Problem
