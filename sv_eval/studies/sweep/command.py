"""What `python -m sv_eval -m ...` does between Hydra's composing and its launcher: plan, leave out, report."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sv_eval.backend import Backend
from sv_eval.data.conditions.condition import condition_from
from sv_eval.errors import ConfigError, ModelError
from sv_eval.finished.rescore import report_config_from
from sv_eval.machine.terminal import give, note, relative, say
from sv_eval.report.identity import measured_settings
from sv_eval.run.executors.cluster import OF_THIS_PROCESS
from sv_eval.run.executors.config import LOCAL, executor_config_from
from sv_eval.run.load import load_config_from
from sv_eval.run.pauses import short_collections
from sv_eval.run.sharing import can_share
from sv_eval.scoring.config import scoring_config_from
from sv_eval.scoring.labels.config import labels_config_from
from sv_eval.studies.robustness.heard import CLEAN
from sv_eval.studies.sweep.conditions import is_of_condition
from sv_eval.studies.sweep.config import SweepConfig, sweep_config_from
from sv_eval.studies.sweep.plan import (
    Setting,
    grid,
    is_finished,
    keep_to_plan,
    plain_settings,
    scoring_hash,
    shuffled,
)
from sv_eval.studies.sweep.progress import SweepProgress, telling

Launch = Callable[[Sequence[Sequence[str]], int], Sequence[Any]]
_GROUPS = ("backend", "dataset", "load", "condition")
_WITHIN = "backend."
_CONDITION = "condition"
_AFTERWARDS = ("labels", "scoring", "report", "gate", "sweep", "robust")
"""Groups that decide what becomes of records, and not which records there are."""


def run_sweep(
    config: Any, loader: Any, launch: Launch, params: Mapping[str, Any], arguments: Sequence[str]
) -> list[Any]:
    """Run the settings that are not finished and write the sweep's report; what the launcher gave comes back.

    config: what Hydra composed of the words that are no sweep's. loader: composes a single job's. launch: runs
    jobs, the first of them with the number that is given. params: of Hydra's sweeper. arguments: the command
    line's.
    """
    from omegaconf import OmegaConf

    from sv_eval.report.run_directory import read_json, write_text
    from sv_eval.studies.robustness.config import robust_config_from
    from sv_eval.studies.robustness.heard import RESULT as ROBUSTNESS
    from sv_eval.studies.robustness.heard import read_baseline
    from sv_eval.studies.robustness.report import write_robustness
    from sv_eval.studies.sweep.conditions import read_conditions
    from sv_eval.studies.sweep.gating import sweep_gate_from
    from sv_eval.studies.sweep.report import RESULT, write_report

    options = sweep_config_from(_plain(config["sweep"]))
    scoring = scoring_config_from(_plain(config["scoring"]))
    scored_as = scoring_hash(scoring, labels_config_from(_plain(config["labels"])))
    language = report_config_from(_plain(config["report"])).language
    robust = robust_config_from(_plain(config["robust"]))
    directory = Path(str(config.hydra.sweep.dir))
    settings = planned(config, loader, options, [*_words(params), *_words(options.params), *arguments])
    over_conditions = all(map(is_of_condition, settings[0].values))
    if robust.baseline is not None and not over_conditions:
        raise ConfigError("robust.baseline is for a sweep over conditions alone, such as sweep=atlas")
    # One that can't be read must not be noticed after the runs.
    baseline = None if robust.baseline is None else read_baseline(robust.baseline)
    gate = sweep_gate_from(_plain(config["gate"]), _plain(config["scoring"]), over_conditions=over_conditions)
    keep_to_plan(directory, settings)
    write_text(directory / "multirun.yaml", OmegaConf.to_yaml(config))
    todo = [one for one in settings if not is_finished(directory, one, scored_as)]
    if len(todo) < len(settings):
        note(f"{len(settings) - len(todo)} of {len(settings)} settings are finished")
    done: list[Any] = []
    progress = SweepProgress(todo=todo, n_settings=len(settings))
    with short_collections(), OF_THIS_PROCESS.kept(), telling(progress):
        for run in _consecutive(todo):
            done += launch([one.overrides for one in run], run[0].number)
    for job in done:
        _ = job.return_value  # raises what ended a job, as Hydra's own sweeper does
    command = _command(arguments)
    if over_conditions:
        atlas, missing = read_conditions(directory, settings)
        heard = write_robustness(
            directory, atlas, missing, robust, scoring, language, baseline=baseline, command=command
        )
        say(heard.headline)
        say(f"robustness: {relative(heard.path)}")
        give(result=read_json(directory / ROBUSTNESS), directory=str(directory), gate=None)
        if gate is not None:
            gate.judge(directory, language)
        return done
    result = write_report(directory, settings, options, scoring, language, command=command)
    if result is None:
        say(f"the settings are of different clips, so nothing is compared; their reports lie below {directory}")
    else:
        say(result.headline)
        say(f"sweep: {relative(result.path)}")
        give(result=read_json(directory / RESULT), directory=str(directory), gate=None)
    return done


def planned(config: Any, loader: Any, options: SweepConfig, words: Sequence[str]) -> list[Setting]:
    """The settings that these words make, the one that others are compared with first and, where work is shared so
    that this costs little, once more at the end.

    That one is what the configuration says without the grid (and with `sweep.baseline`), also where it is no point
    of the grid, as long as settings of one backend are swept; the first point else.

    Raises ConfigError when nothing is swept, and Hydra's errors for what can't be composed.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parser = OverridesParser.create(config_loader=loader)
    fixed: dict[str, str] = {}
    choices: dict[str, list[str]] = {}
    for override in parser.parse_overrides(list(words)):
        key = override.get_key_element()
        # A later word goes before an earlier one, also where the one is a single value and the other a list.
        fixed.pop(key, None)
        choices.pop(key, None)
        if override.is_sweep_override():
            if not override.is_discrete_sweep():
                raise ConfigError(f"{override.input_line}: give the values, as in {key}=A,B")
            choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            fixed[key] = override.input_line or f"{key}={override.get_value_element_as_str()}"
    if not choices:
        raise ConfigError("nothing is swept: give a list of values (KEY=A,B) or sweep=vad_chunk")
    keys = list(choices)
    for key in keys:
        if key.split(".")[0] in _AFTERWARDS:
            raise ConfigError(
                f"{key} changes no record, so a sweep has nothing to measure; score one run under each: "
                "python -m sv_eval.score RUN, or python -m sv_eval.labels diff RUN MAP MAP"
            )
    over_conditions = all(map(is_of_condition, keys))
    composing = _Composing(config, loader, keys)
    points = [composing.possible([*fixed.values(), *point.values()]) for point in grid(choices)]
    kept = [word for key, word in fixed.items() if not (over_conditions and is_of_condition(key))]
    # Conditions are held against the sound as it is, whichever of them has its settings swept.
    clean = [f"{_CONDITION}={CLEAN}"] if over_conditions else []
    default = composing.setting([*kept, *clean, *options.baseline_words], default=True)
    inside = [point for point in points if _identity(point) == _identity(default)]
    of_one_backend = over_conditions or all(key.startswith(_WITHIN) for key in keys)
    if not inside and not (of_one_backend and composing.backend(default)):
        # What the configuration says without the grid is no setting of its own: the first one is compared with.
        inside, default = points[:1], replace(points[0], default=True)
    points = [default, *shuffled([point for point in points if point not in inside])]
    # Of conditions nobody asks how fast they are.
    if options.share and not over_conditions and composing.shares(default):
        points.append(replace(default, default=False, again=True))
    placed = [composing.placed(point, number) for number, point in enumerate(points)]
    if len({point.directory for point in placed}) < len(placed):
        raise ConfigError(
            "hydra.sweep.subdir: two settings would share a run directory; leave it at ${hydra.job.num}"
        )
    return placed


class _Composing:
    """Composes single settings."""

    def __init__(self, config: Any, loader: Any, keys: Sequence[str]) -> None:
        self._config, self._loader, self._keys = config, loader, keys
        self._composed: dict[tuple[str, ...], Any] = {}

    def setting(self, overrides: Sequence[str], *, default: bool = False) -> Setting:
        """The setting that these words make; its place is not known yet."""
        composed = self._loader.load_sweep_config(self._config, list(overrides))
        self._composed[tuple(overrides)] = composed
        measured = measured_settings({group: _plain(composed[group]) for group in _GROUPS if group in composed})
        return Setting(
            number=-1,
            directory="",
            values={key.lstrip("+"): self._value(composed, key) for key in self._keys},
            overrides=tuple(overrides),
            measured=plain_settings(measured),
            default=default,
        )

    def backend(self, setting: Setting) -> Backend | None:
        """The setting's backend, not opened; None where the configuration is not one of a backend."""
        try:
            return self._built(setting)
        except (ConfigError, ModelError):
            return None

    def possible(self, overrides: Sequence[str]) -> Setting:
        """The setting that these words make; the ConfigError or ModelError of one that can't be is raised now.

        Others would be measured for nothing otherwise.
        """
        setting = self.setting(overrides)
        try:
            self._built(setting)
            condition_from(_plain(self._composed[setting.overrides].get(_CONDITION)))
        except (ConfigError, ModelError) as error:
            raise type(error)(f"setting {setting.name}: {error}") from error
        return setting

    def _built(self, setting: Setting) -> Backend | None:
        """The setting's backend; None where something mandatory is missing, which is said when it is its turn."""
        from omegaconf.errors import MissingMandatoryValue

        from sv_eval.config.building import build_backend

        try:
            settings: dict[str, Any] = _plain(self._composed[setting.overrides].backend, throw_on_missing=True)
        except MissingMandatoryValue:
            return None
        return build_backend(settings)

    def shares(self, setting: Setting) -> bool:
        """Whether the setting's run can share work."""
        composed, backend = self._composed[setting.overrides], self.backend(setting)
        local = executor_config_from(_plain(composed.executor)).name == LOCAL
        return (
            local
            and backend is not None
            and can_share(load_config_from(_plain(composed.load)), backend.capabilities)
        )

    def placed(self, setting: Setting, number: int) -> Setting:
        """The setting with its number, and the directory that Hydra will make for it."""
        from omegaconf import open_dict

        composed = self._composed[setting.overrides]
        with open_dict(composed):
            composed.hydra.job.num = number
            composed.hydra.job.id = f"job_id_for_{number}"
        return replace(setting, number=number, directory=str(composed.hydra.sweep.subdir))

    @staticmethod
    def _value(composed: Any, key: str) -> Any:
        """What the composed configuration holds under a swept key; of a group, the option's name."""
        from omegaconf import OmegaConf

        key = key.lstrip("+").partition("@")[0]
        choices = composed.hydra.runtime.choices
        if key in choices:
            return str(choices[key])
        value = OmegaConf.select(composed, key)
        return json.dumps(_plain(value)) if OmegaConf.is_config(value) else value


def _identity(setting: Setting) -> str:
    """Equal for two settings that are the same, however their numbers are written."""
    return json.dumps(_plain_numbers([setting.measured, dict(setting.values)]), sort_keys=True, default=str)


def _plain_numbers(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _plain_numbers(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain_numbers(value) for value in node]
    return int(node) if isinstance(node, float) and node.is_integer() else node


def _words(params: Mapping[str, Any]) -> Iterator[str]:
    """A mapping of overrides to values as words of a command line."""
    for key, values in params.items():
        listed = values if isinstance(values, list | tuple) else [values]
        yield f"{key}={','.join(map(str, listed))}"


def _consecutive(settings: Sequence[Setting]) -> Iterator[list[Setting]]:
    """Runs of settings whose numbers follow each other: a launcher numbers its jobs from the first on."""
    run: list[Setting] = []
    for one in settings:
        if run and one.number != run[-1].number + 1:
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _plain(node: Any, *, throw_on_missing: bool = False) -> Any:
    from omegaconf import OmegaConf

    if not OmegaConf.is_config(node):
        return node
    return OmegaConf.to_container(node, resolve=True, throw_on_missing=throw_on_missing)


def _command(arguments: Sequence[str]) -> str:
    return shlex.join(["python", "-m", "sv_eval", "-m", *arguments])
