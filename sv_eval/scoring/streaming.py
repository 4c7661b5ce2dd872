"""How a run went whose clips came as streams: when the emotion was known, and how often it changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sv_eval.json_lines import parse_line
from sv_eval.records import Streamed, StreamStep, streamed_from_json
from sv_eval.scoring.interval import plain
from sv_eval.scoring.percentiles import percentile


def time_to_first_emotion_s(steps: Sequence[StreamStep]) -> float | None:
    """Seconds from the beginning of the audio to the first label; None when none came.

    >>> time_to_first_emotion_s(_steps(None, "sad", "happy"))
    2.0
    """
    return next((step.emitted_s for step in steps if step.label is not None), None)


def time_to_stable_label_s(steps: Sequence[StreamStep]) -> float | None:
    """Seconds from the beginning of the audio to the label that stayed; None when there is no label at the end.

    >>> time_to_stable_label_s(_steps("happy", "sad", "sad")), time_to_stable_label_s(_steps("happy", None))
    (2.0, None)
    """
    stable = None
    for step in reversed(steps):
        if step.label is None or step.label != steps[-1].label:
            break
        stable = step.emitted_s
    return stable


def count_flips(steps: Sequence[StreamStep]) -> int:
    """How often the running label became another; its first appearance is no change.

    >>> count_flips(_steps(None, "sad", "sad", "happy", "sad"))
    2
    """
    labels = [step.label for step in steps if step.label is not None]
    return sum(one != other for one, other in pairwise(labels))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clip:
    clip: Mapping[str, Any]
    audio_s: float
    streamed: Streamed


def streaming_scores(lines: Iterable[str | bytes], *, confidence: float) -> dict[str, Any]:
    """The block `streaming` of metrics.json, from the lines of a `records.jsonl`.

    Of a clip the last record counts.
    """
    clips = _clips(lines)
    steps = [each.streamed.steps for each in clips]
    first = [value for one in steps if (value := time_to_first_emotion_s(one)) is not None]
    stable = [value for one in steps if (value := time_to_stable_label_s(one)) is not None]
    flips = [count_flips(one) for one in steps]
    compute = [step.compute_ms for one in steps for step in one]
    agreeing = [each.streamed.steps[-1].label == each.streamed.offline_label for each in clips]
    audio_s = sum(each.audio_s for each in clips)
    return {
        "n": len(clips),
        "n_chunks": len(compute),
        "time_to_first_emotion_s": _percentiles(first, confidence),
        "time_to_stable_label_s": _percentiles(stable, confidence),
        "never_labelled": len(clips) - len(first),
        "flips": {
            "mean": plain(sum(flips) / len(flips)) if flips else None,
            "max": max(flips, default=None),
            "clips_without": sum(count == 0 for count in flips),
        },
        "agreement_with_offline": {
            "value": plain(sum(agreeing) / len(agreeing)) if agreeing else None,
            "n": len(agreeing),
        },
        "chunk_compute_ms": _percentiles(compute, confidence),
        "compute_rtf": plain(sum(compute) / 1000 / audio_s) if audio_s else None,
        "example": _example(clips),
    }


def _percentiles(values: Sequence[float], confidence: float) -> dict[str, Any]:
    array = np.asarray(values, dtype=np.float64)
    return {
        name: percentile(array, p, confidence=confidence).to_json() for name, p in (("p50", 0.5), ("p95", 0.95))
    }


def _clips(lines: Iterable[str | bytes]) -> list[_Clip]:
    found: dict[str, _Clip] = {}
    for line in lines:
        data = parse_line(line)
        streamed = streamed_from_json(data.get("streamed"))
        found.pop(data["clip"]["id"], None)
        if streamed is not None and streamed.steps:
            found[data["clip"]["id"]] = _Clip(clip=data["clip"], audio_s=data["audio_s"], streamed=streamed)
    return [found[clip_id] for clip_id in sorted(found)]


def _example(clips: Sequence[_Clip]) -> dict[str, Any] | None:
    """A clip worth looking at: the one whose label changed most, of equals the one with most chunks."""
    if not clips:
        return None
    chosen = max(clips, key=lambda each: (count_flips(each.streamed.steps), len(each.streamed.steps)))
    return {
        "clip": chosen.clip["id"],
        "path": chosen.clip.get("path", ""),
        "reference": chosen.clip.get("reference"),
        "offline_label": chosen.streamed.offline_label,
        "audio_s": chosen.audio_s,
        "steps": [
            {
                "start_s": step.start_s,
                "end_s": step.end_s,
                "emitted_s": step.emitted_s,
                "label": step.label,
                "scores": None if step.scores is None else dict(step.scores),
            }
            for step in chosen.streamed.steps
        ],
    }


def _steps(*labels: str | None) -> list[StreamStep]:
    """Steps a second apart with these labels, for the examples above."""
    return [
        StreamStep(start_s=n, end_s=n + 1, label=label, scores=None, compute_ms=0.0, emitted_s=n + 1.0)
        for n, label in enumerate(labels)
    ]
