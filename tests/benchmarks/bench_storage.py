"""What clips in a store cost whose every request takes a while: run this file as a script.

Prints clips a second, decoded one after another by one thread, with and without fetching ahead, and the seconds
that both ends of every file take, which the hash holds. The store is in memory and waits before it answers.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from typing import Any

import fsspec
import numpy as np
import soundfile

from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
from sv_eval.data.corpus.remote_source import RemoteEnds, RemoteSource
from sv_eval.data.storage.place import Place
from sv_eval.run.prefetch import Prefetcher

_WAIT_S = 0.03
_CLIPS = 300
_AHEAD = 32


class Slow:
    """The store, which waits before it gives a file."""

    def __init__(self, files: Any) -> None:
        self._files = files

    def __getattr__(self, name: str) -> object:
        return getattr(self._files, name)

    def cat_file(self, *arguments: object, **named: object) -> bytes:
        """The file's bytes."""
        time.sleep(_WAIT_S)
        found: bytes = self._files.cat_file(*arguments, **named)
        return found


async def heard(source: Any, clips: Any) -> None:
    """Decode every clip."""
    with Prefetcher(clips, source, workers=1, ahead=_AHEAD) as ahead:
        async for item in ahead.stream():
            assert item.failure is None, item.failure


class Without:
    """The source, that is told nothing early."""

    def __init__(self, source: RemoteSource) -> None:
        self.load = source.load


def main() -> None:
    """Print the figures."""
    files = fsspec.filesystem("memory")
    rng = np.random.default_rng(0)
    for number in range(_CLIPS):
        file = io.BytesIO()
        soundfile.write(file, rng.normal(0, 0.1, 48_000).astype(np.float32), 16_000, format="FLAC")
        files.pipe(f"/bench/happy/{number:04d}.flac", file.getvalue())
    config = dataset_config_from({"name": "bench", "kind": "folder", "root": "memory://bench"})
    corpus = read_corpus(config)
    place = Place(files_at=Slow(files), key="/bench", scheme="memory")
    source = RemoteSource(place, config.limits)
    begin = time.perf_counter()
    RemoteEnds(place).expect(corpus.clips)
    ends_s = time.perf_counter() - begin
    rates = []
    for one in (Without(source), source):
        begin = time.perf_counter()
        asyncio.run(heard(one, corpus.clips))
        rates.append(_CLIPS / (time.perf_counter() - begin))
    sys.stdout.write(
        f"{_CLIPS} clips of 3 s, {_WAIT_S * 1000:.0f} ms a request: {rates[0]:.0f} clips/s without fetching ahead, "
        f"{rates[1]:.0f} with ({rates[1] / rates[0]:.1f} x); ends of all files {ends_s:.2f} s\n"
    )


if __name__ == "__main__":
    main()
