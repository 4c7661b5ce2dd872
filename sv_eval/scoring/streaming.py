"""How a run went whose clips came as streams: when the emotion was known, and how often it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from sv_eval.record_file.class_codes import UNLABELLED
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Streamed, StreamStep
from sv_eval.report.latency import TwoPercentiles
from sv_eval.report.streaming import Agreement, ExampleStep, FinalAnswer, LabelFlips, StreamExample, Streaming
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.percentiles import percentile
from sv_eval.scoring.shares import share

STREAM = "stream"
"""The load schedule whose clips come as streams."""


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


def streaming_of(requests: RecordTable, *, confidence: float, timeout_ms: float | None = None) -> Streaming:
    """How the streams of all rounds went. Labels are the recogniser's own, whatever map the run is scored under.

    timeout_ms: what a consumer waits for the final answer after the end of speech.
    """
    streams = {place: one for place, one in requests.streamed.items() if one.steps}
    steps = [each.steps for each in streams.values()]
    first = [value for one in steps if (value := time_to_first_emotion_s(one)) is not None]
    stable = [value for one in streams.values() if (value := _settled_s(one)) is not None]
    flips = [count_flips(one) for one in steps]
    compute = [step.compute_ms for one in steps for step in one]
    agreeing = [_last_label(each) == each.offline_label for each in streams.values() if each.whole_asked]
    audio_s = sum(float(requests.audio_s[place]) for place in streams)
    return Streaming(
        n=len(streams),
        n_chunks=len(compute),
        time_to_first_emotion_s=_percentiles(first, confidence),
        time_to_stable_label_s=_percentiles(stable, confidence),
        never_labelled=len(streams) - len(first),
        flips=LabelFlips(
            mean=sum(flips) / len(flips) if flips else None,
            max=max(flips, default=None),
            clips_without=sum(count == 0 for count in flips),
        ),
        agreement_with_offline=Agreement(
            value=sum(agreeing) / len(agreeing) if agreeing else None,
            n=len(agreeing),
        ),
        chunk_compute_ms=_percentiles(compute, confidence),
        compute_rtf=sum(compute) / 1000 / audio_s if audio_s else None,
        example=_example(requests, streams),
        final=_final(requests, streams, confidence, timeout_ms),
    )


def _last_label(stream: Streamed) -> str | None:
    """The label that a stream ended with: the final answer's, the last step's where that was not kept."""
    return stream.steps[-1].label if stream.final_s is None else stream.final_label


def _settled_s(stream: Streamed) -> float | None:
    """When the label that stayed was there; the final answer may be the first to give it."""
    if stream.final_s is not None and stream.final_label != stream.steps[-1].label:
        return None if stream.final_label is None else stream.final_s
    return time_to_stable_label_s(stream.steps)


def _final(
    requests: RecordTable, streams: Mapping[int, Streamed], confidence: float, timeout_ms: float | None
) -> FinalAnswer | UnsetType:
    timed = {place: one for place, one in streams.items() if one.final_s is not None}
    if not timed:
        return UNSET
    came_s = np.array([one.final_s for one in timed.values()], dtype=np.float64)
    partial_s = np.array([one.steps[-1].emitted_s for one in timed.values()], dtype=np.float64)
    audio_s = np.array([requests.audio_s[place] for place in timed], dtype=np.float64)
    spoken = [one.speech_end_s for one in timed.values()]
    speech_s = np.array([end if one is None else one for one, end in zip(spoken, audio_s, strict=True)])

    clips = np.unique([requests.clip_ids[place] for place in timed], return_inverse=True)[1]

    def percentiles(seconds: NDArray[np.float64]) -> TwoPercentiles:
        # The same clip in another round is no other clip.
        sample = CallSample(latency_ms=seconds * 1000, clip=clips)
        return TwoPercentiles(
            p50=sample.percentile(0.5, confidence=confidence), p95=sample.percentile(0.95, confidence=confidence)
        )

    differing = sum(one.final_label != one.steps[-1].label for one in timed.values())
    late = 0 if timeout_ms is None else int((came_s - speech_s > timeout_ms / 1000).sum())
    return FinalAnswer(
        n=len(timed),
        after_audio_ms=percentiles(came_s - audio_s),
        after_speech_ms=percentiles(came_s - speech_s),
        n_speech_known=sum(one is not None for one in spoken),
        after_partial_ms=percentiles(came_s - partial_s),
        last_partial_ms=percentiles(partial_s - audio_s),
        differs=share(differing, len(timed), confidence),
        timeout_ms=UNSET if timeout_ms is None else timeout_ms,
        too_late=UNSET if timeout_ms is None else share(late, len(timed), confidence),
    )


def _percentiles(values: Sequence[float], confidence: float) -> TwoPercentiles:
    array = np.asarray(values, dtype=np.float64)
    return TwoPercentiles(
        p50=percentile(array, 0.5, confidence=confidence), p95=percentile(array, 0.95, confidence=confidence)
    )


def _example(requests: RecordTable, streams: Mapping[int, Streamed]) -> StreamExample | None:
    """A clip worth looking at: the one whose label changed most, of equals the one with most chunks."""
    if not streams:
        return None
    place, chosen = max(streams.items(), key=lambda each: (count_flips(each[1].steps), len(each[1].steps)))
    raw = requests.class_codes.references[requests.reference[place]]
    return StreamExample(
        clip=requests.clip_ids[place],
        path=requests.paths[place],
        reference=None if raw == UNLABELLED else raw,
        offline_label=chosen.offline_label,
        audio_s=float(requests.audio_s[place]),
        steps=tuple(
            ExampleStep(
                start_s=step.start_s,
                end_s=step.end_s,
                emitted_s=step.emitted_s,
                label=step.label,
                scores=None if step.scores is None else dict(step.scores),
            )
            for step in chosen.steps
        ),
    )


def _steps(*labels: str | None) -> list[StreamStep]:
    """Steps a second apart with these labels, for the examples above."""
    return [
        StreamStep(start_s=n, end_s=n + 1, label=label, scores=None, compute_ms=0.0, emitted_s=n + 1.0)
        for n, label in enumerate(labels)
    ]
