"""JSON Schemas of the files that a run leaves and that are made of runs, generated from the types behind them.

They lie beside this module, so that whoever reads our files with other languages finds them; `make schemas` writes
them anew, and a test holds them against the types.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from sv_eval import answer_words, backend, records, sound_facts
from sv_eval.report import (
    accuracy,
    calibration,
    calibration_file,
    certificate,
    change,
    comparison,
    conformal,
    context,
    controls,
    cost,
    dimensions,
    environment,
    fairness,
    findings,
    history,
    interval,
    latency,
    operating,
    parity,
    positions,
    prevalence,
    report,
    robustness,
    selective,
    shares,
    soft,
    sound,
    streaming,
    sweep,
    thresholds_file,
    transcripts,
    verdict,
)
from sv_eval.report.reasons import Coded, Why

FILES: dict[str, Any] = {
    "metrics.json": report.Report,
    "records.jsonl": records.Record,
    "environment.json": environment.Environment,
    "gate.json": verdict.GateFile,
    "compare.json": comparison.Comparison,
    "parity.json": parity.ParityResult,
    "certificate.json": certificate.Certificate,
    "sweep.json": sweep.SweepFile,
    "robustness.json": robustness.RobustnessFile,
    "history.json": history.HistoryFile,
    "prevalence.json": prevalence.PrevalenceFile,
    "calibration.json": calibration_file.CalibrationFile,
    "thresholds.json": thresholds_file.ThresholdsFile,
}
"""Each file, and the type of what it holds; of `records.jsonl` that is a line."""

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MODULES = (
    accuracy, answer_words, backend, calibration, calibration_file, certificate, change, comparison, conformal,
    context, controls, cost, dimensions, environment, fairness, findings, history, interval, latency, operating,
    parity, positions, prevalence, records, report, robustness, selective, shares, soft, sound, sound_facts,
    streaming, sweep,
    thresholds_file, transcripts, verdict,
)  # fmt: skip
_NOT_WRITTEN = {"Prediction": ("passage",), "Failure": ("passage",)}
"""Fields that only a running process knows; what they tell stands in the record itself."""
_SEAL = (
    "The id of the run (environment.json, run_id), a dot, and BLAKE2b over the line before this key, keyed with "
    "the id; not set by earlier versions."
)
_CODED = {
    "type": "object",
    "description": "Something to be said: a code, and the values that its sentence is filled with.",
    "properties": {"code": {"type": "string"}},
    "required": ["code"],
}


def schema_path(name: str) -> Path:
    """Where the schema of a file of this name lies."""
    return Path(__file__).parent / "schemas" / f"{name.partition('.')[0]}.schema.json"


def schema_text(name: str) -> str:
    """The schema of a file of this name, as text, generated from its type."""
    kind = FILES[name]
    schema = msgspec.json.schema(kind, schema_hook=_of_our_own)
    definitions = schema["$defs"]
    for owner, fields in _NOT_WRITTEN.items():
        for field in fields:
            definitions.get(owner, {}).get("properties", {}).pop(field, None)
    if name == "records.jsonl":
        definitions["Record"]["properties"]["seal"] = {"type": "string", "description": _SEAL}
        definitions["Record"]["oneOf"] = [{"required": ["prediction"]}, {"required": ["failure"]}]
    _prune(schema)
    _describe(definitions)
    _normalise(schema)
    what = f"{'A line of ' if name.endswith('l') else ''}{name} of sv_eval"
    return json.dumps({"$schema": _DRAFT, "title": what, **schema}, indent=1, ensure_ascii=False) + "\n"


def _of_our_own(kind: type) -> dict[str, Any]:
    if kind is Why:
        return {"type": "string", "description": "Why something is missing, or what to know about it."}
    if kind is Coded:
        return _CODED
    raise NotImplementedError(f"{kind.__name__} is no part of a file")


def _prune(schema: dict[str, Any]) -> None:
    """Leave out definitions that nothing leads to."""
    definitions, wanted = schema["$defs"], set[str]()
    waiting = [schema["$ref"].rpartition("/")[2]]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [reference.rpartition("/")[2] for reference in _references(definitions[name])]
    for name in set(definitions) - wanted:
        del definitions[name]


def _normalise(node: Any) -> None:
    """Make the text the same under every Python and msgspec that we run with.

    Newer Pythons keep docstrings without their indentation, newer msgspecs name defaults that are empty.
    """
    if isinstance(node, dict):
        if node.get("default") in ({}, []):
            del node["default"]
        if isinstance(node.get("description"), str):
            node["description"] = inspect.cleandoc(node["description"])
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _normalise(child)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _describe(definitions: dict[str, Any]) -> None:
    """Set in what the types' own docstrings say."""
    kinds = {name: kind for module in _MODULES for name, kind in _classes(module)}
    for name, definition in definitions.items():
        if name in kinds:
            told = {field: words for one in reversed(kinds[name].__mro__) for field, words in _told(one)}
            for field, property_ in definition.get("properties", {}).items():
                if field in told:
                    property_["description"] = told[field]


def _classes(module: ModuleType) -> Iterator[tuple[str, type]]:
    for name, thing in vars(module).items():
        if isinstance(thing, type) and thing.__module__ == module.__name__:
            yield name, thing


def _told(kind: type) -> Iterator[tuple[str, str]]:
    """A class's fields with the docstrings below them."""
    if not kind.__module__.startswith("sv_eval."):
        return
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):
        return
    (body,) = [node for node in ast.parse(textwrap.dedent(source)).body if isinstance(node, ast.ClassDef)]
    for field, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            words = ast.literal_eval(below.value) if isinstance(below.value, ast.Constant) else ""
            if isinstance(words, str) and words:
                yield field.target.id, " ".join(words.replace("None", "null").split())


def write_schemas() -> None:
    """Write all of them anew."""
    for name in FILES:
        schema_path(name).parent.mkdir(exist_ok=True)
        schema_path(name).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
