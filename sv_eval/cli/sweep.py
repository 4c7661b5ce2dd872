"""`sv-eval sweep`: every combination of settings, with one report on all of them."""

from __future__ import annotations

from collections.abc import Sequence

from sv_eval.cli import run as single
from sv_eval.config.places import conf_dir
from sv_eval.config.settings_index import options_of
from sv_eval.errors import UsageError, nearest
from sv_eval.machine.terminal import give, say

_HELP = """\
usage: sv-eval sweep GRID [KEY=VALUE ...]
       sv-eval sweep KEY=VALUE,VALUE,... [KEY=VALUE ...]
       sv-eval sweep list

Measures every combination of the values that are given after commas, or of a grid from `list`, and writes one
report on all of them: sweep.md; over conditions alone, robustness.md. The same as `sv-eval run -m`.

  sv-eval sweep vad_chunk dataset=emodb dataset.root=DIR
  sv-eval sweep atlas                                   what lines, noises and rooms cost (extra [rooms])
  sv-eval sweep backend.chunk_size=3,4,5 backend.vad_threshold=0.5,0.6,0.7
  sv-eval sweep vad_chunk hydra.sweep.dir=DIR           the directory; the same command resumes it

What else may be set is what `sv-eval run --help` says. What to do where a grid is too large: sv-eval tune.
Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 3 a gate failed, 4 inconclusive, 5 incomplete.
"""


NO_GRID = "none"


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(words: Sequence[str]) -> int:
    """Run the sweep, or list the grids."""
    first, *rest = words
    if first == "list":
        grids = _grids()
        say("\n".join(f"{name:18} {what}" for name, what in grids.items()))
        give(result=[{"name": name, "does": what} for name, what in grids.items()])
        return 0
    if "=" not in first and not first.startswith("-"):
        if first not in _grids():
            raise UsageError(f"'{first}' is no grid; {nearest(first, _grids())}")
        first = f"sweep={first}"
    return single.run(["-m", first, *rest])


def _grids() -> dict[str, str]:
    """The grids there are, with the first line of what their files say of them."""
    found = {}
    for name in options_of("sweep"):
        lines = (conf_dir() / "sweep" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
        if name != NO_GRID:
            found[name] = next((line.lstrip("# ") for line in lines if line.startswith("#")), "")
    return found
