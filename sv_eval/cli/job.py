"""One job of the command: configuration in, run directory and headline out."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sv_eval.cli.export import export
from sv_eval.config.building import build_backend
from sv_eval.config.composing import keep_composition
from sv_eval.config.overrides import teach_omegaconf
from sv_eval.errors import ConfigError, ExportError, SvEvalError
from sv_eval.finished.headline import headline, one_line
from sv_eval.machine.terminal import give, relative, say
from sv_eval.run.early_stopping import UntilSure
from sv_eval.run.evaluate import evaluate
from sv_eval.run.executors.choosing import executed
from sv_eval.run.sharing import Sharing
from sv_eval.scoring.labels.config import LabelsConfig, labels_config_from
from sv_eval.studies.sweep.progress import current


def run_job(config: Any, hydra_config: Any, directory: Path, sharing: Sharing | None = None) -> None:
    """Evaluate as the composed `config` says, keep the composition in `.hydra/`, print the headline.

    sharing: what the jobs of a sweep have in common; None where each works by itself.
    """
    from omegaconf import OmegaConf

    from sv_eval.finished.exports.formats import exports_from
    from sv_eval.report.codec import as_json

    # A launcher may have brought this job into another process.
    teach_omegaconf()
    settings = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if not isinstance(settings, dict):
        raise ConfigError("the configuration is not a mapping")
    plain = {str(key): value for key, value in settings.items()}
    backend = executed(plain["backend"], plain.get("executor") or {}, build_backend, plain["dataset"])
    swept = hydra_config.mode is not None and hydra_config.mode.name == "MULTIRUN"
    gate = gate_of(plain.get("gate") or {}, plain.get("scoring") or {}, swept=swept)
    labels = labels_config_from(plain.get("labels") or {})
    exports = exports_from(plain.get("export"))
    progress = current() if swept else None
    if progress is not None:
        progress.before(int(hydra_config.job.num))
    summary = evaluate(
        plain,
        backend,
        directory,
        overrides=list(hydra_config.overrides.task),
        resume_with=resume_override(hydra_config, directory),
        # Only now the directory is known to be this run's.
        on_accepted=lambda: keep_composition(
            directory,
            {
                "config": config,
                "hydra": {"hydra": hydra_config},
                "overrides": list(hydra_config.overrides.task),
            },
        ),
        sharing=sharing,
        verdict=None if gate is None else gate.until_sure(labels),
    )
    if progress is None:
        say(headline(summary))
    else:
        progress.after(one_line(summary))
    give(result=as_json(summary.report), directory=str(directory))
    not_exported = _export(directory, exports)
    if gate is not None:
        gate.judge(directory, str((plain.get("report") or {}).get("language", "en")))
    if not_exported is not None:
        raise not_exported


def _export(directory: Path, names: Sequence[str]) -> ExportError | None:
    """Export the finished run; what went wrong comes back, since a verdict must not wait for it."""
    if names:
        try:
            export(directory, names, {})
        except SvEvalError as error:
            return ExportError(f"the run is finished, but was not exported: {error}")
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGate:
    """A gate beside a run."""

    judge: Callable[[Path, str], None]
    """Judges the finished run's directory, in a language, and raises when it does not pass."""
    until_sure: Callable[[LabelsConfig], UntilSure | None]
    """What may end the run early, under its label map; None where nothing may."""


def gate_of(
    settings: Mapping[str, Any], scoring: Mapping[str, Any] | None = None, *, swept: bool = False
) -> RunGate | None:
    """The gate that the settings describe; None without one.

    scoring: says how often and from which seed to resample. swept: whether the run is one of a sweep's. The
    baseline is read now: one that is missing must not be noticed after the run.
    """
    from sv_eval.studies.gate.config import NO_GATE, RESAMPLING, gate_config_from

    resampling = {key: scoring[key] for key in RESAMPLING if scoring and key in scoring}
    config = gate_config_from({**resampling, **settings})
    if config.name == NO_GATE:
        if config.baseline is not None:
            raise ConfigError("gate.baseline is given, but no rules: choose gate=ci or another")
        return None
    from sv_eval.studies.gate.baseline_file import read_subject
    from sv_eval.studies.gate.judging import judge
    from sv_eval.studies.gate.reporting import conclude
    from sv_eval.studies.gate.subject import subject_of_run

    if config.of_sweeps:
        if swept:
            # Judged at the end, over all settings.
            return None
        raise ConfigError(
            f"gate={config.name} judges sweeps over conditions: add -m sweep=atlas, or sv-eval gate "
            f"gate={config.name} baseline=DIR candidate=DIR"
        )
    if config.baseline is None and config.compares:
        raise ConfigError(f"gate={config.name} compares with a baseline: give gate.baseline=RUN_OR_FILE")
    if config.sequential and scoring and scoring.get("thresholds"):
        raise ConfigError(
            f"gate={config.name} ends runs early by answers as they come, and scoring.thresholds changes them: "
            "leave one of the two out"
        )
    baseline = None if config.baseline is None else read_subject(config.baseline)

    def run_gate(directory: Path, language: str) -> None:
        result = judge(replace(subject_of_run(directory), source=relative(directory)), baseline, config)
        conclude(directory, result, language)

    def until_sure(labels: LabelsConfig) -> UntilSure | None:
        if not config.sequential or baseline is None:
            return None
        from sv_eval.studies.gate.on_the_way import OnTheWay

        return OnTheWay(baseline, config, labels).until_sure

    return RunGate(judge=run_gate, until_sure=until_sure)


def resume_override(hydra_config: Any, directory: Path) -> str:
    """The override that leads the same command back to this run directory."""
    if hydra_config.mode is not None and hydra_config.mode.name == "MULTIRUN":
        return f"hydra.sweep.dir={shlex.quote(str(hydra_config.sweep.dir))}"
    return f"hydra.run.dir={shlex.quote(str(directory))}"
