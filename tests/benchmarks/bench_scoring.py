"""What scoring a run of 10,000 clips costs, parsing and scoring: run this file as a script.

Prints seconds on one thread, and parsing as a ratio to bare `json.loads` of the same lines.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections import deque

import numpy as np
from bench_bootstrap import medians_s
from threadpoolctl import threadpool_limits

from sv_eval.emotions import EMOTIONS
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.score_table import ScoreTable
from sv_eval.scoring.alarm_costs import AlarmCosts
from sv_eval.scoring.calibration.judging import calibration_of, judged_scores
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.conformal import conformal_of
from sv_eval.scoring.operating import operating_of
from sv_eval.scoring.scope import scope_of
from sv_eval.scoring.scorecard import score
from sv_eval.scoring.selective import selective_of
from sv_eval.scoring.several import several_of
from sv_eval.scoring.soft.judging import soft_labels_of


def random_lines(clips: int, speakers: int, seed: int = 0, *, raters: int = 0) -> list[bytes]:
    """Lines as a run writes them, posterior and stage timings included; raters: how many vote for each clip."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(clips):
        reference, other = rng.integers(0, 7, 2)
        answer = EMOTIONS[reference if rng.random() < 0.67 else other]
        scores = {name: round(float(p), 6) for name, p in zip(EMOTIONS, rng.dirichlet([1] * 7), strict=True)}
        clip = {"id": f"s{i % speakers:03d}/{i:06d}", "path": f"wav/s{i % speakers:03d}/{i:06d}.wav"}
        clip |= {"reference": EMOTIONS[reference], "raw_label": "x", "speaker": f"s{i % speakers:03d}"}
        if raters:
            said = rng.integers(0, 7, raters) if rng.random() < 0.5 else [reference] * raters
            clip["raters"] = {f"r{rng.integers(0, 500)}": [EMOTIONS[one]] for one in said}
            clip["emotions"] = sorted({EMOTIONS[reference], EMOTIONS[other]})
        prediction = {"label": answer, "forced": answer, "scores": scores, "confidence": scores[answer]}
        prediction |= {
            "text": f"the words of utterance {i}",
            "stages_ms": {"features": 2.8, "inference": 41.0},
        }
        record = {"clip": clip, "outcome": "LABEL", "prediction": prediction, "audio_s": 3.1}
        record |= {"latency_ms": round(float(rng.gamma(9, 6)), 6), "decode_ms": 0.4, "batch_size": 1}
        lines.append(json.dumps(record | {"attempts": 1, "session": 0}).encode() + b"\n")
    return lines


def main() -> None:
    """Print the times."""
    lines = random_lines(10_000, 40)
    records = RunRecords.of_lines(lines)
    bare, parse, scoring = medians_s(
        lambda: deque(map(json.loads, lines), maxlen=0),
        lambda: RunRecords.of_lines(lines),
        lambda: score(records, ScoringConfig()),
        repeats=9,
    )
    tracemalloc.start()
    kept = RunRecords.of_lines(lines).answers
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    sys.stdout.write(
        f"{len(kept)} clips: parse {parse:.3f} s ({parse / bare:.2f} x json.loads), score {scoring:.3f} s, "
        f"{size / len(kept):.0f} bytes a clip kept\n"
    )
    of_scores()
    of_raters()


def of_raters(clips: int = 100_000) -> None:
    """Print what raters' votes cost: reading them beside the rest, soft figures, and several emotions a clip."""
    bare, lines = random_lines(clips, 40), random_lines(clips, 40, raters=8)
    scope, table = scope_of(RunRecords.of_lines(lines), ScoringConfig()), ScoreTable.of_lines(lines)
    plain, read, soft, several = medians_s(
        lambda: RunRecords.of_lines(bare),
        lambda: RunRecords.of_lines(lines),
        lambda: soft_labels_of(scope, table, str),
        lambda: several_of(scope, table, str),
        repeats=3,
    )
    sys.stdout.write(
        f"{clips} clips of 8 raters: read {read - plain:+.2f} s, soft figures {soft:.2f} s, several emotions "
        f"{several:.2f} s, together {read - plain + soft + several:.2f} s\n"
    )


def of_scores(clips: int = 100_000) -> None:
    """Print what the figures of scores cost: reading them, calibration, thresholds, selective answers."""
    lines = random_lines(clips, 40)
    scope = scope_of(RunRecords.of_lines(lines), ScoringConfig())
    table = ScoreTable.of_lines(lines)
    asked = ScoringConfig(precision=0.9, false_alarms_per_hour=30.0, costs=AlarmCosts(miss=9.0))
    judged = judged_scores(scope, table)
    names = ("read scores", "calibration", "thresholds", "selective", "sets")
    found = medians_s(
        lambda: ScoreTable.of_lines(lines),
        lambda: calibration_of(scope, table),
        lambda: operating_of(judged_scores(scope, table), asked),
        lambda: selective_of(scope, table),
        lambda: conformal_of(judged, 0.95),
        repeats=3,
    )
    told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in zip(names, found, strict=True))
    sys.stdout.write(f"{clips} clips: {told}, together {sum(found):.2f} s\n")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
