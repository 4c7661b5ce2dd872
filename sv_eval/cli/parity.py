"""`python -m sv_eval.parity A B ...`: two backend configurations over the same clips."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.errors import EXIT_GATE_FAILED, EXIT_PASS
from sv_eval.machine.terminal import give, relative, say

if TYPE_CHECKING:
    from sv_eval.report.parity import ParityResult

_HELP = """\
usage: python -m sv_eval.parity A B [dataset=NAME dataset.KEY=VALUE ...] [parity.KEY=VALUE ...] [out=DIR]

Runs two backend configurations over the same clips, in turns, and reports where they disagree: labels that
flip (with the clips), max and mean |dp|, the first stage that diverges (waveform, features, logits, posterior,
label), the latency ratio; and each side against itself: rerun, many callers, batches, padding.

  A, B                 BACKEND or BACKEND,KEY=VALUE,KEY=VALUE; also a.KEY=VALUE and b.KEY=VALUE
  dataset=..., dataset.root=DIR, dataset.split=..., dataset.limit=N     as for python -m sv_eval
  parity.trace_clips=24         clips whose stages are compared, besides those that flip
  parity.invariance=true        check each side against itself
  parity.invariance_clips=32    clips that those checks use
  parity.tolerance.STAGE=X      difference from which a stage counts as diverging; STAGE is waveform (0),
                                features (0.001), logits (0.01) or posterior (0.0001)
  parity.max_flips=N            more flips than this: exit code 3
  parity.max_dp=X               a larger |dp| than this: exit code 3
  report.language=en|zh
  out=DIR                       default runs/parity/<dataset>/<time>

  python -m sv_eval.parity onnx local,model=bundled,device=cpu
  python -m sv_eval.parity onnx,model=DIR onnx,model=DIR,precision=int8 dataset=emodb dataset.root=EMODB

Writes parity.json and parity.md.
Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 3 a limit is broken, 5 nothing could be compared.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> int:
    """Run the check; a limit that is broken is the exit code's matter."""
    from sv_eval.config.building import build_backend
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
    from sv_eval.finished.both_forms import write_both
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.machine.environment import describe_environment
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import write_json
    from sv_eval.reports.parity import render_parity
    from sv_eval.run.event_loop import finished
    from sv_eval.run.history import describe_corpus
    from sv_eval.scoring.labels.config import labels_config_from
    from sv_eval.studies.parity.config import parse
    from sv_eval.studies.parity.measure import measure
    from sv_eval.studies.parity.result import result_of
    from sv_eval.written_files import refuse_unwritable

    line = parse(arguments)
    first, second = (_composed([*side, *line.shared]) for side in line.sides)
    language = report_config_from(first["report"]).language
    corpus = read_corpus(dataset_config_from(first["dataset"], labels_config_from(first["labels"]).meant))
    backends = (build_backend(first["backend"]), build_backend(second["backend"]))
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")  # local time, as in a run directory's name
    directory = Path(line.out or f"runs/parity/{corpus.name}/{now}")
    refuse_unwritable(directory / "parity.md")  # a bad path fails now and not after an hour
    found = finished(measure(backends, corpus, line.parity, _counter(len(corpus.clips))))
    result = result_of(found, line.parity, line.titles, describe_corpus(corpus), describe_environment())
    write_json(directory / "parity.json", as_json(result))
    give(result=as_json(result), directory=str(directory))
    write_both(directory / "parity.md", render_parity(result, language), language=language)
    say(_headline(result))
    say(f"report: {relative(directory / 'parity.md')}")
    if broken := result.broken_limits:
        say("broken: " + ", ".join(f"{name}={getattr(result.limits, name[len('parity.') :])}" for name in broken))
    return EXIT_GATE_FAILED if broken else EXIT_PASS


def _composed(overrides: list[str]) -> dict[str, Any]:
    from sv_eval.config.composing import composed

    return composed("config", overrides, ("backend", "dataset", "labels", "report"))


def _counter(total: int) -> Any:
    """Says how far it is, now and then, where somebody watches."""
    done = 0

    def on_clip() -> None:
        nonlocal done
        done += 1
        if sys.stderr.isatty() and (done % 10 == 0 or done == total):
            print(f"\r{done} of {total} clips", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return on_clip


def _headline(result: ParityResult) -> str:
    largest, ratio = result.dp.max, result.latency_ms.ratio.value
    return (
        f"{result.flips.count} of {result.n_compared} labels differ, "
        f"max |dp| {'unknown' if largest is None else format(largest, '.2g')}, "
        f"latency B/A {'too few clips' if ratio is None else format(ratio, '.2f')}"
        + (f", {result.n_failed} failed" if result.n_failed else "")
    )
