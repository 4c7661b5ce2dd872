"""A clip's audio by where it lies, for processes that never opened its corpus."""

from __future__ import annotations

import functools
import io
import os
from pathlib import Path
from typing import Protocol

from sv_eval.backend import Location, Page
from sv_eval.data.audio.decoding import OpenFile, decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.parquet_pages import Pages
from sv_eval.data.corpus.remote_source import RemoteSource
from sv_eval.data.corpus.shard_source import missing
from sv_eval.data.storage.address import is_address
from sv_eval.data.storage.place import Place, place_at
from sv_eval.data.storage.stretch import stretch_of
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
    if where.begin is None and where.page is None and isinstance(place, Place):
        return RemoteSource(place.parent, limits).load(clip, keep_encoded=keep_encoded)
    source: Path | OpenFile
    if where.begin is None and where.page is None:
        source = Path(where.address)
    else:
        size = where.size or 0
        fits = size <= limits.max_encoded_bytes
        content = _content(place, where, size) if fits else b""
        source = OpenFile(file=io.BytesIO(content), name=where.name, size=size)
    return decode(
        source,
        limits=limits,
        start_s=where.start_s,
        end_s=where.end_s,
        channel=where.channel,
        keep_encoded=keep_encoded,
    )


def _content(file: Path | Place, where: Location, size: int) -> bytes:
    """The clip's bytes within a file that holds others too."""
    if where.page is None:
        return stretch_of(file, where.begin or 0, size)
    found = _pages().content(file, where.page, where.row)
    if found is None:
        raise missing(where.name)
    return found


def location_in(
    shard: Path | Place,
    clip: Clip,
    name: str,
    size: int,
    *,
    begin: int | None = None,
    page: Page | None = None,
    row: int = 0,
) -> Location:
    """Where a clip lies in a shard: from a byte on, or in a row of a page."""
    return Location(
        address=str(shard) if isinstance(shard, Place) else os.path.abspath(shard),
        name=name,
        begin=begin,
        size=size,
        start_s=clip.start_s,
        end_s=clip.end_s,
        channel=clip.channel,
        page=page,
        row=row,
    )


@functools.cache
def _pages() -> Pages:
    """Those that this process looked at last: clips of a page mostly follow each other."""
    return Pages()


@functools.lru_cache(maxsize=1024)
def _place(address: str) -> Place:
    return place_at(address)
