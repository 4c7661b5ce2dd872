"""Speech spans from frame probabilities, and long spans cut into chunks. Pure arithmetic on samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sv_eval.records import SAMPLE_RATE_HZ

Float32 = NDArray[np.float32]

_HYSTERESIS = 0.15
"""Speech that has begun goes on until its probability is this far below the threshold, as in silero's rule."""
_SHORTEST_PIECE_S = 0.5


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a waveform, in samples: `start` belongs to it, `end` does not."""

    start: int
    end: int

    @property
    def start_s(self) -> float:
        """Where it begins, seconds."""
        return self.start / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """Where it ends, seconds."""
        return self.end / SAMPLE_RATE_HZ

    @property
    def duration_s(self) -> float:
        """How long it is, seconds."""
        return (self.end - self.start) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRule:
    """When frames with a speech probability make a span of speech."""

    threshold: float = 0.5
    """The probability from which on a frame is speech."""
    min_speech_ms: float = 250.0
    """Shorter spans are dropped."""
    min_silence_ms: float = 100.0
    """A shorter pause does not end a span."""
    pad_ms: float = 30.0
    """What is added at both ends of a span."""


def speech_spans(probabilities: Float32, *, frame: int, samples: int, rule: SpeechRule) -> list[Span]:
    """The spans of speech in a waveform of `samples` samples, in order and apart.

    probabilities: speech probability of each frame, shape [frames]; frame i covers the `frame` samples from
    i * frame on.

    >>> speech_spans(np.array([0, 0.9, 0.9, 0], np.float32), frame=1600, samples=6400,
    ...              rule=SpeechRule(min_speech_ms=100, pad_ms=0))
    [Span(start=1600, end=4800)]
    """
    shortest = rule.min_speech_ms / 1000 * SAMPLE_RATE_HZ
    found = [Span(begin * frame, min(end * frame, samples)) for begin, end in _runs(probabilities, frame, rule)]
    return _padded([span for span in found if span.end - span.start >= shortest], samples, rule.pad_ms)


def cut(span: Span, likelihood: Float32, *, frame: int, longest: int) -> list[Span]:
    """The span in pieces of at most `longest` samples, each cut at the least likely speech frame near the limit.

    likelihood: any measure that is higher where speech is more likely, a value for each frame of the whole
    waveform. The cut falls in the middle of a frame in the last third before the limit (further forward only
    where a last piece shorter than half a second would be left).
    """
    pieces = []
    while span.end - span.start > longest:
        place = span.start + _place_of_cut(span, likelihood, frame, longest)
        pieces.append(Span(span.start, place))
        span = Span(place, span.end)
    return [*pieces, span]


def _place_of_cut(span: Span, likelihood: Float32, frame: int, longest: int) -> int:
    length = span.end - span.start
    tail = min(int(_SHORTEST_PIECE_S * SAMPLE_RATE_HZ), longest // 3)
    latest = min(longest, length - tail)
    earliest = min(longest * 2 // 3, latest)
    first = -(-(span.start + earliest) // frame)
    last = min((span.start + latest) // frame, len(likelihood))
    if first >= last:
        return latest
    candidates = likelihood[first:last]
    # Of equally unlikely frames the last: pieces as long as they may be.
    best = last - 1 - int(candidates[::-1].argmin())
    return best * frame + frame // 2 - span.start


def _runs(probabilities: Float32, frame: int, rule: SpeechRule) -> list[tuple[int, int]]:
    """Runs of speech frames, first and one past the last, pauses shorter than the rule's bridged."""
    quiet = max(rule.threshold - _HYSTERESIS, min(0.01, rule.threshold))
    pause = rule.min_silence_ms / 1000 * SAMPLE_RATE_HZ / frame
    runs: list[tuple[int, int]] = []
    begin = quiet_from = None
    for number, probability in enumerate(probabilities.tolist()):
        if probability >= rule.threshold:
            begin, quiet_from = number if begin is None else begin, None
        elif begin is not None and probability < quiet:
            quiet_from = number if quiet_from is None else quiet_from
            if number + 1 - quiet_from >= pause:
                runs.append((begin, quiet_from))
                begin = quiet_from = None
    if begin is not None:
        runs.append((begin, len(probabilities) if quiet_from is None else quiet_from))
    return runs


def _padded(spans: Sequence[Span], samples: int, pad_ms: float) -> list[Span]:
    """The spans made longer at both ends; where two would meet, they share the pause between them."""
    pad = round(pad_ms / 1000 * SAMPLE_RATE_HZ)
    out = []
    for index, span in enumerate(spans):
        before = spans[index - 1].end if index else -2 * pad
        after = spans[index + 1].start if index + 1 < len(spans) else samples + 2 * pad
        start = max(0, span.start - min(pad, (span.start - before) // 2))
        out.append(Span(start, min(samples, span.end + min(pad, (after - span.end + 1) // 2))))
    return out
