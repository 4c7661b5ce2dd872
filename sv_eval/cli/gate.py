"""`python -m sv_eval.gate baseline=A candidate=B`: two finished runs, gated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError
from sv_eval.machine.terminal import give, relative, say

_HELP = """\
usage: sv-eval gate candidate=RUN [baseline=RUN_OR_FILE] [gate=ci] [gate.KEY=VALUE ...]
                    [scoring.resamples=10000] [scoring.seed=0] [report.language=en|zh] [out=DIR] [--json]
       sv-eval gate selftest [gate=ci] [pairs=500] [seed=0]

Is the candidate no worse than the baseline? Both are run directories, or files of `sv-eval baseline`.
Writes gate.md (for a pull request), junit.xml and gate.json into DIR, by default the candidate's directory, and
appends gate.md to $GITHUB_STEP_SUMMARY where that is set.

  gate=ci|quality|release       the rules, files in conf/gate/; or the path of a YAML file
  gate=robust                   of two sweeps over conditions, by directory: no drop of UAR, nor their mean, may
                                exceed the baseline's by more than gate.drops.condition=0.10, gate.drops.mean=0.02
  gate.margins.uar=0.02         how much worse UAR may be; likewise accuracy, macro_f1, recall (of every emotion)
  gate.ratios.p95=1.15          how many times as long as for the baseline callers waited; likewise p50
  gate.shares.retried=0.02      how much more than in the baseline may leave the sample; likewise resumed, late,
                                unmeasured, slow, unknown, no_tag, no_speech, unparsed, refused,
                                hedged, failed (of an emotion)
  gate.floors.uar=0.6           what the candidate itself must reach; likewise accuracy, macro_f1, recall
  gate.floors.worst_group.sex=0.6   what the group that is understood worst must reach; likewise language, age,
                                accent, pitch
  gate.floors.ccc=0.5           what the concordance of every emotional dimension must reach
  gate.margins.ccc=0.05         how much worse it may be than the baseline's; of one, gate.margins.ccc.valence=
  gate.floors.soft.overlap=0.6  what answers held against raters' votes must reach; likewise soft_macro_f1,
                                soft_accuracy
  gate.margins.soft.overlap=0.02   how much worse it may be than the baseline's; likewise soft_accuracy
  gate.ceilings.p95_ms=200      how long its callers may wait; likewise p50_ms, p99_ms
  gate.max_contention=0.15      the share of the machine that others may have taken, for a latency to be judged
  gate.alpha=0.05               the chance that a change that makes nothing worse fails, over all rules
  gate.max_failures=0.01        the share of clips that the candidate may fail on beyond the baseline's

`selftest` simulates pairs of runs: how often the gate fails one where nothing changed, and how often it finds a
planted loss of UAR and a planted slowdown. clips=2000 speakers=40 requests=1000 are what it simulates, redrawn=0.15
the share of clips that the second run answers anew, uneven=0.3 how much each run suits some speakers (logits),
correlated=0.0 how much of a call's latency the next one inherits. sabotages=50 tries, so many times each, forty
ways of getting worse that plain figures don't show: none may pass.

Exit codes: 0 pass, 3 fail, 4 inconclusive, 1 error, 2 wrong usage or configuration.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> int:
    """Judge and write; the verdict's exit code comes back."""
    if arguments[0] == "selftest":
        from sv_eval.studies.gate.selftest import selftest

        return selftest(arguments[1:])
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.report.codec import as_json
    from sv_eval.report.verdict import EXIT_CODES
    from sv_eval.studies.gate.baseline_file import read_subject
    from sv_eval.studies.gate.config import NO_GATE
    from sv_eval.studies.gate.drops import judge_drops
    from sv_eval.studies.gate.judging import judge
    from sv_eval.studies.gate.reporting import GATE_MD, headline, write_gate
    from sv_eval.studies.gate.settings import gate_settings
    from sv_eval.studies.robustness.heard import read_atlas

    typed = parse(arguments, COMMANDS["gate"])
    if typed.names:
        raise UsageError(f"'{typed.names[0]}' is not understood; write candidate={typed.names[0]} or baseline=...")
    given = typed.settings
    config = gate_settings(given)
    language = report_config_from({"language": given.get("report.language", "en")}).language
    if "candidate" not in given:
        raise UsageError("candidate=RUN is missing: the run directory to judge")
    if config.name == NO_GATE:
        raise UsageError("gate=none has no rules; choose gate=ci or another")
    where = given.get("baseline") or config.baseline
    if where is None and config.compares:
        raise UsageError(f"gate={config.name} compares with a baseline: give baseline=RUN_OR_FILE")
    source = Path(given["candidate"]).expanduser()
    if config.of_sweeps and where is not None:
        result = judge_drops(read_atlas(source), read_atlas(Path(where).expanduser()), config)
    else:
        baseline = None if where is None else read_subject(where)
        result = judge(read_subject(given["candidate"]), baseline, config)
    directory = Path(given.get("out") or (source if source.is_dir() else "."))
    write_gate(directory, result, language)
    for line in headline(result):
        say(line)
    say(f"report: {relative(directory / GATE_MD)}")
    give(result=as_json(result.file()), directory=str(directory))
    return EXIT_CODES[result.verdict]
