"""A whole search: the default setting, then one proposal after the other, each a run of its own."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from sv_eval.backend import Backend
from sv_eval.data.corpus.selection import limited
from sv_eval.errors import ConfigError, RunGivenUp, RunIncomplete, RunInterrupted
from sv_eval.machine.terminal import note
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Clip
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.identity import measured_settings
from sv_eval.report.sweep import GivenUp, Tuning
from sv_eval.run.early_stopping import NO_EARLY_STOPPING, EarlyStopping
from sv_eval.run.evaluate import evaluate
from sv_eval.run.pauses import short_collections
from sv_eval.run.sharing import Sharing
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.labels.config import LabelsConfig
from sv_eval.scoring.labels.relabelling import relabelled, relabelling_for
from sv_eval.scoring.timing import timing_of
from sv_eval.studies.sweep.config import SweepConfig
from sv_eval.studies.sweep.holdout import held_out
from sv_eval.studies.sweep.many_to_one import differences_from
from sv_eval.studies.sweep.plan import Setting, is_finished, plain_settings, scoring_hash
from sv_eval.studies.sweep.runs import SweptRun, read_swept
from sv_eval.studies.sweep.units import PairedUnits, paired_units
from sv_eval.studies.tune.config import Scalar, TuneConfig
from sv_eval.studies.tune.proposals import Proposal, Proposals, identity

Compose = Callable[[Sequence[str]], dict[str, Any]]
DEFAULT, AGAIN = "default", "again"


@dataclass(slots=True, kw_only=True)
class Search:
    """Measures what is proposed and tells how it did; `run` may be called again on what an earlier start left."""

    directory: Path
    """Where everything lies."""
    compose: Compose
    """The whole configuration with some more overrides."""
    build: Callable[[Mapping[str, Any]], Backend]
    """A backend from its settings."""
    tune: TuneConfig
    """What is searched, and how."""
    options: SweepConfig
    """How latency is measured, what is held out."""
    scoring: ScoringConfig
    """How runs are scored."""
    labels: LabelsConfig
    """Under which label map."""
    proposals: Proposals
    """Who proposes."""
    settings: list[Setting] = field(default_factory=list)
    """What was measured in full, the default first."""
    given_up: list[GivenUp] = field(default_factory=list)
    """What was not gone on with, and by what it was beaten."""
    complete: int = 0
    """How many proposals were measured in full."""
    failed: int = 0
    """How many have no result."""
    repeated: int = 0
    """How many had been measured before."""
    _complete: dict[str, SweptRun] = field(default_factory=dict)
    _sharing: Sharing | None = None

    def run(self) -> None:
        """Measure until as many settings were proposed as wanted. Raises RunInterrupted when it was stopped."""
        with short_collections():
            self._search()

    def _search(self) -> None:
        self._sharing = Sharing(self.options.sharing) if self.options.share else None
        control = self._setting(0, DEFAULT, {}, default=True)
        default = self._measure(control)
        self._complete[identity({key: control.values[key] for key in self.tune.space})] = default
        self.settings.append(control)
        for proposal in self.proposals.all():
            if proposal.state != "running":
                self._remember(proposal)
        for proposal in self.proposals.open():
            self._try(proposal)
        if default.environment.sharing:
            # Once more at the end: is the machine as fast as it was?
            last = self._setting(self.tune.trials + 1, AGAIN, {}, again=True)
            self._measure(last)
            self.settings.append(last)

    def told(self) -> Tuning:
        """What a report says about the search."""
        return Tuning(
            sampler=self.tune.sampler,
            seed=self.tune.seed,
            trials=self.tune.trials,
            first_share=self.tune.first_share,
            complete=self.complete,
            pruned=len(self.given_up),
            failed=self.failed,
            repeated=self.repeated,
            given_up=tuple(self.given_up),
        )

    def _remember(self, proposal: Proposal) -> None:
        """Take in a proposal that an earlier start came to the end of."""
        if proposal.state == "pruned":
            where = f"{self.directory}: proposal {proposal.number}"
            self.given_up.append(from_json(GivenUp, proposal.told.get("given_up"), where))
        elif proposal.state == "fail":
            self.failed += 1
        elif "same_as" in proposal.told:
            self.repeated += 1
        else:
            setting = self._of(proposal)
            self._keep(proposal, setting, self._measure(setting))

    def _try(self, proposal: Proposal) -> None:
        """Measure a proposal, or look it up where it was proposed before, and tell how it did."""
        known = self._complete.get(identity(proposal.values))
        if known is not None:
            self.repeated += 1
            self._tell(proposal, known, {"same_as": known.setting.number})
            return
        setting = self._of(proposal)
        beaten: list[GivenUp] = []
        try:
            run = self._measure(setting, self._early_stopping(setting, beaten))
        except RunInterrupted:
            raise
        except RunGivenUp:
            (told,) = beaten
            self.given_up.append(told)
            self.proposals.prune(proposal, {"given_up": as_json(told)})
            self._say(setting, f"given up: UAR {told.uar:.3f} after {told.n_clips} clips")
        except RunIncomplete as error:
            self.failed += 1
            self.proposals.fail(proposal, {"reason": str(error)})
            self._say(setting, f"failed: {error}")
        else:
            self._keep(proposal, setting, run)
            uar, p95 = self._tell(proposal, run, {})
            self._say(setting, f"UAR {uar:.3f}, p95 {p95:.4g} ms")

    def _keep(self, proposal: Proposal, setting: Setting, run: SweptRun) -> None:
        self.complete += 1
        self.settings.append(setting)
        self._complete[identity(proposal.values)] = run

    def _tell(self, proposal: Proposal, run: SweptRun, note: Mapping[str, Any]) -> tuple[float, float]:
        # A run without a percentile is refused when it is read.
        uar, p95 = self._uar(run), cast("float", run.p95.value)
        self.proposals.complete(proposal, uar=uar, p95_ms=p95, note=note)
        return uar, p95

    def _uar(self, run: SweptRun) -> float:
        """What settings are ranked by: UAR on the speakers that are not held out."""
        return float(self._paired([run.table], run).uar()[0])

    def _paired(self, tables: Sequence[RecordTable], like: SweptRun) -> PairedUnits:
        speakers = like.table.speakers
        outside = held_out(speakers, self.options.holdout, self.options.seed)
        inside = tuple(name for name in speakers if name not in outside) if outside else None
        return paired_units(tables, like.report.labels, self.scoring.policy, chosen=inside)

    def _of(self, proposal: Proposal) -> Setting:
        return self._setting(proposal.number + 1, f"{proposal.number + 1}", proposal.values)

    def _setting(
        self,
        number: int,
        directory: str,
        values: Mapping[str, Scalar],
        *,
        default: bool = False,
        again: bool = False,
    ) -> Setting:
        overrides = tuple(f"{key}={_word(value)}" for key, value in values.items())
        if not values:
            overrides = tuple(self.options.baseline_words)
        config = self.compose(overrides)
        return Setting(
            number=number,
            directory=directory,
            values={key: _looked_up(config, key) for key in self.tune.space},
            overrides=overrides,
            measured=plain_settings(measured_settings(config)),
            default=default,
            again=again,
        )

    def _measure(self, setting: Setting, early_stopping: EarlyStopping = NO_EARLY_STOPPING) -> SweptRun:
        """The setting's run, made now unless it is there. Raises ConfigError when it gives nothing to tune by."""
        if not is_finished(self.directory, setting, scoring_hash(self.scoring, self.labels)):
            config = self.compose(setting.overrides)
            evaluate(
                config,
                self.build(config["backend"]),
                self.directory / setting.directory,
                overrides=setting.overrides,
                resume_with=f"out={self.directory}",
                sharing=self._sharing,
                early_stopping=early_stopping,
            )
        run = read_swept(self.directory / setting.directory, setting)
        p95, uar = run.p95, run.report.accuracy.uar
        if p95.value is None or uar.value is None:
            why = p95.reason if p95.value is None else uar.reason
            raise ConfigError(
                f"there is nothing to tune by in {self.directory / setting.directory}: {why}; use more clips, or "
                "load.rounds"
            )
        return run

    def _early_stopping(self, setting: Setting, beaten: list[GivenUp]) -> EarlyStopping:
        """First a part of the clips; then the rest, unless the setting is surely beaten already.

        beaten: gets what there is to say of it then.
        """
        if self.tune.first_share >= 1:
            return NO_EARLY_STOPPING

        def first(clips: Sequence[Clip]) -> Container[str]:
            count = max(1, round(self.tune.first_share * len(clips)))
            return {clip.id for clip in limited(list(clips), count, self.options.seed)}

        def go_on() -> bool:
            found = self._beaten_by(setting)
            if found is not None:
                beaten.append(found)
            return found is None

        return EarlyStopping(first=first, go_on=go_on)

    def _beaten_by(self, setting: Setting) -> GivenUp | None:
        """What surely beats this setting in both objectives, judged by the clips so far; None for nothing.

        Surely: the interval of the paired difference of UAR lies above 0, and those of the p95s lie apart.
        """
        some = next(iter(self._complete.values()))
        plan = relabelling_for(self.labels, some.environment)
        records = relabelled(RunRecords.read(self.directory / setting.directory), plan)
        p95 = timing_of(records.requests).waited.percentile(0.95)
        if p95.low is None:
            return None
        for run in self._complete.values():
            high = run.p95.high
            if high is None or high >= p95.low:
                continue
            units = self._paired([records.answers, run.table], run)
            if not units.n_clips:
                continue
            difference = differences_from(units, 0, confidence=self.scoring.confidence, seed=self.options.seed)[1]
            if difference.low is not None and difference.low > 0 and np.isfinite(difference.low):
                return GivenUp(
                    number=setting.number,
                    name=setting.name,
                    uar=float(units.uar()[0]),
                    n_clips=units.n_clips,
                    by=run.setting.number,
                )
        return None

    def _say(self, setting: Setting, how: str) -> None:
        note(f"{setting.number}/{self.tune.trials} {setting.name}: {how}")


def _word(value: Scalar) -> str:
    """A value as an override has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value) if isinstance(value, float) else str(value)


def _looked_up(config: Mapping[str, Any], key: str) -> Any:
    """What a configuration holds under a dotted key; raises ConfigError for a key that it hasn't got."""
    node: Any = config
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            raise ConfigError(f"tune.space: {key} is not a setting")
        node = node[part]
    return node
