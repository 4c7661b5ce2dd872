"""The reports of studies, each of whose words may be a stranger's: none is obeyed, whichever it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jinja2 import UndefinedError

from sv_eval.cli.main import main
from sv_eval.config.composing import composed
from sv_eval.errors import SvEvalError
from sv_eval.report.accuracy import Confusion
from sv_eval.report.certificate import Certificate
from sv_eval.report.codec import from_json
from sv_eval.report.comparison import Comparison
from sv_eval.report.parity import ParityResult
from sv_eval.report.sweep import SweepFile
from sv_eval.reports.audit import render_audit
from sv_eval.reports.capacity import render_capacity
from sv_eval.reports.certify import render_certificate
from sv_eval.reports.compare import draw_compare, render_compare
from sv_eval.reports.figures import draw_confusion
from sv_eval.reports.gate import render_gate, render_junit
from sv_eval.reports.parity import render_parity
from sv_eval.reports.race import render_race
from sv_eval.reports.suite import render_suite
from sv_eval.reports.sweep import render_sweep
from sv_eval.reports.wording import Wording
from sv_eval.studies.gate.baseline_file import read_subject
from sv_eval.studies.gate.judging import judge
from sv_eval.studies.gate.settings import gate_settings
from sv_eval.studies.suite.config import suite_config_from
from sv_eval.studies.suite.measure import SuiteMeasurement
from sv_eval.studies.suite.result import suite_json
from tests.unit.strangers import CONTROL, HOSTILE, obeyed

RUN = ("run.telemetry_s=null", "scoring.resamples=100", "load.warmup_clips=0")
FAKE = ("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=40", *RUN)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Any, Callable[[Any], str]]]:
    """What each study finds in a small world, and what renders it."""
    place = tmp_path_factory.mktemp("studies")

    def made(*words: str) -> None:
        assert main([word.replace("@", str(place)) for word in words[1:]], command=words[0]) in (0, 3, 4, 5)

    for seed in (1, 2):
        made("run", *FAKE, f"backend.seed={seed}", f"hydra.run.dir=@/run{seed}")
    made("run", "-m", *FAKE, "backend.seed=1,2", "hydra.sweep.dir=@/sweep")
    made("compare", "@/run1", "@/run2", "scoring.resamples=100", "out=@/compared")
    made("corpus", "check", "demo", "limit=20", "out=@/audit")
    made(
        "parity",
        "onnx",
        "onnx,batch_size=2",
        "dataset=demo",
        "dataset.limit=4",
        "parity.trace_clips=2",
        "out=@/parity",
    )
    relations = "certify.only=[listens,order,polarity,gain_6,flac]"
    made("certify", "backend=fake", relations, "certify.clips=12", "certify.repeats=2", "out=@/certificate")
    search = ("trial_s=0.2", "min_requests=150", "start_rate=150", "max_rate=300", "max_trials=2")
    curve = ("curve.concurrency=[1]", "curve.requests=20", "slo.p95_ms=1000", "search.max_late_ms=5000")
    words = ("backend=fake", "dataset=simulated", *(f"search.{word}" for word in search), *curve)
    made("capacity", *words, "out=@/capacity")

    made("race", "fake", "fake,seed=2", *FAKE[1:], "rounds=3", "out=@/race")

    def read(name: str) -> Any:
        return json.loads((place / name).read_text(encoding="utf-8"))

    sides = [read_subject(str(place / f"run{seed}")) for seed in (1, 2)]
    gated = judge(sides[0], sides[1], gate_settings({"gate": "quality", "gate.baseline": "x"}))
    sweep = from_json(SweepFile, read("sweep/sweep.json"), "sweep.json")
    compared = from_json(Comparison, read("compared/compare.json"), "compare.json")
    parity = from_json(ParityResult, read("parity/parity.json"), "parity.json")
    certificate = from_json(Certificate, read("certificate/certificate.json"), "certificate.json")
    return {
        "gate": (gated, render_gate),
        "junit": (gated, render_junit),
        "sweep": (sweep, render_sweep),
        "compare": (compared, render_compare),
        "parity": (parity, render_parity),
        "certify": (certificate, render_certificate),
        "audit": (read("audit/audit.json"), render_audit),
        "suite": (suite_of(place / "suite"), render_suite),
        "capacity": (read("capacity/capacity.json"), render_capacity),
        "race": (read("race/race.json"), render_race),
    }


def suite_of(place: Path) -> Any:
    """What the bundled suite finds under one switch."""
    switches = [f"~suite.switches.{name}" for name in ("vad", "itn", "language", "precision")]
    settings = composed("suite", ["suite=demo", *switches, "limit=6"])
    config = suite_config_from(settings)
    measured = SuiteMeasurement(config, list(RUN), place, lambda _: None).measure()
    return suite_json(config.suite, measured) | {"settings": settings, "overrides": ["suite=demo"]}


def with_one_word_changed(node: Any) -> Iterator[Any]:
    """The same with one of its texts another's, for each text; names of entries are texts, too."""
    if isinstance(node, str):
        yield HOSTILE
    elif is_dataclass(node) and not isinstance(node, type):
        yield from _of_fields(node)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            for changed in with_one_word_changed(value):
                yield {**node, key: changed}
            yield {HOSTILE if one == key else one: value for one, value in node.items()}
    elif isinstance(node, list | tuple):
        for place, value in enumerate(node):
            for changed in with_one_word_changed(value):
                yield type(node)([*node[:place], changed, *node[place + 1 :]])


def _of_fields(node: Any) -> Iterator[Any]:
    for field in fields(node):
        for changed in with_one_word_changed(getattr(node, field.name)):
            # Some look at their own words, and take no stranger's.
            with suppress(ValueError):
                yield replace(node, **{field.name: changed})


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("gate", 2),
        ("junit", 2),
        ("sweep", 5),
        ("compare", 5),
        ("parity", 5),
        ("certify", 5),
        ("audit", 5),
        ("suite", 5),
        ("capacity", 5),
        ("race", 2),
    ],
)
def test_no_word_of_a_study_is_obeyed(
    found: Mapping[str, tuple[Any, Callable[[Any], str]]], name: str, foreign: int
) -> None:
    result, render = found[name]
    shown = 0
    for changed in with_one_word_changed(result):
        try:
            text = render(changed)
        except (LookupError, ValueError, TypeError, AttributeError, UndefinedError, SvEvalError):
            # One of our own codes, which no stranger writes.
            continue
        shown += "owned" in text
        assert not CONTROL.search(text), text
        text.encode()
        assert obeyed(text, links=name != "junit") == []
    assert shown >= foreign


WORDS = [HOSTILE, "\ud800", "$\\frac", "_a", "$a$ $", "", "<b>&"]


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
@pytest.mark.parametrize("word", WORDS, ids=ascii)
def test_a_figure_holds_any_word_of_a_corpus(word: str) -> None:
    drawn = draw_confusion(
        Confusion(
            rows=(word, "sad"),
            columns=(word, "sad"),
            counts=((1, 2), (3, 4)),
            failed=(0, 0),
            n_scored_rows=2,
            answers="unforced",
        ),
        Wording("en"),
    )

    ElementTree.fromstring(drawn)
    assert not CONTROL.search(drawn)


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_a_figure_holds_any_name_of_a_run(found: Mapping[str, tuple[Any, Callable[[Any], str]]]) -> None:
    compared: Comparison = found["compare"][0]
    for word in WORDS:
        first, *others = compared.runs
        drawn = draw_compare(replace(compared, runs=(replace(first, name=word), *others)))
        assert drawn is not None
        ElementTree.fromstring(drawn)
        assert not CONTROL.search(drawn)
