"""What the settings of a sweep share in one process: corpora, decoded clips, and the backends' own store.

Accuracy may come from shared work, latency may not. A run that shares therefore has two parts: a timed pass over
the same few clips for every setting, with nothing shared; and every other clip once, in batches and with whatever
is known already, its records marked and without a latency. What the timed pass answers is not asked again, save for
a few clips, so that every setting shows that shared work gives the same answers.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.backend import Capabilities
from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus
from sv_eval.data.corpus.selection import limited
from sv_eval.data.corpus.source import AudioSource
from sv_eval.errors import ConfigError
from sv_eval.records import Clip, Waveform
from sv_eval.run.load import SINGLE_STREAM, LoadConfig
from sv_eval.run.store import MIB, MemoryStore
from sv_eval.scoring.percentiles import minimum_n

_CHECKED = 20
"""How many of the timed clips are asked about both ways."""
_FOR_AUDIO = 0.75
"""The share of the memory that decoded audio may take; it is by far the largest of what is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingConfig:
    """How much is shared, and how latency is measured all the same."""

    memory_mib: float = 2048.0
    """What may be kept in memory; beyond it clips are decoded, and work is done, again."""
    timed_requests: int = 150
    """Requests of the timed pass; a corpus with fewer clips is gone through again. 0 for no pass and no latency."""
    seed: int = 0
    """Decides which clips are timed."""

    def __post_init__(self) -> None:
        if self.memory_mib < 0:
            raise ConfigError(f"sweep.memory_mib={self.memory_mib}: give mebibytes, 0 or more")
        if self.timed_requests and self.timed_requests < minimum_n(0.95):
            raise ConfigError(
                f"sweep.timed_requests={self.timed_requests}: a 95th percentile needs {minimum_n(0.95)} or more; "
                "0 for no latency"
            )


class Sharing:
    """Lives as long as the sweep; every run of it is given the same one."""

    def __init__(self, config: SharingConfig) -> None:
        self.config = config
        whole = int(config.memory_mib * MIB)
        self._audio = MemoryStore(int(whole * _FOR_AUDIO))
        self.work = MemoryStore(whole - self._audio.limit_bytes)
        self._corpora: dict[str, Corpus] = {}
        self._sources: dict[str, SharedSource] = {}

    def corpus(self, settings: Mapping[str, Any], words: Mapping[str, str] | None = None) -> Corpus:
        """The corpus that these settings describe, read once."""
        key = json.dumps([settings, words or {}], sort_keys=True, default=str)
        if key not in self._corpora:
            self._corpora[key] = read_corpus(dataset_config_from(settings, words))
        return self._corpora[key]

    def source(self, corpus: Corpus) -> SharedSource:
        """The corpus's audio, decoded once as far as memory goes."""
        if corpus.hash not in self._sources:
            self._sources[corpus.hash] = SharedSource(corpus.source, corpus.hash, self._audio)
        return self._sources[corpus.hash]

    def timed(self, clips: Sequence[Clip]) -> list[tuple[Clip, int]]:
        """The turns of the timed pass, with their round from 1 on: equal for every setting of a sweep."""
        chosen = sorted(
            limited(list(clips), self.config.timed_requests, self.config.seed), key=lambda clip: clip.id
        )
        turns: list[tuple[Clip, int]] = []
        number = 1
        while chosen and len(turns) < self.config.timed_requests:
            turns += [(clip, number) for clip in chosen[: self.config.timed_requests - len(turns)]]
            number += 1
        return turns


class SharedSource:
    """A corpus's audio, kept once it is decoded; knows a key for every waveform that it gave."""

    def __init__(self, source: AudioSource, name: str, store: MemoryStore) -> None:
        self._source, self._name, self._store = source, name, store
        self._keys: dict[str, str] = {}
        self._lock = threading.Lock()

    def fetch(self, clip: Clip) -> None:
        """Has a clip that will be asked for soon fetched, where it lies elsewhere."""
        if (fetch := getattr(self._source, "fetch", None)) is not None:
            fetch(clip)

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        """The clip's audio; raises AudioError."""
        place = (self._name, clip.id, keep_encoded)
        kept: Waveform | None = self._store.get(place)
        if kept is not None:
            return kept
        waveform = self._source.load(clip, keep_encoded=keep_encoded)
        key = hashlib.blake2b(waveform.samples.tobytes(), digest_size=16).hexdigest()
        with self._lock:
            self._keys[clip.id] = key
        self._store.put(place, waveform, waveform.samples.nbytes + len(waveform.encoded or b""))
        return waveform

    def key(self, clip: Clip) -> str | None:
        """What stands for the clip's samples, by their content; None before they were decoded."""
        with self._lock:
            return self._keys.get(clip.id)


def checked_clips(timed: Sequence[tuple[Clip, int]]) -> frozenset[str]:
    """The ids of the timed clips that are answered from shared work, too; what comes out must be the same."""
    ids = list(dict.fromkeys(clip.id for clip, _ in timed))
    return frozenset(ids[:: max(1, len(ids) // _CHECKED)][:_CHECKED])


def can_share(load: LoadConfig, can: Capabilities) -> bool:
    """Whether a run under this load may share work: only where each clip is asked about once and by itself."""
    return can.shares_work and load.schedule == SINGLE_STREAM and load.rounds == 1
