"""What an audit finds in the bytes of a file."""

from __future__ import annotations

from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audit.facts import AudioDefect, AudioFacts
from sv_eval.data.audit.measure import Job, Measure


def measured(content: bytes, channel: int | None = None) -> AudioFacts | AudioDefect:
    """With the limits that hold by default."""
    job = Job(source=content, start_s=None, end_s=None, channel=channel)
    return Measure(limits=AudioLimits(), full_scale=0.999)(job)
