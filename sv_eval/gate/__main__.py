"""`python -m sv_eval.gate baseline=A candidate=B`: two finished runs, gated."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sv_eval.command import main_of, relative, say
from sv_eval.errors import EXIT_PASS, ConfigError, UsageError, nearest

_HELP = """\
usage: python -m sv_eval.gate candidate=RUN [baseline=RUN_OR_FILE] [gate=ci] [gate.KEY=VALUE ...]
                              [report.language=en|zh] [out=DIR]
       python -m sv_eval.gate selftest [gate=ci] [pairs=500] [seed=0]

Is the candidate no worse than the baseline? Both are run directories, or files of `python -m sv_eval.baseline`.
Writes gate.md (for a pull request), junit.xml and gate.json into DIR, by default the candidate's directory, and
appends gate.md to $GITHUB_STEP_SUMMARY where that is set.

  gate=ci|quality|release       the rules, files in conf/gate/; or the path of a YAML file
  gate.margins.uar=0.02         how much worse UAR may be; likewise accuracy, macro_f1, recall (of every emotion)
  gate.ratios.p95=1.15          how many times the baseline's latency; likewise p50
  gate.floors.uar=0.6           what the candidate itself must reach; likewise accuracy, macro_f1, recall
  gate.ceilings.p95_ms=200      what its latency must not exceed; likewise p50_ms, p99_ms
  gate.alpha=0.05               the chance that a change that makes nothing worse fails, over all rules
  gate.max_failures=0.01        the share of clips that the candidate may fail on beyond the baseline's

`selftest` simulates pairs of runs: how often the gate fails one where nothing changed, and how often it finds a
planted loss of UAR and a planted slowdown. clips=2000 speakers=40 requests=1000 are what it simulates, redrawn=0.15
the share of clips that the second run answers anew, uneven=0.3 how much each run suits some speakers (logits).

Exit codes: 0 pass, 3 fail, 4 inconclusive, 1 error, 2 wrong usage or configuration.
"""
_KEYS = ("baseline", "candidate", "gate", "report.language", "out")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code comes back."""
    codes: list[int] = []
    code = main_of(arguments, _HELP, lambda given: codes.append(_run(given)))
    return codes[0] if codes and code == EXIT_PASS else code


def _run(arguments: Sequence[str]) -> int:
    if arguments[0] == "selftest":
        from sv_eval.gate.selftest import selftest

        return selftest(arguments[1:])
    from sv_eval.gate.baseline_file import read_subject
    from sv_eval.gate.config import NO_GATE
    from sv_eval.gate.judging import EXIT_CODES, judge
    from sv_eval.gate.reporting import GATE_MD, headline, write_gate
    from sv_eval.rescore import report_config_from

    given = _parsed(arguments)
    config = gate_settings(given)
    language = report_config_from({"language": given.get("report.language", "en")}).language
    if "candidate" not in given:
        raise UsageError("candidate=RUN is missing: the run directory to judge")
    if config.name == NO_GATE:
        raise UsageError("gate=none has no rules; choose gate=ci or another")
    where = given.get("baseline") or config.baseline
    if where is None and config.compares:
        raise UsageError(f"gate={config.name} compares with a baseline: give baseline=RUN_OR_FILE")
    baseline = None if where is None else read_subject(where)
    candidate = read_subject(given["candidate"])
    result = judge(candidate, baseline, config)
    source = Path(given["candidate"]).expanduser()
    directory = Path(given.get("out") or (source if source.is_dir() else "."))
    write_gate(directory, result, language)
    for line in headline(result):
        say(line)
    say(f"report: {relative(directory / GATE_MD)}")
    return EXIT_CODES[result.verdict]


def _parsed(arguments: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in arguments:
        key, equals, value = word.partition("=")
        if not equals or (key not in _KEYS and not key.startswith("gate.")):
            raise UsageError(f"'{word}' is not understood; {nearest(key, _KEYS)} (see --help)")
        found[key] = value
    return found


def gate_settings(given: dict[str, str], default: str = "ci") -> Any:
    """The gate's configuration from `gate=` and `gate.KEY=` words; raises ConfigError."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from sv_eval.gate.config import gate_config_from

    words = [f"{key.removeprefix('gate.')}={value}" for key, value in given.items() if key.startswith("gate.")]
    try:
        base = OmegaConf.create(read_gate(given.get("gate", default)))
        merged = OmegaConf.merge(base, OmegaConf.from_dotlist(words))
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(f"gate: the settings can't be read: {' '.join(str(error).split())}") from error
    plain: Any = OmegaConf.to_container(merged, resolve=True)
    return gate_config_from(plain)


def read_gate(name_or_path: str) -> dict[str, Any]:
    """A gate's file as plain data: one of ours by name, or any YAML file; raises ConfigError."""
    import yaml

    from sv_eval.places import conf_dir

    folder = conf_dir() / "gate"
    ours = folder / f"{name_or_path}.yaml"
    path = ours if ours.is_file() else Path(name_or_path).expanduser()
    if not path.is_file():
        names = [each.stem for each in folder.glob("[a-z]*.yaml")]
        raise ConfigError(f"gate={name_or_path}: there is no such gate; {nearest(name_or_path, names)}")
    try:
        common = yaml.safe_load((folder / "_common.yaml").read_text(encoding="utf-8"))
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} should hold a gate: name, margins, ratios, floors, ceilings")
    return {**common, **{str(key): value for key, value in data.items() if key != "defaults"}}


if __name__ == "__main__":
    sys.exit(main())
