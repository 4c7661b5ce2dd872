"""Where a corpus's audio comes from."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from sv_eval.backend import Location
from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.records import Clip, Waveform


class AudioSource(Protocol):
    """Gives a clip's audio; `load` may be called from several threads at once."""

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        """The clip's audio, with the original bytes if asked to; raises AudioError."""
        ...


class FetchingSource(AudioSource, Protocol):
    """Whose audio lies elsewhere, so that it pays to say early what will be wanted."""

    def fetch(self, clip: Clip) -> None:
        """Begins to fetch a clip that will be asked for soon; returns at once."""
        ...


class EncodedSource(AudioSource, Protocol):
    """Tells where a clip's audio lies, for who looks at the encoded file itself."""

    def encoded(self, clip: Clip) -> Path | bytes:
        """The file that holds the clip, or its bytes; raises AudioError where there is none."""
        ...


class OrderedSource(AudioSource, Protocol):
    """Of which several clips are read at once, so that it pays to ask for them as they lie."""

    def in_order(self, clips: Sequence[Clip]) -> Sequence[Clip]:
        """The clips in that order."""
        ...


def reading_order(source: AudioSource, clips: Sequence[Clip]) -> Sequence[Clip]:
    """The clips in the order in which they are best read: as they come, unless the source has one of its own."""
    in_order: Callable[[Sequence[Clip]], Sequence[Clip]] | None = getattr(source, "in_order", None)
    return clips if in_order is None else in_order(clips)


class FileSource:
    """Audio files below a folder."""

    def __init__(self, root: Path, limits: AudioLimits) -> None:
        self._root = root
        self._limits = limits

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        """The clip's audio, decoded from its file."""
        return decode(
            self._root / clip.path,
            limits=self._limits,
            start_s=clip.start_s,
            end_s=clip.end_s,
            channel=clip.channel,
            keep_encoded=keep_encoded,
        )

    def location(self, clip: Clip) -> Location:
        """Where the clip's audio lies, for who reads it elsewhere."""
        return Location(
            address=os.path.abspath(self._root / clip.path),
            name=clip.path.rpartition("/")[2],
            size=clip.size_bytes,
            start_s=clip.start_s,
            end_s=clip.end_s,
            channel=clip.channel,
        )

    def encoded(self, clip: Clip) -> Path:
        """The clip's file."""
        return self._root / clip.path
