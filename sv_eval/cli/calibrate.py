"""`python -m sv_eval.calibrate RUN out=FILE`: what makes a model's scores probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError, nearest
from sv_eval.machine.terminal import give, relative, say

if TYPE_CHECKING:
    from sv_eval.report.calibration_file import CalibrationFile
    from sv_eval.report.interval import Interval

_HELP = """\
usage: sv-eval calibrate RUN --out FILE [method=auto]

Finds what makes the scores of RUN's model probabilities, and how much that helps on speakers who did not take
part: the speakers are parted, and the scores of each part are judged under what the others taught. FILE is then
fitted on all of them, and belongs to this model; sv-eval score OTHER calibration=FILE judges another run under it,
and refuses one that shares speakers or clips.

  out=calibration.json   where it is written, with a picture of confidence before and after beside it
                         (calibration.svg); a file that is there is left alone
  method=auto            temperature (one number), vector (two an emotion), venn_abers (steps; extra [calibration]);
                         auto: the simplest that none surely beats on speakers held out, so that it may be none at
                         all

Exit codes: 0 done, 1 error, 2 wrong usage, or a run that nothing can be fitted on.
"""
_METHODS = ("auto", "temperature", "vector", "venn_abers")


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import write_json, write_text
    from sv_eval.reports.figures import draw_reliability
    from sv_eval.reports.wording import Wording
    from sv_eval.studies.calibrate.fitting import fit

    typed = parse(arguments, COMMANDS["calibrate"])
    method = typed.settings.get("method", "auto")
    if len(typed.names) != 1:
        raise UsageError("give one run directory: sv-eval calibrate RUN --out FILE")
    if "out" not in typed.settings:
        raise UsageError("say where it is to be written: --out calibration.json")
    if method not in _METHODS:
        raise UsageError(f"method={method}: {nearest(method, _METHODS)}")
    out = Path(typed.settings["out"])
    picture = out.with_suffix(".svg")
    if out == picture:
        raise UsageError(f"{out}: the picture beside the file is called so; give it a name such as {out.stem}.json")
    if there := next((one for one in (out, picture) if one.exists()), None):
        raise UsageError(f"{there}: is there already; delete it, or give another name")
    found = fit(Path(typed.names[0]), method)
    for line in _lines(found):
        say(line)
    write_json(out, as_json(found))
    words = Wording("en")
    titles = {name: words(f"calibration.methods.{name}") for name in found.held_out}
    bins = {titles[name]: figures.reliability for name, figures in found.held_out.items()}
    write_text(picture, draw_reliability(bins, words))
    say(f"written: {relative(out)}, {relative(picture)}")
    give(result=as_json(found), file=str(out), figure=str(picture))


def _lines(found: CalibrationFile) -> list[str]:
    fitted = found.fitted_on
    told = f"method {found.method}" + (f", temperature {found.temperature:.3g}" if found.method != "none" else "")
    lines = [f"{fitted.n_clips} clips of {len(fitted.speakers)} speakers, held out in {found.folds} parts; {told}"]
    for name, figures in found.held_out.items():
        lines.append(
            f"  {'as they are' if name == 'none' else name:12} log loss {_plain(figures.log_loss)}, "
            f"Brier {_plain(figures.brier)}, calibration error of confidence {_share(figures.ece_confidence)}, "
            f"of emotions {_share(figures.ece_classwise)}"
        )
    if found.method == "none":
        lines.append("no method surely helps on speakers held out; the file changes nothing")
    if "venn_abers" not in found.held_out:
        lines.append("venn_abers was not tried: it needs the extra [calibration]")
    return lines


def _plain(figure: Interval) -> str:
    return _bounded(figure, 1, 3)


def _share(figure: Interval) -> str:
    return "-" if figure.value is None else f"{_bounded(figure, 100, 1)} %"


def _bounded(figure: Interval, scale: float, digits: int) -> str:
    from sv_eval.reports.wording import bounds

    return (
        "-"
        if figure.value is None
        else f"{scale * figure.value:.{digits}f} {bounds(figure, scale, digits)}".rstrip()
    )
