"""Every command: what it is for, where it lies, and which words it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_SCORING = ("scoring.confidence", "scoring.resamples", "scoring.seed")
_FORMER = MappingProxyType(
    {"confidence": "scoring.confidence", "resamples": "scoring.resamples", "seed": "scoring.seed"}
)
EXPORTS = (
    *("benchmark", "hdr", "prometheus", "csv", "parquet", "latex", "model_card", "every_eval_ever"),
    *("mlflow", "trackio"),
)
"""What a run can be exported to; the last two are trackers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of `sv-eval`."""

    name: str
    """As it is typed; `python -m sv_eval.<name>` is the same."""
    does: str
    """One line for the table of commands."""
    needs_words: bool = True
    """Whether it is called with nothing behind it only to be explained."""
    main_file: str | None = None
    """The configuration whose choices and settings it takes, those of `groups` alone where it has any."""
    first: tuple[str, ...] = ()
    """What may stand first."""
    later: tuple[str, ...] = ()
    """What may stand behind the first word."""
    keys: tuple[str, ...] = ()
    """Settings of its own, KEY=VALUE."""
    groups: tuple[str, ...] = ()
    """What its settings may begin with, besides `keys`."""
    former: Mapping[str, str] = field(default_factory=dict)
    """Settings that were called otherwise, and what they are called now."""
    gives_result: bool = True
    """Whether `--json` prints a result."""

    @property
    def module(self) -> str:
        """The module with its `help_text(words)` and `run(words)`."""
        return f"sv_eval.cli.{self.name}"


DEFAULT = "run"
_COMMANDS = (
    Command(name="run", does="measure a backend on a corpus (the default)", needs_words=False, main_file="config"),
    Command(name="sweep", does="every combination of settings, one report", first=("list",), main_file="config"),
    Command(name="tune", does="look for a good setting by Optuna", needs_words=False, main_file="tune"),
    Command(name="suite", does="corpora under a matrix of switches", needs_words=False, main_file="suite"),
    Command(
        name="score",
        does="score and report a finished run again, without inference",
        main_file="config",
        keys=(
            *(
                "labels",
                "report.language",
                "report.page",
                "report.audio",
                "report.audio_mb",
                "scoring.policy",
                "scoring.labels",
                *_SCORING,
            ),
            *(
                "scoring.duration_bins_s",
                "scoring.slo_ms",
                "scoring.timeout_ms",
                "scoring.second_opinion",
                "scoring.precision",
                "scoring.false_alarms_per_hour",
                "scoring.set_coverage",
                "scoring.costs.miss",
                "scoring.costs.false_alarm",
                "calibration",
                "thresholds",
                "set_aside",
            ),
        ),
        groups=("scoring", "labels", "report"),
    ),
    Command(
        name="calibrate",
        does="what makes a model's scores probabilities, on speakers held out",
        keys=("out", "method"),
    ),
    Command(
        name="view",
        does="runs in a browser, with their clips to hear",
        keys=("port", "root", "open", "report.language"),
        gives_result=False,
    ),
    Command(name="site", does="runs as pages for any web server", keys=("report.language",)),
    Command(name="verify", does="are a run's figures those of its records?"),
    Command(
        name="compare",
        does="finished runs side by side, tested on pairs",
        keys=("scoring.policy", *_SCORING, "report.language", "margin", "out"),
        former={"policy": "scoring.policy", **_FORMER},
    ),
    Command(
        name="gate",
        does="is a finished run no worse than another?",
        main_file="config",
        first=("selftest",),
        keys=("baseline", "candidate", "gate", "scoring.resamples", "scoring.seed", "report.language", "out"),
        groups=("gate",),
        former={"gate.resamples": "scoring.resamples", "gate.seed": "scoring.seed"},
    ),
    Command(name="history", does="a figure over many runs, and where it changed", keys=("figure", "alpha", "out")),
    Command(name="baseline", does="baseline files: a run in one small JSON", first=("save", "show", "update")),
    Command(
        name="race",
        does="backends measured in turns, then compared",
        main_file="config",
        keys=("rounds", "pause_s", "out"),
        groups=("dataset", "load", "scoring", "labels", "report", "run"),
    ),
    Command(
        name="plan",
        does="how many clips, speakers and calls does a question need?",
        keys=(
            *("margin", "drop", "figure", "percentile", "width", "alpha", "power", "confidence", "flips", "uneven"),
            *("clips_each", "speakers", "seconds_a_clip"),
        ),
    ),
    Command(
        name="capacity", does="the highest rate that keeps an objective", needs_words=False, main_file="capacity"
    ),
    Command(
        name="parity",
        does="do two backend configurations agree?",
        main_file="config",
        keys=("out", "report.language"),
        groups=("a", "b", "dataset", "parity", "report"),
    ),
    Command(
        name="certify",
        does="is a backend wired up rightly? no labels are needed",
        needs_words=False,
        main_file="certify",
    ),
    Command(
        name="serve", does="the HTTP and gRPC service", needs_words=False, main_file="serve", gives_result=False
    ),
    Command(
        name="probe",
        does="which dialect is spoken at an address? does it tell emotions?",
        keys=("url", "only", "timeout_s", "name", "out", "probe_clip", "api_key_env", "api_key_file", "ca_file"),
    ),
    Command(
        name="corpus",
        does="corpora: list, show, check, sample, manifest, validate",
        first=("list", "show", "check", "sample", "manifest", "validate"),
        main_file="corpus",
    ),
    Command(
        name="labels",
        does="label maps, and a run under two of them",
        first=("list", "show", "diff"),
        groups=("scoring",),
    ),
    Command(
        name="prevalence",
        does="how much of each emotion is in unlabelled audio?",
        keys=("reference", "confidence", "report.language", "out"),
    ),
    Command(
        name="chat",
        does="protocols of chat models; a run's answers read anew",
        first=("list", "show", "diff", "read"),
        keys=("out",),
    ),
    Command(
        name="export",
        does="a run for other tools: tables, trackers, model cards",
        later=EXPORTS,
        keys=("out", "model", "hub_dataset", "evaluator", "relationship", "to", "experiment"),
    ),
    Command(
        name="models",
        does="model directories: random weights, ONNX export",
        first=("build", "export"),
        keys=("out", "seed", "onnx", "precision", "hub", "revision"),
    ),
    Command(name="schema", does="the JSON Schemas of the files that commands leave"),
    Command(
        name="completion", does="what makes a shell complete these words", first=("bash", "zsh"), gives_result=False
    ),
)
COMMANDS: Mapping[str, Command] = MappingProxyType({command.name: command for command in _COMMANDS})
"""By name, in the order of the table that `sv-eval --help` shows."""
