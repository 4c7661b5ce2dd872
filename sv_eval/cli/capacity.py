"""`python -m sv_eval.capacity KEY=VALUE ...`: the highest rate that keeps an objective, and a concurrency curve."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sv_eval.cli.help import help_of
from sv_eval.errors import EXIT_INCOMPLETE, EXIT_PASS, RunIncomplete
from sv_eval.machine.terminal import give, note, relative, say
from sv_eval.written_files import append_whole

_HEADER = """\
sv-eval capacity finds out how much load a backend bears.

  sv-eval capacity backend=remote backend.url=URL slo.p95_ms=200
  sv-eval capacity backend=onnx slo.p50_ms=50 slo.p95_ms=100
  sv-eval capacity dataset=emodb dataset.root=DIR curve.concurrency=[1,8,64]

First the concurrency curve: so many callers, each waiting for its answer. Then the search: Poisson load, twice and
half the rate until the objective is once kept and once broken; then trials as long as the queue needs to forget,
until the interval around the capacity is narrow enough. At the end an overload, and the capacity once more. Answers
are compared with those that the backend gives without load.
"""
_FOOTER = """\
The directory holds capacity.md, capacity.json, figures/ and trials.jsonl, a trial a line as it ends.
Exit codes: 0 a capacity was found, 1 error, 2 wrong usage or configuration, 5 interrupted, backend lost, the server
changed meanwhile, the generator could not tell, or ended before the capacity was known.
"""
TRIALS = "trials.jsonl"


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints for the choices that the words make."""
    return help_of(words, main_file="capacity", header=_HEADER, footer=_FOOTER, own=_OWN)


_OWN = ("slo", "search", "curve", "decode_workers", "report", "out")


def run(arguments: Sequence[str]) -> int:
    """Measure, write, say the headline."""
    from sv_eval.config.building import build_backend
    from sv_eval.config.composing import composed
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
    from sv_eval.finished.both_forms import write_both
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.report.run_directory import FIGURES, write_json, write_text
    from sv_eval.reports.capacity import CURVE, draw_capacity, render_capacity
    from sv_eval.run.event_loop import finished
    from sv_eval.studies.capacity.config import capacity_config_from
    from sv_eval.studies.capacity.measure import measure

    settings = composed("capacity", arguments)
    config = capacity_config_from(settings)
    language = report_config_from(settings["report"]).language
    corpus = read_corpus(dataset_config_from(settings["dataset"]))
    backend = build_backend(settings["backend"])
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")  # local time, as in a run directory's name
    directory = Path(settings["out"] or f"runs/capacity/{corpus.name}/{now}")
    trials = directory / TRIALS
    write_text(trials, "")  # a bad path fails now and not after an hour
    try:
        result = finished(measure(backend, corpus, config, lambda trial: _keep(trial.to_json(), trials)))
    except RunIncomplete as error:
        raise RunIncomplete(
            f"{error}; the trials so far are kept in {relative(trials)}, and the same command begins again"
        ) from error
    result |= {"settings": settings, "overrides": list(arguments)}
    write_json(directory / "capacity.json", result)
    drawn = draw_capacity(result)
    for name, drawing in drawn.items():
        write_text(directory / FIGURES / name, drawing)
    text = render_capacity(result, language, figure=f"{FIGURES}/{CURVE}")
    figures = {f"{FIGURES}/{name}": drawing for name, drawing in drawn.items()}
    write_both(directory / "capacity.md", text, language=language, figures=figures)
    say(_headline(result))
    say(f"report: {relative(directory / 'capacity.md')}")
    give(result=result, directory=str(directory))
    return EXIT_PASS if result["capacity"]["ended_by"] == "tolerance" else EXIT_INCOMPLETE


def _keep(trial: dict[str, Any], file: Path) -> None:
    """A trial that has ended: into the file, and a line for who waits."""
    append_whole(file, json.dumps(trial) + "\n")
    load = f"{trial['concurrency']} callers" if trial["rate"] is None else f"{trial['rate']:.4g}/s"
    found = ", ".join(f"{p} {trial[f'{p}_ms']:.4g} ms" for p in ("p50", "p95") if trial[f"{p}_ms"] is not None)
    phase = "" if trial["phase"] is None else f"{trial['phase']}: "
    verdict = "" if trial["verdict"] is None else f": {trial['verdict']}"
    kinds = ", ".join(f"{kind} {n}" for kind, n in trial["kinds"].items())
    why = f" ({trial['why']}{': ' + kinds if kinds else ''})" if trial["why"] else f" ({kinds})" if kinds else ""
    answered = "" if trial["answered_per_s"] is None else f", {trial['answered_per_s']:.4g} answers/s"
    note(f"{phase}{load}{answered}, {found}{verdict}{why}")


def _headline(result: dict[str, Any]) -> str:
    capacity, slo = result["capacity"], ", ".join(f"{name} {limit:g} ms" for name, limit in result["slo"].items())
    kept, low, high = (capacity[name] for name in ("kept_per_s", "low_per_s", "high_per_s"))
    ended = f"the search ended: {capacity['ended_by']}"
    if kept is None:
        return f"no rate was found that keeps {slo} ({capacity['ended_by']})"
    if low is None or high is None:
        return f"{kept:g} requests a second keep {slo}; {ended}, so there is no interval"
    words = [f"{kept:g} requests a second keep {slo} ({capacity['confidence']:.0%} interval {low:g} to {high:g})"]
    if capacity["saturation_per_s"] is not None:
        words.append(f"saturation {capacity['saturation_per_s']:g}")
    if capacity["findings"]:
        words.append(f"the server {', '.join(capacity['findings'])}")
    return "; ".join(words if capacity["ended_by"] == "tolerance" else [*words, ended])
