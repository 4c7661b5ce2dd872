"""What a dialect is: how a clip is put to a service, and how its answer is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sv_eval.backend import Adjustments, StreamUpdate
from sv_eval.backends.remote.answer_parsing import ParsedAnswer
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.sound import WAV, Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.dimensions import Range
from sv_eval.emotions import EMOTIONS

TAG_EMOJI: Mapping[str, str] = {
    "😊": "happy", "😔": "sad", "😡": "angry", "😰": "fearful", "🤢": "disgusted", "😮": "surprised",
    "🎼": "", "👏": "", "😀": "", "😭": "", "🤧": "", "😷": "", "❓": "",
}  # fmt: skip
"""The signs that SenseVoice's own text form puts in place of tags; those of events lead nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is known of a dialect before anything is sent."""

    name: str
    """Its name, as in `backend=remote/NAME`."""
    schemes: tuple[str, ...]
    """The schemes of its addresses."""
    path: str = ""
    """Its own path; empty where the address holds all of it."""
    forms: tuple[str, ...] = (WAV,)
    """How it takes files, the preferred way first; empty where it takes samples."""
    asks: tuple[str, ...] = ()
    """The fields of `Adjustments` that it can ask for."""
    labels: tuple[str, ...] = EMOTIONS
    """The emotions that can come out of it."""
    lossy: str | None = None
    """What its answers can't tell apart, in a word that the report explains; None where nothing is lost."""
    emoji: Mapping[str, str] = field(default_factory=dict)
    """Emoji that are read in its texts."""
    deterministic: bool = False
    """Whether the service gives the same clip the same answer again; public SenseVoice pipelines dither."""
    streams: bool = False
    """Whether it can be given audio piece by piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What a service says of the model behind it."""

    model: str | None = None
    """Its name."""
    model_hash: str | None = None
    precision: str | None = None
    device: str | None = None
    labels: tuple[str, ...] | None = None
    """The emotions that it can say."""
    dimensions: Mapping[str, Range] = field(default_factory=dict)
    """The emotional dimensions that it tells, with their ranges."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Its card."""


NOTHING_SAID = ServedModel()


class Transport(Protocol):
    """An open way to an endpoint; many clips may be under way on it at once."""

    async def ask(self, message: Any, timeline: Timeline) -> ParsedAnswer:
        """The answer to a message that the dialect made; `timeline` is filled in. Raises RemoteError."""

    async def served(self) -> ServedModel:
        """What the service says of its model; NOTHING_SAID where it says nothing."""

    async def close(self) -> None:
        """Hang up."""


class Dialect(ABC):
    """One service's way of being asked."""

    traits: Traits

    @abstractmethod
    def message(self, sound: Sound, asked: Adjustments) -> Any:
        """What is sent for one clip; what this costs is counted apart from the latency."""

    def message_about(self, clip_id: str, sound: Sound, asked: Adjustments) -> Any:
        """The same for a clip that is known by its id; of use where the clip decides how it is asked about."""
        return self.message(sound, asked)

    async def prepare(self, transport: Any) -> None:
        """Find out over an open transport what has to be known before the first clip. Raises RemoteError."""
        return

    @abstractmethod
    def open(self, endpoint: Endpoint) -> Transport:
        """A transport to the endpoint."""

    def stream(
        self,
        transport: Any,
        pieces: AsyncIterator[NDArray[np.float32]],
        *,
        chunk_size: float,
        asked: Adjustments,
        callback: Callable[[StreamUpdate], None],
        timeline: Timeline,
    ) -> Any:
        """Give audio piece by piece; a coroutine of the last answer. Only where the traits say so."""
        raise NotImplementedError
