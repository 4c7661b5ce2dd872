"""A clip's audio by where it lies, for processes that never opened its corpus."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Protocol

from sv_eval.backend import Location
from sv_eval.data.audio.decoding import OpenFile, decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.remote_source import RemoteSource
from sv_eval.data.storage.address import is_address
from sv_eval.data.storage.place import Place, place_at
from sv_eval.errors import AudioError
from sv_eval.records import Clip, Waveform


class PlacedSource(Protocol):
    """A source that can tell where a clip's audio lies."""

    def location(self, clip: Clip) -> Location:
        """Where that is, as any process may read it that sees the same disk or store."""
        ...


def audio_at(where: Location, limits: AudioLimits, *, keep_encoded: bool = False) -> Waveform:
    """The audio that lies there, as the corpus's own source would give it; raises AudioError."""
    place = _place(where.address) if is_address(where.address) else Path(where.address)
    clip = Clip(
        id=where.address,
        path=place.name,
        start_s=where.start_s,
        end_s=where.end_s,
        channel=where.channel,
        size_bytes=where.size,
    )
    if where.begin is None and isinstance(place, Place):
        return RemoteSource(place.parent, limits).load(clip, keep_encoded=keep_encoded)
    source: Path | OpenFile
    if where.begin is None:
        source = Path(where.address)
    else:
        size = where.size or 0
        fits = size <= limits.max_encoded_bytes
        content = stretch_of(place, where.begin, size) if fits else b""
        source = OpenFile(file=io.BytesIO(content), name=where.name, size=size)
    return decode(
        source,
        limits=limits,
        start_s=where.start_s,
        end_s=where.end_s,
        channel=where.channel,
        keep_encoded=keep_encoded,
    )


def stretch_of(file: Path | Place, begin: int, size: int) -> bytes:
    """So many bytes of a file from there on; raises AudioError."""
    if isinstance(file, Place):
        return file.stretch(begin, begin + size)
    try:
        with file.open("rb") as opened:
            opened.seek(begin)
            return opened.read(size)
    except OSError as error:
        raise AudioError("not_found", f"{file} can't be read ({error.strerror}); check dataset.root") from error


@functools.lru_cache(maxsize=1024)
def _place(address: str) -> Place:
    return place_at(address)
