"""`precision=auto`: which form of a model is the fastest here among those that answer alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sv_eval.backends.sensevoice.answers import AnswerReader
from sv_eval.backends.sensevoice.recogniser import Engine
from sv_eval.errors import ModelError

REFERENCE = "fp32"
CLIPS = 24
_TIMED_CLIPS = 6
_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one precision did on the calibration clips."""

    differing: int
    """Clips whose label is not the reference's."""
    clip_ms: float
    """Median milliseconds of one inference of one clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The precision that was chosen, and why."""

    precision: str
    """Its name."""
    measured: Mapping[str, Measured]
    """Every precision that was tried."""
    clips: int
    """How many clips labels were compared on."""

    @property
    def reason(self) -> str:
        """One line for a report."""
        words = [
            f"{name} {one.clip_ms:.1f} ms a clip, {one.differing} of {self.clips} labels differ"
            for name, one in self.measured.items()
        ]
        return f"measurement at start: {'; '.join(words)}; {self.precision} chosen"


def fastest_that_agrees(
    candidates: Mapping[str, Callable[[str], Engine]],
    reader: AnswerReader,
    clips: Sequence[Any] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Choice:
    """The fastest precision whose labels are the reference's on every clip.

    candidates: for each precision what builds its engine. clips: waveforms, 16 kHz float32; the bundled ones when
    None. Times are medians over rounds in which the precisions take turns, by a `clock` of seconds.
    """
    if REFERENCE not in candidates:
        raise ModelError(
            f"backend.precision=auto compares with {REFERENCE}, and the directory holds "
            f"{'only ' + ', '.join(candidates) if candidates else 'no graph'}; export {REFERENCE} too, or name the "
            "precision"
        )
    waveforms = list(bundled_clips() if clips is None else clips)
    engines = {name: build(name) for name, build in candidates.items()}
    labels = {name: [_label(engine, reader, samples) for samples in waveforms] for name, engine in engines.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(_ROUNDS):
        for name, engine in engines.items():
            times[name].append(_clip_ms(engine, waveforms[:_TIMED_CLIPS], clock))
    measured = {
        name: Measured(
            differing=sum(one != other for one, other in zip(labels[name], labels[REFERENCE], strict=True)),
            clip_ms=statistics.median(times[name]),
        )
        for name in engines
    }
    agreeing = [name for name in measured if not measured[name].differing]
    best = min(agreeing, key=lambda name: measured[name].clip_ms)
    return Choice(precision=best, measured=measured, clips=len(waveforms))


def worth_trying(precisions: Iterable[str], native: Sequence[str] | None) -> list[str]:
    """Those that the processor has instructions for; what it imitates is slower somewhere, and rounded otherwise.

    native: as `native_precisions` has it, None where nobody can tell.

    >>> worth_trying(["fp32", "fp16", "int8"], ["fp32", "int8"])
    ['fp32', 'int8']
    """
    return [name for name in precisions if native is None or name in native or name == REFERENCE]


def labels_that_differ(engine: Engine, reference: Engine, reader: AnswerReader) -> dict[str, int]:
    """On how many of the bundled clips two engines' labels differ, as `BackendInfo.rounding` has it."""
    clips = bundled_clips()
    differing = sum(_label(engine, reader, clip) != _label(reference, reader, clip) for clip in clips)
    return {"n": len(clips), "differing": differing}


def bundled_clips() -> list[Any]:
    """Waveforms of demonstration clips, evenly from the whole corpus."""
    from sv_eval.config.places import cards_dir
    from sv_eval.data.audio.decoding import decode

    paths = sorted((cards_dir() / "demo" / "clips").glob("*.flac"))
    return [decode(path).samples for path in paths[:: max(1, len(paths) // CLIPS)][:CLIPS]]


def _label(engine: Engine, reader: AnswerReader, samples: Any) -> str | None:
    (prediction,) = reader.read(engine.reduced(engine.infer(engine.batch([engine.features(samples)]))))
    return prediction.label


def _clip_ms(engine: Engine, waveforms: Sequence[Any], clock: Callable[[], float]) -> float:
    batches = [engine.batch([engine.features(samples)]) for samples in waveforms]
    begin = clock()
    for batch in batches:
        engine.infer(batch)
    return (clock() - begin) * 1000 / len(batches)
