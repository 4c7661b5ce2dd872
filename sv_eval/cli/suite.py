"""`python -m sv_eval.suite`: corpora under a matrix of switches, beside what was published about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.cli.help import help_of
from sv_eval.errors import RunIncomplete, UsageError
from sv_eval.machine.terminal import give, note, relative, say

if TYPE_CHECKING:
    from sv_eval.studies.suite.result import CombinationFigures

_HEADER = """\
sv-eval suite measures several corpora under a matrix of switches, beside what was published about them.

  sv-eval suite suite=sensevoice_paper backend=local suite.roots.casia=DIR suite.roots.esd=DIR
  sv-eval suite suite=demo                                 the same switches over the bundled clips
  sv-eval suite=sensevoice_paper ...                       the same command

The base takes the first value of every switch; then one switch at a time is moved, or with design=full every
combination is measured. Switches of scoring and labels cost no inference. Every set has a run directory for each
combination that needs inference, and the command goes on where it was stopped with the same out=DIR.
"""
_FOOTER = """\
The directory holds suite.md, suite.json and the run directories, SET/COMBINATION.
Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 5 interrupted, or a set could not be measured.
"""
_OWN = ("design", "limit", "run", "report", "out")
_NOT_OF_A_RUN = ("suite", "design", "limit", "report", "out")


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints for the choices that the words make."""
    return help_of(words, main_file="suite", header=_HEADER, footer=_FOOTER, own=_OWN)


def run(arguments: Sequence[str]) -> None:
    """Measure what is missing, report, say the headlines."""
    from sv_eval.config.composing import composed
    from sv_eval.finished.both_forms import write_both
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import write_json
    from sv_eval.reports.suite import render_suite
    from sv_eval.studies.suite.config import suite_config_from
    from sv_eval.studies.suite.measure import SuiteMeasurement
    from sv_eval.studies.suite.result import suite_json
    from sv_eval.written_files import refuse_unwritable

    settings = composed("suite", arguments)
    config = suite_config_from(settings)
    language = report_config_from(settings["report"]).language
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")  # local time, as in a run directory's name
    directory = Path(settings["out"] or f"runs/suites/{config.suite.name}/{now}")
    refuse_unwritable(directory / "suite.json")  # a bad path fails now and not after an hour
    measurement = SuiteMeasurement(config, _of_every_run(arguments, settings), directory, note)
    results = measurement.measure()
    failed = [result.name for result in results if result.base.figures is None]
    if len(failed) == len(results):
        raise UsageError(f"{failed[0]}: {results[0].base.error}")
    found = suite_json(config.suite, results) | {"settings": settings, "overrides": list(arguments)}
    write_json(directory / "suite.json", as_json(found))
    give(result=as_json(found), directory=str(directory))
    write_both(directory / "suite.md", render_suite(found, language), language=language)
    for line in _headlines(found):
        say(line)
    say(f"report: {relative(directory / 'suite.md')}")
    if failed:
        raise RunIncomplete(f"not measured: {', '.join(failed)}; out={directory} goes on from here")


def _of_every_run(arguments: Sequence[str], settings: dict[str, Any]) -> list[str]:
    """The settings that every run gets: the user's, without those of the suite, over the suite's own defaults."""
    passed = [word for word in arguments if word.lstrip("+~").partition("=")[0].split(".")[0] not in _NOT_OF_A_RUN]
    chosen = [] if any(word.startswith("load=") for word in passed) else ["load=offline"]
    given = {word.partition("=")[0] for word in passed}
    defaults = [f"run.{key}={_plain(value)}" for key, value in settings["run"].items() if f"run.{key}" not in given]
    return [*chosen, *defaults, *passed]


def _plain(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _headlines(found: dict[str, Any]) -> list[str]:
    lines = []
    for one in found["sets"]:
        base = one["combinations"][0]["figures"]
        if base is None:
            continue
        line = f"{one['name']}: " + _uar(base)
        if one["published"] and one["difference"]:
            apart = ", not comparable: see the report" if one["mismatches"] else ""
            line += f", published {one['published']['uar']:.3f} ({one['difference']['uar']:+.3f}{apart})"
        if one["moves_most"] and one["moves_most"]["by"]:
            line += "; moved most by {switch}={value} ({by:+.3f})".format(**one["moves_most"])
        elif one["moves_most"]:
            line += "; no switch moved it"
        lines.append(line)
    return lines


def _uar(base: CombinationFigures) -> str:
    """UAR, and what it does not rest on."""
    uar = base.uar
    told = f"no UAR ({uar.reason or 'not given'})" if uar.value is None else f"UAR {uar.value:.3f}"
    lacking = [f"{base.n_failed} of {base.n_clips} clips failed"] if base.n_failed else []
    if uar.left_out:
        lacking.append(f"no answered clip of {', '.join(uar.left_out)}")
    return f"{told} ({'; '.join(lacking)})" if lacking else told
