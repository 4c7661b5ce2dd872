"""The protocol between the harness and a recogniser.

One verb, `recognize`, serves a model in this process (batches, one model thread) and a remote with hundreds
of requests in flight. What a backend can do it declares in `Capabilities`; the harness never asks what it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from sv_eval.answer_words import AnswerWords
from sv_eval.emotions import EMOTIONS
from sv_eval.records import Failure, Prediction, Waveform

Opened = TypeVar("Opened")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a backend can do; read before the run, and again once it is open."""

    labels: tuple[str, ...] = EMOTIONS
    """The emotions it can say, and finer words; a corpus's other emotions are shown as unsupported."""
    max_batch: int = 1
    """The most clips it takes in one call."""
    max_in_flight: int = 1
    """How many calls may be open at once."""
    parallel: int = 1
    """How many calls it works on at a time; further ones in flight wait inside, half prepared."""
    deterministic: bool = True
    """Whether the same clip gets the same answer again."""
    batch_invariant: bool = True
    """Whether an answer is independent of what it was batched with."""
    needs_encoded: bool = False
    """Whether requests must carry the original file's bytes."""
    needs_reference: bool = False
    """Whether requests carry the true emotion. Only a simulation may ask for it; the report says so."""
    streams: bool = False
    """Whether it also is a `StreamingBackend`."""
    traces: tuple[str, ...] = ()
    """The stages that it shows of a clip, in order; with any, it also is a `TracingBackend`."""
    adjusts: tuple[str, ...] = ()
    """The fields of `Adjustments` that a single request may set."""
    languages: tuple[str, ...] = ()
    """The languages that a request may ask for, `auto` among them where it is one."""
    detects_speech: bool = False
    """Whether it also is a `SpeechDetectingBackend`."""
    shares_work: bool = False
    """Whether it also is a `SharingBackend`."""
    dimensions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Of arousal, valence and dominance those that it tells, each with the lowest and the highest value that it can
    give; an answer of a range that nobody declared can't be scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendInfo:
    """What a report says about the recogniser that was measured."""

    name: str
    """The backend's name, e.g. `onnx`."""
    model: str
    """The model's name, for people."""
    model_hash: str | None = None
    """Identifies the weights; None where they can't be seen."""
    precision: str | None = None
    """Numeric form of the weights, e.g. `fp32`."""
    device: str = "unknown"
    """Where it runs, e.g. `cpu`, `cuda:0`."""
    in_process: bool = True
    """False when answers come over a network."""
    served_here: bool = False
    """Whether answers are, or may be, worked out on this machine by processes that this one did not start: nobody
    can tell their work from a neighbour's."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Further settings worth printing: threads, provider, language, ..."""
    words: AnswerWords | None = None
    """What its own words mean, where its answers have any (`Prediction.raw_label`)."""
    rounding: Mapping[str, Any] | None = None
    """Of a reduced precision: `n` clips of a fixed set on which its labels were compared with full precision's, and
    on how many they are `differing`; both None where there was nothing to compare with. None at full precision."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """The model card, where there is one: kind, training corpora and speakers, limitations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustments:
    """Settings that one request asks for instead of the backend's own; None leaves the backend's."""

    language: str | None = None
    """The language spoken, one of `Capabilities.languages`."""
    use_itn: bool | None = None
    """Inverse text normalisation in the transcript."""
    vad_threshold: float | None = None
    """The speech probability from which on a frame is speech, between 0 and 1."""
    chunk_size: float | None = None
    """The longest stretch that one inference sees, seconds."""
    option_order: int | None = None
    """Of a model that chooses from options: which of `option_orders.orders_from` it is offered them in, from the
    order that is the clip's own (0)."""
    transcript: str | None = None
    """Judge these words alone; no sound is sent."""

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the settings that are asked for."""
        return tuple(item.name for item in fields(self) if getattr(self, item.name) is not None)


NO_ADJUSTMENTS = Adjustments()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a column of a Parquet file: the least of it that can be read."""

    begin: int
    """Where its header begins in the file, bytes."""
    size: int
    """Its bytes, header included."""
    rows: int
    """How many values it holds, empty ones included."""
    decoded_bytes: int
    """Its size once it is decompressed, with its dictionary's."""
    codec: int
    """The number that the format has for its compression."""
    levels: int
    """How many of the groups that its value lies in, itself included, may be empty."""
    dictionary_begin: int = 0
    """Where the page begins that holds what its values stand for; 0 for none."""
    dictionary_size: int = 0
    """Bytes of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a clip's audio lies, for who reads it elsewhere."""

    address: str
    """Of its file: a path, or an address in a store."""
    name: str
    """What messages call it."""
    begin: int | None = None
    """Where it begins in a file that holds others too, bytes; None for a file of its own."""
    size: int | None = None
    """Its bytes; None where nobody knows."""
    start_s: float | None = None
    """Where the clip begins in the recording, seconds; None for its beginning."""
    end_s: float | None = None
    """Where it ends; None for its end."""
    channel: int | None = None
    """Which channel is heard, from 1; None for the mix."""
    page: Page | None = None
    """The page that holds it, where its bytes don't lie in the file as they are."""
    row: int = 0
    """Which of the page's values it is, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One clip, as a recogniser sees it."""

    clip_id: str
    """The clip's id, for errors and simulations."""
    waveform: Waveform
    """The decoded audio."""
    reference: str | None = None
    """The true emotion; only filled for a backend that declares `needs_reference`."""
    dimensions: Mapping[str, float] | None = None
    """The true emotional dimensions, in the corpus's ranges; filled as `reference` is."""
    adjustments: Adjustments = NO_ADJUSTMENTS
    """What it asks for instead of the backend's settings; only what the backend declares in `adjusts`."""
    audio_key: str | None = None
    """Stands for the samples: where it is given, an answer may be put together from work that was done before for
    the same key, and its latency means nothing. None: everything is done anew."""
    planned_s: float | None = None
    """When a schedule wants it sent, on the run's clock: latency counts from then. None: from when it is sent."""
    location: Location | None = None
    """Where the audio lies, of a clip that a worker reads itself; the waveform is then empty."""
    from_sending: bool = False
    """Whether latency counts from when it is sent although it is planned: its caller had nothing to do but ask."""


Answer = Prediction | Failure
"""What comes back for one request."""


class Backend(Protocol):
    """A way to reach a recogniser.

    Used as an async context manager: entering loads or connects, leaving releases. `info` and the final
    `capabilities` are valid once it is entered.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    @property
    def info(self) -> BackendInfo:
        """What a report says about it."""

    async def __aenter__(self) -> Self:
        """Load the model or connect; raises ModelError or BackendLost when that can't be done."""

    async def __aexit__(self, *reason: object) -> None:
        """Release everything."""

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """One answer for each request, in order. At most `max_batch` requests come in one call.

        Raises InferenceError when the whole call failed, BackendLost when no later call can succeed.
        """


class TracingBackend(Backend, Protocol):
    """A backend that lets one look at what happens between the waveform and the answer."""

    async def trace(self, request: Request) -> Mapping[str, NDArray[Any]]:
        """What each stage of `capabilities.traces` gives for one clip judged as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamUpdate:
    """What is known after one more chunk of a stream."""

    start_s: float
    """Where the chunk begins, seconds from the stream's beginning."""
    end_s: float
    """Where it ends."""
    label: str | None
    """The label of everything heard so far; None while there is none."""
    scores: Mapping[str, float] | None
    """The posterior over everything heard so far."""
    chunk_scores: Mapping[str, float] | None
    """The posterior of this chunk by itself; None when no speech was found in it."""
    compute_ms: float
    """Milliseconds that the backend worked on this chunk."""
    text: str | None = None
    """The transcript of everything heard so far."""


class SpeechDetectingBackend(Backend, Protocol):
    """A backend that can say where in a clip somebody speaks."""

    async def detect(self, request: Request) -> Sequence[tuple[float, float]]:
        """The stretches of speech in order, each with its beginning and end in seconds.

        Raises InferenceError, kind `vad_unavailable`, when no detector can be opened.
        """


class Store(Protocol):
    """Keeps results of work by key, for as long as a sweep of settings lasts; see `sv_eval.run.store`."""

    def get(self, key: Hashable) -> Any | None:
        """The value under the key; None where there is none."""

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value of `size` bytes, if there still is room."""

    def opened(self, identity: Hashable, open_it: Callable[[], Opened]) -> Opened:
        """What `open_it` gave when it was last called, if that was for the same identity; what it gives now else.

        Of all identities one is kept, whatever its size, and let go before another is opened: two models need not
        fit into memory together.
        """


class SharingBackend(Backend, Protocol):
    """A backend that can put an answer together from work that was done before, also by another of its kind.

    Such an answer equals the one that it would give by itself. Only requests with an `audio_key` are answered so.
    A model may be one that an earlier backend left open.
    """

    def share(self, store: Store) -> None:
        """Use this store; called before the backend is entered."""


class StreamingBackend(Backend, Protocol):
    """A backend that answers while the audio is still coming."""

    async def stream(
        self,
        chunks: AsyncIterator[NDArray[np.float32]],
        *,
        chunk_size: float,
        callback: Callable[[StreamUpdate], None],
        adjustments: Adjustments = NO_ADJUSTMENTS,
    ) -> Prediction:
        """Judge audio as it comes; the prediction when it has ended.

        chunks: samples, mono, 16 kHz, -1 to 1, in pieces of any length. chunk_size: seconds after which the next
        judgement is due; `callback` gets an update for each, and one for what is left at the end. adjustments: as a
        request's; their `chunk_size` means nothing here.
        """


def is_backend(thing: object) -> TypeGuard[Backend]:
    """Whether `thing` has what the protocol asks for; properties are looked for and not read."""
    names = ("capabilities", "info", "recognize", "__aenter__", "__aexit__")
    return all(hasattr(type(thing), name) or name in vars(thing) for name in names)


if __name__ == "__main__":
    print(f"sv_eval.backend is no command, but for programs: import sv_eval.backend\n\n{__doc__}")
