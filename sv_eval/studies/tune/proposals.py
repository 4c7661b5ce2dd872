"""Optuna's part of a search: it proposes settings, is told how they did, and keeps both on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.errors import ConfigError
from sv_eval.studies.tune.config import Dimension, Scalar, TuneConfig

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

JOURNAL = "study.log"
_NAME = "sv_eval"
_DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A setting that is to be measured, or was."""

    number: int
    """From 0, in the order of proposing."""
    values: Mapping[str, Scalar]
    """Key to value."""
    state: str
    """`running`, `complete`, `pruned`, `fail`."""
    told: Mapping[str, Any]
    """What was noted about it."""


class Proposals:
    """A study with two objectives: UAR to be high, p95 to be low.

    Raises ConfigError when Optuna is missing or the storage can't be opened.
    """

    def __init__(self, config: TuneConfig, directory: Path) -> None:
        try:
            import optuna
        except ModuleNotFoundError as error:
            raise ConfigError("tuning needs Optuna: pip install 'sv-eval[tune]'") from error
        optuna.logging.set_verbosity(logging.WARNING)
        self._optuna, self._config = optuna, config
        self._space = {key: _distribution(one) for key, one in config.space.items()}
        self._asked: dict[int, Any] = {}
        try:
            self._study = optuna.create_study(
                storage=_storage(config, directory),
                study_name=_NAME,
                directions=["maximize", "minimize"],
                load_if_exists=True,
                sampler=self._sampler(0),
            )
        except _storage_errors() as error:
            raise ConfigError(
                f"tune.storage={config.storage or directory / JOURNAL}: Optuna can't open it "
                f"({' '.join(str(error).split())[:200]})"
            ) from error

    def all(self) -> list[Proposal]:
        """Every proposal so far, in order."""
        return [
            Proposal(
                number=trial.number,
                values={key: _plain(value) for key, value in trial.params.items()},
                state=trial.state.name.lower(),
                told=dict(trial.user_attrs),
            )
            for trial in self._study.trials
        ]

    def open(self) -> Iterator[Proposal]:
        """What is to be measured: what an earlier start was at when it ended, then new ones, `trials` in all."""
        for begun, proposal in zip(self._study.trials, self.all(), strict=True):
            if proposal.state == "running" and len(proposal.values) == len(self._space):
                self._asked[proposal.number] = self._optuna.trial.Trial(self._study, begun._trial_id)
                yield proposal
        while len(self._study.trials) < self._config.trials:
            # Each proposal follows from its number and what was told before, however often the search was resumed.
            self._study.sampler = self._sampler(len(self._study.trials))
            trial = self._study.ask(self._space)
            self._asked[trial.number] = trial
            values = {key: _plain(value) for key, value in trial.params.items()}
            yield Proposal(number=trial.number, values=values, state="running", told={})

    def complete(self, proposal: Proposal, *, uar: float, p95_ms: float, note: Mapping[str, Any]) -> None:
        """Tell how a setting did."""
        self._note(proposal, note)
        self._study.tell(proposal.number, [uar, p95_ms])

    def prune(self, proposal: Proposal, note: Mapping[str, Any]) -> None:
        """Tell that a setting was given up."""
        self._note(proposal, note)
        self._study.tell(proposal.number, state=self._optuna.trial.TrialState.PRUNED)

    def fail(self, proposal: Proposal, note: Mapping[str, Any]) -> None:
        """Tell that a setting could not be measured."""
        self._note(proposal, note)
        self._study.tell(proposal.number, state=self._optuna.trial.TrialState.FAIL)

    def _note(self, proposal: Proposal, note: Mapping[str, Any]) -> None:
        for key, value in note.items():
            self._asked[proposal.number].set_user_attr(key, value)

    def _sampler(self, number: int) -> BaseSampler:
        from optuna import samplers

        seed = self._config.seed * 1_000_003 + number
        if self._config.sampler == "random":
            return samplers.RandomSampler(seed=seed)
        if self._config.sampler == "nsga2":
            return samplers.NSGAIISampler(seed=seed, population_size=20)
        return samplers.TPESampler(seed=seed)


def _distribution(one: Dimension) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.choices:
        return CategoricalDistribution(one.choices)
    assert one.low is not None
    assert one.high is not None
    if one.whole:
        return IntDistribution(int(one.low), int(one.high), log=one.log, step=int(one.step or 1))
    return FloatDistribution(one.low, one.high, log=one.log, step=one.step)


def _storage(config: TuneConfig, directory: Path) -> Any:
    if config.storage is not None:
        return config.storage
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(directory / JOURNAL)))


def _storage_errors() -> tuple[type[Exception], ...]:
    """What Optuna raises for a driver that is missing, a file of something else, or a server that is away."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    return (OptunaError, SQLAlchemyError, ImportError, OSError, ValueError, KeyError)


def _plain(value: Any) -> Scalar:
    """A value without the last bits that stepping adds, so that it is said and looked up alike."""
    return round(value, _DIGITS) if isinstance(value, float) else value


def identity(values: Mapping[str, Scalar]) -> str:
    """Equal for two proposals of the same setting."""
    return json.dumps(values, sort_keys=True)
