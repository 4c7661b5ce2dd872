"""The harness as a library: measure, read, compare and gate from a script or a notebook.

    import sv_eval

    run = sv_eval.evaluate(backend="onnx", dataset="demo")
    run.report.accuracy.uar.value

Everything here is also an attribute of `sv_eval` itself. Errors are those of `sv_eval.errors`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas as pd

    from sv_eval.backend import Backend
    from sv_eval.finished.exports.formats import Exported
    from sv_eval.finished.reading import FinishedRun
    from sv_eval.report.comparison import Comparison
    from sv_eval.report.environment import Environment
    from sv_eval.report.report import Report
    from sv_eval.report.verdict import GateResult

__all__ = ("Run", "compare", "evaluate", "gate", "read_run")

T = TypeVar("T")
_FORBIDDEN = ("gate", "sweep", "suite", "tune", "hydra", "export")
_DEFAULT_BACKEND = "onnx"
_GROUPS = ("backend", "dataset", "condition", "load", "controls", "scoring", "labels", "run", "report", "executor")


class FunctionModule(ModuleType):
    """A command's module that bears the name of a function here, and can be called as it.

    After `import sv_eval.gate` the name `sv_eval.gate` is the module's.
    """

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """What the function gives."""
        function = globals()[self.__name__.rpartition(".")[2]]
        return function(*arguments, **options)


class Run:
    """A finished run: what was measured, on what, and every record of it.

    Made by `evaluate` and `read_run`. In a notebook it shows itself.
    """

    def __init__(self, finished: FinishedRun) -> None:
        self._finished = finished

    @property
    def directory(self) -> Path:
        """The run directory, with report.md, metrics.json, records.jsonl, environment.json and figures/."""
        return self._finished.directory

    @property
    def report(self) -> Report:
        """What metrics.json holds, typed: accuracy with intervals, per emotion, confusion, latency, caveats."""
        return self._finished.report

    @property
    def environment(self) -> Environment:
        """What environment.json holds, typed: backend, corpus, machine, settings and every start."""
        return self._finished.environment

    @cached_property
    def records(self) -> pd.DataFrame:
        """A row a clip, what accuracy is of, by clip id: `clip.reference`, `prediction.label`, `latency_ms`, ..."""
        from sv_eval.frame import read_frame

        return read_frame(self.directory)

    @cached_property
    def requests(self) -> pd.DataFrame:
        """A row a request of every round, what latency is of; `clean` says which rows enter the latency figures."""
        from sv_eval.frame import read_frame

        return read_frame(self.directory, of="requests")

    @property
    def text(self) -> str:
        """report.md, as it was written."""
        from sv_eval.report.run_directory import REPORT

        return (self.directory / REPORT).read_text(encoding="utf-8")

    def show(self) -> None:
        """Print the headline: what was scored, UAR and latency with their intervals, where the report is."""
        from sv_eval.machine.terminal import say

        say(self)

    def export(self, *formats: str, out: str | Path | None = None, **settings: str) -> Exported:
        """Export it as `sv-eval export` does: `run.export("latex", "mlflow", to="http://host:5000")`.

        formats: those of the command; without any, every file that can be had. out: the folder of files, `exports`
        in the run directory unless given. settings: the command's others. What was written and logged comes back.
        """
        from sv_eval.finished.exports.formats import export_run, exports_from
        from sv_eval.finished.exports.run import exported_run
        from sv_eval.finished.exports.wanted import Wanted

        wanted = Wanted.of(settings, Path(out) if out is not None else self.directory / "exports")
        return export_run(exported_run(self.directory), wanted, exports_from(formats))

    def __str__(self) -> str:
        from sv_eval.finished.headline import headline
        from sv_eval.finished.rescore import Summary
        from sv_eval.report.run_directory import REPORT

        return headline(Summary(report=self.report, path=self.directory / REPORT))

    def __repr__(self) -> str:
        run = self.report.run
        return f"<Run of {run.backend} on {run.dataset}: {run.n_scored} of {run.n_clips} clips scored>"

    def _repr_html_(self) -> str:
        from sv_eval.reports.notebook import render_run

        return render_run(self.report)


def evaluate(
    *,
    backend: str | Mapping[str, Any] | Backend = _DEFAULT_BACKEND,
    dataset: str | Mapping[str, Any] = "demo",
    load: str | Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    directory: str | Path | None = None,
) -> Run:
    """Measure a backend on a corpus, as `sv-eval backend=... dataset=...` does.

    backend: a choice of `conf/backend` by name; or its settings as a mapping, with `_target_` for a class of yours;
    or an object with the `sv_eval.backend.Backend` protocol. dataset and load: a choice by name, or a mapping: one
    that has a key `name` (dataset) or `schedule` (load) choosing what its other keys are settings of. overrides:
    settings as on the command line, `["dataset.limit=20", "scoring.policy=ban"]`. directory: where the run is kept,
    by default `runs/<dataset>/<backend>/<time>`; one that holds a part of this very run is gone on with.

    Works inside a running event loop, too (a notebook): the measuring is then done in a thread of its own, and
    Ctrl-C stops it all the same.

    Raises ConfigError for wrong settings, RunIncomplete when not every clip got an answer that counts, and other
    errors of `sv_eval.errors`.
    """
    from sv_eval.config.building import build_backend
    from sv_eval.config.composing import composed, keep_composition
    from sv_eval.run.evaluate import evaluate as measure
    from sv_eval.run.executors.choosing import executed

    words = [*_choice("backend", backend), *_choice("dataset", dataset), *_choice("load", load), *overrides]
    whole = not isinstance(backend, str) and not (isinstance(backend, Mapping) and "_target_" not in backend)
    _refuse_what_has_no_effect(overrides, whole_backend=whole)
    settings = composed("config", words, _GROUPS)
    for group, given in (("backend", backend), ("dataset", dataset), ("load", load)):
        if isinstance(given, Mapping):
            settings[group] = _with(settings[group], given, whole=group == "backend" and whole)
    if isinstance(backend, str | Mapping):
        built = executed(settings["backend"], settings["executor"], build_backend, settings["dataset"])
    else:
        built, settings["backend"] = (
            backend,
            {"_target_": f"{type(backend).__module__}.{type(backend).__qualname__}"},
        )
    place = Path(directory) if directory is not None else _place(settings, words, whole=whole)
    composition = {"config": settings, "overrides": words}
    _outside_a_loop(
        lambda: measure(
            settings, built, place, overrides=words, on_accepted=lambda: keep_composition(place, composition)
        )
    )
    return read_run(place)


def read_run(path: str | Path) -> Run:
    """The finished run in the directory `path`, of any version of sv_eval.

    Raises RunDirectoryError when there is none, or when its records were changed after its metrics were written.
    """
    from sv_eval.finished.reading import read_run as read

    return Run(read(Path(path)))


def compare(
    *runs: Run | str | Path,
    policy: str | None = None,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
    out: str | Path | None = None,
    language: str = "en",
) -> Comparison:
    """Runs over the same clips side by side, tested on pairs, as `sv-eval compare` does.

    runs: two or more, as `Run`, run directory or baseline file. policy: what becomes of an answer without an
    emotion, that of the first run by default. resamples and seed: of the bootstrap over speakers. out: a directory
    to write compare.md (in `language`, en or zh), compare.json and figures into; nothing is written without it.

    Raises UsageError when the runs can't be compared: no clip in common, other label maps.
    """
    from sv_eval.errors import UsageError
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.scoring.config import scoring_config_from
    from sv_eval.studies.compare.comparing import compare as compared
    from sv_eval.studies.compare.entrants import entrants_of
    from sv_eval.studies.compare.writing import keep_comparison

    if len(runs) < 2:
        raise UsageError("two runs at least are compared: compare(one, other)")
    options: dict[str, Any] = {"confidence": confidence, "resamples": resamples, "seed": seed}
    scoring_config_from({**options, "policy": policy or "wrong"})
    report_config_from({"language": language})
    found = compared(entrants_of([_source(run) for run in runs], policy), **options)
    if out is not None:
        keep_comparison(Path(out), found, language)
    return found


def gate(
    candidate: Run | str | Path,
    baseline: Run | str | Path | None = None,
    *,
    rules: str = "ci",
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    language: str = "en",
) -> GateResult:
    """Whether a run is no worse than another, as `sv-eval gate` says it; `.verdict` is pass, fail or inconclusive.

    candidate and baseline: a `Run`, a run directory or a baseline file; None for rules that need no baseline.
    rules: `ci`, `quality`, `release`, or a YAML file with some. overrides: as on the command line,
    `["gate.margins.uar=0.03", "scoring.resamples=2000"]`. out: a directory to write gate.md, gate.json and
    junit.xml into; nothing is written without it.

    Raises ConfigError for rules that can't be, and where a baseline is missing.
    """
    from sv_eval.errors import ConfigError
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.studies.gate.baseline_file import read_subject
    from sv_eval.studies.gate.judging import judge
    from sv_eval.studies.gate.reporting import write_gate
    from sv_eval.studies.gate.settings import gate_settings

    given = {"gate": rules}
    for word in overrides:
        key, equals, value = word.partition("=")
        if not equals or not (key.startswith("gate.") or key in ("scoring.resamples", "scoring.seed")):
            raise ConfigError(f"'{word}' is no setting of a gate; write gate.KEY=VALUE")
        given[key] = value
    report_config_from({"language": language})
    config = gate_settings(given)
    if baseline is None and config.compares:
        raise ConfigError(f"the rules of {config.name} compare with a baseline: gate(candidate, baseline)")
    against = None if baseline is None else read_subject(_source(baseline))
    result = judge(read_subject(_source(candidate)), against, config)
    if out is not None:
        write_gate(Path(out), result, language)
    return result


def _choice(group: str, given: object) -> list[str]:
    """The words that choose an option of a group."""
    named_by = {"dataset": "name", "load": "schedule"}.get(group)
    if isinstance(given, Mapping):
        given = given.get(named_by) if named_by else None
    return [f"{group}={given}"] if isinstance(given, str) else []


def _with(settings: Any, given: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """A group's settings with those of a mapping set in; alone where they are those of another class."""
    if whole:
        return dict(given)
    merged = dict(settings)
    for key, value in given.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _with(merged[key], value, whole=False) if both else value
    return merged


def _refuse_what_has_no_effect(overrides: Sequence[str], *, whole_backend: bool) -> None:
    """Raise ConfigError for words of other commands, and of the backend where it was given whole."""
    from sv_eval.errors import ConfigError

    for word in overrides:
        group = re.split(r"[.=]", word.lstrip("+~"), maxsplit=1)[0]
        if group in _FORBIDDEN:
            instead = {"gate": "gate(candidate, baseline)", "export": "the run's own export()"}
            there = instead.get(group, f"the command sv-eval {group}")
            raise ConfigError(f"'{word}' has no meaning for evaluate, which makes one run; see {there}")
        if group == "backend" and whole_backend:
            raise ConfigError(f"'{word}' has no effect on a backend that is given whole; set it there")


def _place(settings: Mapping[str, Any], words: Sequence[str], *, whole: bool) -> Path:
    """The default run directory, named as the command's is; by the class of a backend that was given whole."""
    from sv_eval.config.settings_index import choices_in

    backend = settings["backend"]["_target_"].rpartition(".")[2] if whole else _DEFAULT_BACKEND
    name = choices_in(words, "config").get("backend", backend)
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")  # local time, as in the command's
    return Path("runs") / str(settings["dataset"]["name"]) / name / now


def _source(run: Run | str | Path) -> str:
    return str(run.directory if isinstance(run, Run) else run)


def _outside_a_loop(work: Callable[[], T]) -> T:
    """What `work` gives, in this thread, or in another one where this one's event loop is running."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    from sv_eval.machine.interrupts import in_a_thread

    return in_a_thread(work)


if __name__ == "__main__":
    print(f"sv_eval.library is no command, but for programs: import sv_eval.library\n\n{__doc__}")
