"""Decoding one clip and measuring it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.decoding import check_level, read_track
from sv_eval.data.audio.level import loudest_dbfs, sounding
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audio.measuring import measured
from sv_eval.data.audio.mono import MonoTrack
from sv_eval.data.audio.sndfile import Origin
from sv_eval.data.audit.facts import AudioDefect, AudioFacts
from sv_eval.data.audit.header import contradictions
from sv_eval.errors import AudioError
from sv_eval.records import SAMPLE_RATE_HZ, Waveform

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A clip to be measured."""

    source: Path | bytes | AudioDefect
    """The file, its bytes, or why there is neither."""
    start_s: float | None
    """Begin in the file, seconds."""
    end_s: float | None
    """End in the file, seconds."""
    channel: int | None = None
    """Which channel of it, from 1; None for the mix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Measures jobs; a value, so that it can be sent to another process."""

    limits: AudioLimits
    """What a clip's audio may be, for a run on this corpus."""
    full_scale: float
    """Samples at or above count as being at full scale."""

    def __call__(self, job: Job) -> AudioFacts | AudioDefect:
        """What decoding tells of the clip, or why it can't be decoded."""
        if isinstance(job.source, AudioDefect):
            return job.source
        try:
            return self._facts(job.source, job)
        except AudioError as error:
            return AudioDefect(kind=error.kind, message=str(error))

    def _facts(self, source: Path | bytes, job: Job) -> AudioFacts:
        def track_of(name: str) -> MonoTrack:
            # At the file's own rate: what is equal is so no more when it was resampled.
            return MonoTrack(
                name, self.limits, job.start_s, job.end_s, job.channel, own_rate=True, full_scale=self.full_scale
            )

        track, origin = read_track(source, track_of, self.limits)
        mono = track.samples()
        if not len(mono):
            raise AudioError("empty", "it holds no samples")
        check_level(mono, "it", self.limits)
        return AudioFacts(
            duration_s=len(mono) / track.rate_hz,
            rate_hz=origin.rate_hz,
            channels=origin.channels,
            container=origin.container,
            loudest_dbfs=loudest_dbfs(mono, track.rate_hz),
            full_scale_share=track.clipping.share,
            longest_run=track.clipping.longest_run,
            digest=digest_of(mono),
            contradictions=contradictions(source),
            marks=tuple(sorted(track.marks)),
            sound=measured(_as_in_a_run(mono, track, origin)),
        )


def _as_in_a_run(mono: NDArray[np.float32], track: MonoTrack, origin: Origin) -> Waveform:
    """The clip as a recogniser would hear it, at 16 kHz."""
    import soxr

    samples = mono if track.rate_hz == SAMPLE_RATE_HZ else soxr.resample(mono, track.rate_hz, SAMPLE_RATE_HZ)
    return Waveform(
        samples=samples,
        source_rate_hz=origin.rate_hz,
        source_channels=origin.channels,
        clipped=track.clipping.share,
    )


def digest_of(mono: NDArray[np.float32]) -> bytes | None:
    """16 bytes that decide whether two clips hold the same samples, whatever file they came in.

    Digital silence at both ends is left out, and so are level-preserving changes of container and bit depth, which
    decode to the same numbers. None for nothing but silence.
    """
    sound = sounding(mono)
    # Adding zero makes every zero a positive one.
    return hashlib.blake2b((sound + np.float32(0)).data, digest_size=_DIGEST_BYTES).digest() if len(sound) else None
