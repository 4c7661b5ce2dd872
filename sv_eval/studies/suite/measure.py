"""Measuring a suite: an inference run for each combination that needs one, everything else by scoring it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sv_eval.config.building import build_backend
from sv_eval.config.composing import composed
from sv_eval.config.explaining import explain_composition
from sv_eval.errors import ConfigError, RunIncomplete, RunInterrupted, UsageError
from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.report.context import Reference
from sv_eval.report.environment import CorpusFacts, Environment
from sv_eval.report.run_directory import read_environment
from sv_eval.run.evaluate import evaluate
from sv_eval.scoring.config import scoring_config_from
from sv_eval.scoring.labels.config import labels_config_from
from sv_eval.scoring.references import macro_f1_inferred
from sv_eval.studies.suite.config import CorpusChoice, SuiteConfig
from sv_eval.studies.suite.plan import Combination, combinations
from sv_eval.studies.suite.result import CombinationFigures, CombinationResult, SetResult

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """An inference run that was made, or why there is none."""

    records: RunRecords | None = None
    environment: Environment | None = None
    error: str | None = None


class SuiteMeasurement:
    """Measures the sets of a suite into a directory, one after the other."""

    def __init__(self, config: SuiteConfig, settings: Sequence[str], directory: Path, say: Say) -> None:
        """settings are the user's own, as the command line takes them, for every run."""
        self._config, self._settings, self._directory, self._say = config, settings, directory, say
        self._runs: dict[Combination, _Run] = {}

    def measure(self) -> list[SetResult]:
        """All sets. Raises RunInterrupted; what else goes wrong stands in the results."""
        return [self._set(name, choice) for name, choice in self._config.chosen.items()]

    def _set(self, name: str, choice: CorpusChoice) -> SetResult:
        self._runs = {}
        suite = self._config.suite
        found: list[CombinationResult] = []
        corpus: CorpusFacts | None = None
        for combination in combinations(suite, self._config.design):
            run = self._run(name, choice, combination.run_of(suite))
            label, values = combination.label(suite), dict(combination.values)
            if run.records is None or run.environment is None:
                found.append(CombinationResult(label=label, values=values, figures=None, error=run.error))
                if label == "base":
                    break
                continue
            corpus = run.environment.dataset
            figures, references = self._figures(choice, combination, run.records, run.environment)
            uar = figures.uar.value
            self._say(f"{name}, {label}: UAR {'-' if uar is None else f'{uar:.3f}'}")
            found.append(
                CombinationResult(label=label, values=values, figures=figures, references=references, error=None)
            )
        return SetResult(name=name, corpus=corpus, combinations=tuple(found))

    def _run(self, name: str, choice: CorpusChoice, combination: Combination) -> _Run:
        """The inference run of a combination; made once, and gone on with where it was begun before."""
        if combination not in self._runs:
            directory = self._directory / name / combination.label(self._config.suite)
            try:
                self._runs[combination] = self._made(choice, combination, directory)
            except RunInterrupted:
                raise
            except (UsageError, RunIncomplete) as error:
                self._runs[combination] = _Run(error=str(error))
            if problem := self._runs[combination].error:
                self._say(f"{name}, {combination.label(self._config.suite)}: not measured: {problem}")
        return self._runs[combination]

    def _made(self, choice: CorpusChoice, combination: Combination, directory: Path) -> _Run:
        overrides = [*self._of_set(choice), *combination.settings(self._config.suite, inference=True)]
        overrides += combination.settings(self._config.suite, inference=False)
        config = _composed(overrides)
        self._say(f"{directory.parent.name}, {directory.name}: measuring")
        evaluate(config, build_backend(config["backend"]), directory, overrides=overrides)
        return _Run(
            records=RunRecords.read(directory),
            environment=read_environment(directory),
        )

    def _of_set(self, choice: CorpusChoice) -> list[str]:
        """The settings of a set's every run."""
        name = next(name for name, one in self._config.suite.sets.items() if one is choice)
        root = self._config.suite.roots.get(name)
        settings = [f"dataset={choice.dataset}", *choice.more]
        settings += [f"dataset.root={root}"] if root else []
        settings += [f"dataset.limit={self._config.limit}"] if self._config.limit else []
        return [*settings, *self._settings]

    def _figures(
        self, choice: CorpusChoice, combination: Combination, records: RunRecords, environment: Environment
    ) -> tuple[CombinationFigures, tuple[Reference, ...]]:
        """The figures of a combination, by scoring its run's records under its own settings."""
        suite = self._config.suite
        overrides = [*self._of_set(choice), *combination.settings(suite, inference=False)]
        config = composed("config", overrides, ["scoring", "labels"])
        scoring = scoring_config_from(config["scoring"])
        report = compute_report(records, environment, scoring, labels=labels_config_from(config["labels"]))
        figures = CombinationFigures(
            uar=report.accuracy.uar,
            accuracy=report.accuracy.accuracy,
            macro_f1=report.accuracy.macro_f1,
            weighted_f1=report.accuracy.weighted_f1,
            coverage=report.policies[scoring.policy].coverage,
            macro_f1_inferred=macro_f1_inferred(report, scoring.policy),
            labels=report.labels,
            policy=report.policy,
            n_clips=report.run.n_clips,
            n_scored=report.run.n_scored,
            n_failed=report.run.n_failed,
        )
        return figures, report.references


def _composed(overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration of a run; a switch that this backend has not got is a ConfigError."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        return composed("config", overrides)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise ConfigError(explain_composition(error) or str(error)) from error
