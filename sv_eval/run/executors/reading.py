"""Reading clips where they are judged: what a worker does before its recogniser is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

from sv_eval.backend import Location, Request
from sv_eval.data.audio.digest import sound_digest
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audio.measuring import measured_all
from sv_eval.data.corpus.location import PlacedSource, audio_at
from sv_eval.data.corpus.source import AudioSource
from sv_eval.errors import ConfigError
from sv_eval.records import Clip, Failure, Heard, Waveform
from sv_eval.run.executors.config import WORKERS
from sv_eval.run.guard import around_one_clip
from sv_eval.run.load import OFFLINE
from sv_eval.sound_facts import SoundFacts

_AT_ONCE = 8
"""Clips of a worker that are read side by side: what they wait for is the store."""
Read = tuple[Request, Heard | None, Failure | None]
"""A request with its sound, what was found on reading it, and why it could not be read."""


class Reader:
    """Reads clips, several at a time.

    taught: digests of what the model was trained on; clips that are among it are marked.
    """

    def __init__(self, limits: AudioLimits, *, keep_encoded: bool, taught: frozenset[str]) -> None:
        self._limits, self._keep_encoded, self._taught = limits, keep_encoded, taught
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="read")

    async def read(self, requests: Sequence[Request]) -> list[Read]:
        """Each request with its sound, in order; those that brought theirs as they are."""
        loop = asyncio.get_running_loop()
        return list(
            await asyncio.gather(*(loop.run_in_executor(self._threads, self._one, each) for each in requests))
        )

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _one(self, request: Request) -> Read:
        where = request.location
        if where is None:
            return request, None, None
        begin, found, decode_ms = time.perf_counter(), cast("Waveform | None", None), 0.0
        with around_one_clip("decode_error") as failures:
            found = audio_at(where, self._limits, keep_encoded=self._keep_encoded)
            decode_ms = (time.perf_counter() - begin) * 1000
        if found is None:
            failed_ms = (time.perf_counter() - begin) * 1000
            return request, Heard(audio_s=None, decode_ms=failed_ms), failures[0]
        marks, sound = set(found.marks), cast("SoundFacts | None", None)
        if self._taught and sound_digest(found.samples) in self._taught:
            marks.add("taught")
        with around_one_clip("decode_error") as failures:
            (sound,) = measured_all([found])
        heard = Heard(audio_s=found.duration_s, decode_ms=decode_ms, marks=tuple(sorted(marks)), sound=sound)
        return replace(request, waveform=found, location=None), heard, failures[0] if failures else None


def placed_by(config: Mapping[str, Any], source: AudioSource) -> Callable[[Clip], Location] | None:
    """Tells where clips lie, for a run whose workers read them; None for a run that reads them here.

    Raises ConfigError where workers can't read what the run wants read.
    """
    if (config.get("executor") or {}).get("read") != WORKERS:
        return None
    run, load = config.get("run") or {}, config.get("load") or {}
    forbidden = {
        "load=offline is the only load under which clips are read elsewhere": load.get("schedule") != OFFLINE,
        "a condition changes sound here": bool((config.get("condition") or {}).get("steps")),
        "run.lufs and run.dnsmos listen here": bool(run.get("lufs") or run.get("dnsmos")),
        "controls ask with sound that was read here": any(
            (config.get("controls") or {}).get(name) for name in ("repeats", "orders", "words")
        ),
        "this corpus's audio can't be told of by place (folders, tables, cards and shards can)": not hasattr(
            source, "location"
        ),
    }
    for why, holds in forbidden.items():
        if holds:
            raise ConfigError(f"executor.read=workers: {why}; set executor.read=here, or do without")
    return cast("PlacedSource", source).location
