"""Decoding one clip and measuring it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sv_eval.data.audio.decoding import check_level, read_track
from sv_eval.data.audio.level import loudest_dbfs
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audit.facts import AudioDefect, AudioFacts
from sv_eval.data.audit.header import contradictions
from sv_eval.data.audit.meter import LevelMeter, digest_of
from sv_eval.errors import AudioError

_PROMISE_SLACK_S = 0.1
"""A manifest's rounded end may lie this much behind the file's end."""


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
        start_s, end_s = job.start_s, job.end_s

        def meter_of(name: str) -> LevelMeter:
            return LevelMeter(name, self.limits, start_s, end_s, job.channel, full_scale=self.full_scale)

        meter, origin = read_track(source, meter_of, self.limits)
        mono = meter.finish()
        if end_s is not None and meter.position_s < end_s - _PROMISE_SLACK_S:
            raise AudioError("truncated", f"the file ends at {meter.position_s:.2f} s, the clip at {end_s:g} s")
        if not len(mono):
            raise AudioError("empty", "it holds no samples")
        check_level(mono, "it", self.limits)
        return AudioFacts(
            duration_s=len(mono) / meter.rate_hz,
            rate_hz=origin.rate_hz,
            channels=origin.channels,
            container=origin.container,
            loudest_dbfs=loudest_dbfs(mono, meter.rate_hz),
            full_scale_share=meter.full_scale_share,
            longest_run=meter.longest_run,
            digest=digest_of(mono),
            contradictions=contradictions(source),
            marks=tuple(sorted(meter.marks)),
        )
