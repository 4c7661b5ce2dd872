"""`python -m sv_eval.certify KEY=VALUE ...`: is a backend wired up rightly?"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sv_eval.cli.help import help_of
from sv_eval.errors import EXIT_GATE_FAILED, EXIT_GATE_INCONCLUSIVE, EXIT_PASS
from sv_eval.machine.terminal import give, note, relative, say

if TYPE_CHECKING:
    from sv_eval.backend import Backend
    from sv_eval.report.certificate import Certificate
    from sv_eval.studies.certify.trial import Trial

_HEADER = """\
sv-eval certify finds out whether a backend is wired up rightly, without a single label.

  sv-eval certify backend=remote backend.url=URL
  sv-eval certify backend=onnx backend.model=DIR
  sv-eval certify backend=remote backend.url=URL dataset=emodb dataset.root=DIR certify.clips=100

The same clips are given in many guises: louder, in another container, at another rate, with other headers, many at
once, in another order, over another connection. Each relation says what must hold between the answers. What the
backend does to identical requests is measured first, and is the noise that all else is held against.
"""
_FOOTER = """\
The directory holds certificate.md, certificate.json, and in clips/ the files that show what is broken.
Exit codes: 0 nothing is broken, 1 error, 2 wrong usage or configuration, 3 a relation is broken, 4 a relation could
not be decided, 5 backend lost, or interrupted.
"""
_OWN = ("certify", "report", "out")
_CODES = {"sound": EXIT_PASS, "broken": EXIT_GATE_FAILED, "inconclusive": EXIT_GATE_INCONCLUSIVE}


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints for the choices that the words make."""
    return help_of(words, main_file="certify", header=_HEADER, footer=_FOOTER, own=_OWN)


def run(arguments: Sequence[str]) -> int:
    """Ask, judge, write, say the headline."""
    from sv_eval.config.building import build_backend
    from sv_eval.config.composing import composed
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
    from sv_eval.finished.both_forms import write_both
    from sv_eval.finished.rescore import report_config_from
    from sv_eval.machine.environment import describe_environment
    from sv_eval.report.codec import as_json
    from sv_eval.report.run_directory import write_json
    from sv_eval.reports.certify import render_certificate
    from sv_eval.run.event_loop import finished
    from sv_eval.run.history import describe_corpus
    from sv_eval.studies.certify.config import certify_config_from
    from sv_eval.studies.certify.measure import certify, settings_of
    from sv_eval.studies.certify.result import files_of, result_of
    from sv_eval.written_files import refuse_unwritable

    settings = composed("certify", arguments)
    config = certify_config_from(settings["certify"])
    language = report_config_from(settings["report"]).language
    corpus = read_corpus(dataset_config_from(settings["dataset"]))
    asked = settings["backend"]
    backend = build_backend(asked)

    def another(changes: Mapping[str, Any]) -> Backend:
        return build_backend({**asked, **changes})

    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")  # local time, as in a run directory's name
    directory = Path(settings["out"] or f"runs/certify/{corpus.name}/{now}")
    refuse_unwritable(directory / "certificate.md")  # a bad path fails now and not after minutes
    begin = time.perf_counter()
    found = finished(certify(backend, corpus, config, another, settings_of(asked), _told))
    wall_s = time.perf_counter() - begin
    result = result_of(found, config, describe_corpus(corpus), describe_environment(), wall_s)
    for name, content in files_of(found, result):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    write_json(directory / "certificate.json", as_json(result))
    write_both(directory / "certificate.md", render_certificate(result, language), language=language)
    give(result=as_json(result), directory=str(directory))
    say(_headline(result))
    say(f"report: {relative(directory / 'certificate.md')}")
    return _CODES[result.verdict.value]


def _told(trial: Trial) -> None:
    """How far it is, where somebody watches."""
    if sys.stderr.isatty():
        note(trial.relation.name)


def _headline(result: Certificate) -> str:
    counts = result.counts
    rest = (
        f"{counts.held} relations held, {counts.undecided} undecided, {counts.refused} refused, "
        f"{counts.not_applicable} not applicable"
    )
    broken = [one.name for one in result.relations if one.standing == "broken"]
    if broken:
        return f"broken: {', '.join(broken)}; {rest}"
    undecided = [one.name for one in result.relations if one.standing == "undecided"]
    said = f" ({', '.join(undecided)})" if undecided else ""
    return f"{'nothing is broken' if not undecided else 'inconclusive' + said}; {rest}"
