"""The gate's report: Markdown for a pull request, and JUnit XML for a CI server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from sv_eval.config.overrides import as_word
from sv_eval.foreign_text import cell, each_text, inert, visible
from sv_eval.report.identity import differences
from sv_eval.report.reasons import Why
from sv_eval.report.verdict import GateResult, RuleResult, Verdict
from sv_eval.reports.markdown import template
from sv_eval.reports.suite import points
from sv_eval.reports.wording import Wording, p_value, share

_MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔"}
_CLIPS = 20
ERRORS = ("ece", "aurc", "brier", "log_loss")
SCORE_FIGURES = (*ERRORS, "average_precision", "precision")
"""What rules on scores are of."""


def render_gate(found: GateResult, language: str = "en") -> str:
    """The report on a verdict, in `language` (`en` or `zh`)."""
    words, found = Wording(language), each_text(found, inert)
    rows = [
        (rule.verdict, _MARKS[rule.verdict], title(words, rule.name), sentence(words, rule)) for rule in found.rules
    ]
    kept = [row[1:] for row in rows if row[0] is Verdict.PASS]
    return template("gate.md.j2").render(
        w=words,
        g=found,
        candidate=found.candidate.told,
        baseline=None if found.baseline is None else found.baseline.told,
        mark=_MARKS[found.verdict],
        worst=title(words, found.worst.name) if found.worst else "",
        broken=[row[1:] for row in rows if row[0] is not Verdict.PASS],
        kept=kept,
        settings=_settings(found),
        clips=found.changed_clips[:_CLIPS],
        more=max(0, len(found.changed_clips) - _CLIPS),
    )


def _settings(found: GateResult) -> list[tuple[str, str, str]]:
    """The backend's settings that differ: name, the baseline's value, the candidate's."""
    before = None if found.baseline is None else found.baseline.identity.get("settings")
    after = found.candidate.identity.get("settings")
    if before is None or after is None:
        return []
    return [(name, as_word(was), as_word(now)) for name, was, now in differences(before, after)]


def render_junit(found: GateResult) -> str:
    """JUnit XML with a test case for each rule: a failed one is a failure, an inconclusive one an error."""
    words, found = Wording("en"), each_text(found, visible)
    verdicts = [rule.verdict for rule in found.rules]
    gate = found.gate
    suite = ElementTree.Element(
        "testsuite",
        name=f"sv_eval.gate.{gate}",
        tests=str(len(verdicts)),
        failures=str(verdicts.count(Verdict.FAIL)),
        errors=str(verdicts.count(Verdict.INCONCLUSIVE)),
        skipped="0",
    )
    for rule in found.rules:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{gate}", name=rule.name)
        text = sentence(words, rule)
        if rule.verdict is not Verdict.PASS:
            kind = "failure" if rule.verdict is Verdict.FAIL else "error"
            ElementTree.SubElement(case, kind, type=rule.reason, message=text).text = text
        else:
            ElementTree.SubElement(case, "system-out").text = text
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def title(words: Wording, rule: str) -> str:
    """What a rule is about: `UAR against the baseline`."""
    kind, _, rest = rule.partition(":")
    name, _, label = rest.partition(":")
    if kind == "share" or name == "coverage":
        what = words("gate.failed_of", label=words.emotion(label)) if label else words(f"gate.shares.{name}")
        return words(f"gate.kinds.{kind}", what=what)
    if kind == "drop":
        return words("gate.mean_drop") if rest == "mean" else words("gate.kinds.drop", what=cell(rest))
    if label and kind == "integrity":
        return words(f"gate.integrity.{name}", what=cell(label))
    if name == "ccc":
        return words(f"gate.kinds.{kind}", what=_concordance(words, label))
    if name == "soft":
        known = words.has(f"gate.soft.{label}")
        return words(f"gate.kinds.{kind}", what=words(f"gate.soft.{label}") if known else cell(label))
    if name in SCORE_FIGURES:
        what = words(f"gate.scores.{name}", label=words.emotion(label)) if label else words(f"gate.scores.{name}")
        return words(f"gate.score_kinds.{kind}", what=what)
    if name == "worst_group":
        known = words.has(f"fairness.attributes.{label}")
        attribute = words(f"fairness.attributes.{label}") if known else cell(label)
        return words("gate.worst_group", attribute=attribute.lower())
    if label:
        return words(f"gate.kinds.{kind}", what=words("gate.recall_of", label=words.emotion(label)))
    if kind == "integrity":
        return words(f"gate.integrity.{name}")
    return words(f"gate.kinds.{kind}", what=words(f"rows.{name}"))


def sentence(words: Wording, rule: RuleResult) -> str:
    """Why a rule ended as it did, on one line."""
    own = "concordance" if _of_concordance(rule) else "rise" if _of_errors(rule) else "reasons"
    group = own if words.has(f"gate.{own}.{rule.reason}") else "reasons"
    return " ".join(cell(words(f"gate.{group}.{rule.reason}", **_values(words, rule))).split())


def _of_concordance(rule: RuleResult) -> bool:
    return rule.name.split(":")[1:2] == ["ccc"]


def _of_errors(rule: RuleResult) -> bool:
    """Whether it is of an error of scores, which has no unit."""
    return rule.name.split(":")[1:2] != [] and rule.name.split(":")[1] in ERRORS


def _concordance(words: Wording, name: str) -> str:
    known = words.has(f"dimensions.names.{name}")
    return words(
        "gate.concordance_of", dimension=words(f"dimensions.names.{name}").lower() if known else cell(name)
    )


def _values(words: Wording, rule: RuleResult) -> dict[str, Any]:
    """A rule's values as a sentence shows them."""
    kind, values = rule.name.partition(":")[0], rule.values
    shown = {key: _shown(value) for key, value in values.items()}
    shown |= _in_units(kind, rule)
    why = values.get("why")
    if isinstance(why, Why):
        shown["why"] = words.why(why)
    return shown | {
        "p": p_value(rule.p),
        "p_adjusted": p_value(rule.p_adjusted),
        "group": _group(words, values.get("group")),
        "alone": p_value(values.get("alone")),
        "missing": words("gate.missing", n=values["missing"]) if values.get("missing") else "",
        "beside": _beside(words, values) if kind in ("ratio", "ceiling") and not _of_errors(rule) else "",
        "needed": words("gate.needed", n=rule.needed) if rule.needed else "",
    }


def _group(words: Wording, name: object) -> str:
    return words(f"fairness.groups.{name}") if words.has(f"fairness.groups.{name}") else cell(name or "")


def _in_units(kind: str, rule: RuleResult) -> dict[str, str]:
    """The numbers of a rule in the units of its kind."""
    known = {key: value for key, value in rule.values.items() if _is_number(value)}
    ways: dict[str, Callable[[float], str]] = {}
    if _of_concordance(rule):
        ways |= dict.fromkeys(("before", "after", "floor", "margin"), lambda value: f"{value:.3f}")
        ways |= {"value": lambda value: f"{value:.3f}" if kind == "floor" else f"{value:+.3f}"}
        ways |= {"low": lambda value: f"{value:+.3f}", "limit": share}
    elif _of_errors(rule):
        ways |= dict.fromkeys(("before", "after", "ceiling", "margin"), lambda value: f"{value:.3f}")
        ways |= {"value": lambda value: f"{value:.3f}" if kind == "ceiling" else f"{value:+.3f}"}
        ways |= {"high": lambda value: f"{value:+.3f}"}
    elif rule.reason == "contention":
        ways |= dict.fromkeys(("taken", "limit"), share)
    elif kind in ("margin", "share"):
        ways |= dict.fromkeys(("before", "after"), share) | dict.fromkeys(("value", "low", "high"), points)
        ways |= {"margin": lambda margin: f"{100 * margin:g}"}
    elif kind == "drop":
        ways |= dict.fromkeys(("before", "after", "value", "low"), points)
        ways |= {"margin": lambda margin: f"{100 * margin:g}"}
    elif kind == "floor":
        ways |= dict.fromkeys(("value", "floor"), share)
    elif kind == "ceiling":
        ways |= dict.fromkeys(("value", "ceiling"), _milliseconds)
    elif kind == "ratio":
        ways |= dict.fromkeys(("before", "after"), _milliseconds)
        ways |= dict.fromkeys(("value", "high", "low", "limit"), lambda factor: f"{factor:.3f}")
    return {key: way(known[key]) for key, way in ways.items() if key in known}


def _beside(words: Wording, values: Mapping[str, Any]) -> str:
    """What clean calls alone took, where that is something else than what callers waited."""
    if _is_number(values.get("clean")) and values["clean"] != values.get("value"):
        return words("gate.beside_one", clean=_milliseconds(values["clean"]))
    clean = [values.get(f"clean_{key}") for key in ("before", "after")]
    if all(map(_is_number, clean)) and clean != [values.get("before"), values.get("after")]:
        return words("gate.beside", before=_milliseconds(clean[0]), after=_milliseconds(clean[1]))
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g} ms"


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
