"""`python -m sv_eval.score RUN [key=value ...]`: score and report a run again, without inference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import ConfigError, RunDirectoryError, UsageError, nearest
from sv_eval.machine.terminal import give, say

_HELP = """\
usage: sv-eval score RUN [labels=MAP] [GROUP.KEY=VALUE ...]        GROUP: scoring, labels, report

Scores the records of the run directory RUN and writes its metrics.json, report.md, report.html and figures/ again,
without inference. Settings that are not given are those that the run was made with.

  labels=native|sensevoice7|four|three|...   the label map, or a YAML file with one
  labels.merges.calm=neutral                 what a word finer than the seven emotions counts as
  scoring.labels=[happy,sad,angry,neutral]   the scored classes of the map, or auto
  scoring.policy=wrong|abstain|ban           what becomes of unknown in the headline
  scoring.confidence=0.95  scoring.resamples=10000  scoring.seed=0
  scoring.duration_bins_s=[0,2,4,8,16]       lower edges of the audio lengths that latency is shown by
  scoring.slo_ms=200                         goodput: what was answered within so many milliseconds
  scoring.precision=0.9                      thresholds that keep this precision, into thresholds.json
  scoring.false_alarms_per_hour=2            thresholds that keep this rate of false alarms, into thresholds.json
  scoring.costs.miss=10 scoring.costs.false_alarm=1    the threshold that costs least
  scoring.set_coverage=0.9                   in how many clips a set of emotions is to hold the right one
  scoring.second_opinion=true                recompute the headline with scikit-learn
  report.language=en|zh
  report.page=true|false                     whether report.html is written
  report.audio=none|worst|all  report.audio_mb=8    whose sound report.html holds, where the licence allows it
  calibration=FILE                           judge scores under a file of sv-eval calibrate; none: as they came
  thresholds=FILE                            answers below their threshold are unknown; none: answers as they came
  set_aside=true                             put records that are not of this run into set_aside.jsonl first

Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 5 the run is incomplete (scored all the same).
"""
_GROUPS = ("scoring", "labels", "report")
_YES_OR_NO = {"set_aside=true": True, "set_aside=false": False}


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.errors import RunIncomplete
    from sv_eval.finished.headline import headline
    from sv_eval.finished.rescore import rescore
    from sv_eval.record_file.set_aside import set_aside
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import read_environment
    from sv_eval.run.budget import FailureBudget

    typed = parse(arguments, COMMANDS["score"])
    if len(typed.names) != 1:
        raise UsageError("one run directory is scored at a time: sv-eval score RUN")
    (directory,), overrides = typed.names, typed.overrides
    environment = read_environment(Path(directory))
    if overrides and (wanted := [word for word in overrides if word.partition("=")[0] == "set_aside"]):
        overrides = [word for word in overrides if word not in wanted]
        if wanted[-1] not in _YES_OR_NO:
            raise UsageError(f"{wanted[-1]}: give set_aside=true")
        for said in set_aside(Path(directory)) if _YES_OR_NO[wanted[-1]] else ():
            say(f"put aside: {said}")
    limit = _checked(environment.config, Path(directory))
    settings = _settings(environment.config, overrides)
    try:
        summary = rescore(Path(directory), settings, overrides=overrides)
    except ConfigError as error:
        if overrides:
            raise
        raise _damaged(Path(directory), error) from error
    say(headline(summary))
    give(result=as_json(summary.report), directory=str(directory))
    run = summary.report.run
    missing = environment.dataset.n_clips - run.n_clips
    if missing > 0:
        raise RunIncomplete(f"{missing} clips of the corpus have no record yet; the figures are of the others")
    if missing < 0:
        say(f"records of clips that the corpus does not have: {-missing}; the figures are of them, too")
    kinds = Counter({one.kind: one.count for one in summary.report.failures})
    messages = {one.kind: one.example.message for one in summary.report.failures}
    budget = FailureBudget(limit, finished=run.n_clips, failed=run.n_failed, kinds=kinds, messages=messages)
    if budget.spent(at_end=True):
        raise RunIncomplete(f"the failure budget is spent: {budget}")


def _settings(config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The groups that scoring reads, with the overrides set in, and what calibration and thresholds files hold."""
    from sv_eval.config.named_files import FILES
    from sv_eval.finished.held_files import with_held_files

    named: dict[str, str | None] = {}
    others = []
    for word in overrides:
        key, _, value = word.partition("=")
        if (plain := key.removeprefix("scoring.")) in FILES:
            named[plain] = None if value in ("none", "null") else value
        else:
            others.append(word)
    settings = merge_overrides(config, others)
    return {**settings, "scoring": with_held_files({**settings["scoring"], **named})}


def _checked(config: Mapping[str, Any], directory: Path) -> float:
    """The failure budget of a run's own settings; raises RunDirectoryError when it can't be scored under them."""
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.run.session import run_config_from
    from sv_eval.scoring.config import scoring_config_from
    from sv_eval.scoring.labels.config import labels_config_from

    try:
        scoring_config_from(config.get("scoring") or {})
        labels_config_from(config.get("labels") or {})
        report_config_from(config.get("report") or {})
        return run_config_from({"max_failures": (config.get("run") or {}).get("max_failures", 1.0)}).max_failures
    except ConfigError as error:
        raise _damaged(directory, error) from error


def _damaged(directory: Path, error: ConfigError) -> RunDirectoryError:
    from sv_eval.report.run_directory import ENVIRONMENT

    return RunDirectoryError(f"{directory / ENVIRONMENT}: config: {error}; put the file back as the run wrote it")


def merge_overrides(config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The groups of a run's configuration that scoring reads, with the overrides set in."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from sv_eval.scoring.labels.config import read_label_map

    # As on the command line of a run, where a new key has a plus.
    overrides = [override.lstrip("+") for override in overrides]
    for override in overrides:
        key, equals, _ = override.partition("=")
        if not equals or key.split(".")[0] not in _GROUPS or key in ("scoring", "report"):
            raise ConfigError(f"'{override}' is not understood; {nearest(key.split('.')[0], _GROUPS)} (see --help)")
    chosen = [override.partition("=")[2] for override in overrides if override.startswith("labels=")]
    groups: dict[str, Any] = {group: config.get(group) or {} for group in _GROUPS}
    if chosen:
        groups["labels"] = read_label_map(chosen[-1])
    try:
        keys = [override for override in overrides if not override.startswith("labels=")]
        merged = OmegaConf.merge(OmegaConf.create(groups), OmegaConf.from_dotlist(keys))
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(f"the overrides can't be read: {error}") from error
    plain = OmegaConf.to_container(merged, resolve=True)
    if not isinstance(plain, dict):
        raise ConfigError("the run's configuration is not a mapping")
    return {group: plain[group] for group in _GROUPS}
