"""Clips of silence, as many as wanted and none of them on disk, to prove the harness with."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.corpus.config import DatasetConfig, SimulatedOptions
from sv_eval.data.corpus.entry import Entry, OpenedCorpus
from sv_eval.data.corpus.schema import Card
from sv_eval.dimensions import Range
from sv_eval.machine.interrupts import interrupts_held
from sv_eval.records import SAMPLE_RATE_HZ, Clip, Waveform

_GOLDEN = 0.6180339887498949
"""Multiples of it, without their whole part, spread evenly."""
_TAIL = 0.00135
"""Beyond three deviations, which are the ends of the range, nothing is drawn."""


def open_simulated(config: DatasetConfig, card: Card) -> OpenedCorpus:
    """The clips that `dataset.simulated` asks for."""
    source = SilenceSource(config.simulated.longest_s)
    return OpenedCorpus(entries=_entries(config.simulated, card.ranges), source=source, ends=lambda _: b"")


def _entries(options: SimulatedOptions, ranges: Mapping[str, Range]) -> Iterator[Entry]:
    digits = len(str(options.n_clips - 1))
    speakers = [f"speaker_{number:0{len(str(options.n_speakers - 1))}d}" for number in range(options.n_speakers)]
    for index in range(options.n_clips):
        speaker = index // len(options.labels) % options.n_speakers
        share = index * _GOLDEN % 1.0
        entry = Entry(
            id=f"sim_{index:0{digits}d}",
            path="",
            where=f"simulated clip {index}",
            label=options.labels[index % len(options.labels)],
            speaker=speakers[speaker],
            sex="male" if speaker % 2 else "female",
            start_s=0.0,
            end_s=round(options.shortest_s + share * (options.longest_s - options.shortest_s), 3),
        )
        for name, one in ranges.items():
            setattr(entry, name, _drawn(index, name, one))
        yield entry


def _drawn(index: int, name: str, declared: Range) -> str:
    """A clip's value of a dimension: normal about the middle of its range, a sixth of which is one deviation."""
    # Anything that came again after so many clips might come again with the speakers.
    digest = hashlib.blake2b(f"{name}:{index}".encode(), digest_size=8).digest()
    share = (int.from_bytes(digest, "little") + 0.5) / 2**64
    low, high = declared
    value = (low + high) / 2 + (high - low) / 6 * NormalDist().inv_cdf(min(max(share, _TAIL), 1 - _TAIL))
    return repr(round(value, 6))


class SilenceSource:
    """Silence of each clip's length; all clips share one buffer."""

    def __init__(self, longest_s: float) -> None:
        self._zeros = np.zeros(round(longest_s * SAMPLE_RATE_HZ) + 1, dtype=np.float32)
        self._zeros.flags.writeable = False

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        """The clip's silence."""
        return Waveform(
            samples=self._samples(clip),
            encoded=self.encoded(clip) if keep_encoded else None,
            container="wav/pcm_16",
            source_rate_hz=SAMPLE_RATE_HZ,
            source_channels=1,
        )

    def encoded(self, clip: Clip) -> bytes:
        """A wav file of the clip's silence."""
        import soundfile

        file = io.BytesIO()
        with interrupts_held():
            soundfile.write(file, self._samples(clip), SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
        return file.getvalue()

    def _samples(self, clip: Clip) -> NDArray[np.float32]:
        length = round(((clip.end_s or 0.0) - (clip.start_s or 0.0)) * SAMPLE_RATE_HZ)
        return self._zeros[:length]
