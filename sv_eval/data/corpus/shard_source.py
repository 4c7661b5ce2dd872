"""Clips whose audio lies within shards that hold many."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sv_eval.backend import Location
from sv_eval.data.audio.decoding import OpenFile, decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.remote_source import Ahead
from sv_eval.data.storage.place import Place
from sv_eval.errors import AudioError
from sv_eval.records import Clip, Waveform


class Lying(Protocol):
    """Where a clip's audio lies in its shard."""

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    @property
    def ends(self) -> bytes | None:
        """Digest of what they begin and end with; None where there are none."""
        ...

    @property
    def shard(self) -> Path | Place:
        """The shard; from one in a store it pays to fetch early."""
        ...

    @property
    def place(self) -> tuple[int, int]:
        """The shard's number, and where in it the audio comes: who reads in this order reads nothing twice."""
        ...

    def content(self) -> bytes:
        """The bytes; raises AudioError."""
        ...

    def location(self, clip: Clip, name: str) -> Location:
        """The same, for who reads it elsewhere. name: what messages call it."""
        ...


class ShardSource:
    """Audio in shards; it learns on walking them where each clip lies."""

    def __init__(self, limits: AudioLimits) -> None:
        self._limits = limits
        self._lies: dict[str, Lying] = {}
        self._ahead = Ahead()

    def locate(self, path: str, lies: Lying) -> None:
        """Remembers where the audio of that path lies."""
        self._lies[path] = lies

    def ends(self, clip: Clip) -> bytes | None:
        """A digest of the ends of the clip's encoded audio; None where there is none."""
        return self._lies[clip.path].ends

    def fetch(self, clip: Clip) -> None:
        """Begins to fetch a clip that will be asked for soon."""
        lies = self._lies[clip.path]
        if isinstance(lies.shard, Place) and lies.size <= self._limits.max_encoded_bytes:
            self._ahead.begin(clip.path, lies.content)

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        """The clip's audio, decoded from its bytes in the shard."""
        size = self._lies[clip.path].size
        content = b"" if size > self._limits.max_encoded_bytes else self.encoded(clip)
        return decode(
            OpenFile(file=io.BytesIO(content), name=_name(clip), size=size),
            limits=self._limits,
            start_s=clip.start_s,
            end_s=clip.end_s,
            channel=clip.channel,
            keep_encoded=keep_encoded,
        )

    def location(self, clip: Clip) -> Location:
        """Where the clip's audio lies, for who reads it elsewhere."""
        return self._lies[clip.path].location(clip, _name(clip))

    def encoded(self, clip: Clip) -> bytes:
        """The clip's bytes; raises AudioError."""
        return self._ahead.take(clip.path, self._lies[clip.path].content)


class OrderedShardSource(ShardSource):
    """Of which several clips are read at once, so that their order matters."""

    def in_order(self, clips: Sequence[Clip]) -> list[Clip]:
        """The clips as they lie, shard after shard."""
        return sorted(clips, key=lambda clip: self._lies[clip.path].place)


def missing(clip: str) -> AudioError:
    """The error for a clip without audio."""
    return AudioError("not_found", f"{clip} holds no audio; leave it out or mend the data set")


def _name(clip: Clip) -> str:
    return clip.path.rpartition("/")[2]
