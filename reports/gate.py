"""The gate's report: Markdown for a pull request, and JUnit XML for a CI server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from reports.markdown import template
from reports.suite import points
from reports.wording import Wording, cell, p_value, share
from sv_eval.command_line import as_word
from sv_eval.run.identity import differences

_MARKS = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}
_CLIPS = 20
_WORST = 3


def render_gate(found: Mapping[str, Any], language: str = "en") -> str:
    """The report on what gate.json holds, in `language` (`en` or `zh`)."""
    words = Wording(language)
    rules = [
        (_MARKS[rule["verdict"]], title(words, rule["rule"]), sentence(words, rule)) for rule in found["rules"]
    ]
    worst = [
        f"{title(words, rule['rule'])}: {sentence(words, rule)}"
        for rule in found["rules"]
        if rule["verdict"] == found["verdict"] != "pass"
    ]
    return template("gate.md.j2").render(
        w=words,
        g=found,
        mark=_MARKS[found["verdict"]],
        rules=rules,
        worst=worst[:_WORST],
        more_worst=max(0, len(worst) - _WORST),
        settings=_settings(found),
        clips=found["newly_wrong"][:_CLIPS],
        more=max(0, len(found["newly_wrong"]) - _CLIPS),
    )


def _settings(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The backend's settings that differ: name, the baseline's value, the candidate's."""
    before, after = ((found[side] or {}).get("settings") for side in ("baseline", "candidate"))
    if before is None or after is None:
        return []
    return [(name, as_word(was), as_word(now)) for name, was, now in differences(before, after)]


def render_junit(found: Mapping[str, Any]) -> str:
    """JUnit XML with a test case for each rule: a failed one is a failure, an inconclusive one an error."""
    words = Wording("en")
    verdicts = [rule["verdict"] for rule in found["rules"]]
    suite = ElementTree.Element(
        "testsuite",
        name=f"sv_eval.gate.{found['gate']}",
        tests=str(len(verdicts)),
        failures=str(verdicts.count("fail")),
        errors=str(verdicts.count("inconclusive")),
        skipped="0",
    )
    for rule in found["rules"]:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{found['gate']}", name=rule["rule"])
        text = sentence(words, rule)
        if rule["verdict"] != "pass":
            kind = "failure" if rule["verdict"] == "fail" else "error"
            ElementTree.SubElement(case, kind, type=rule["reason"], message=text).text = text
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
    if label:
        return words(f"gate.kinds.{kind}", what=words("gate.recall_of", label=words.emotion(label)))
    if kind == "integrity":
        return words(f"gate.integrity.{name}")
    return words(f"gate.kinds.{kind}", what=words(f"rows.{name}"))


def sentence(words: Wording, rule: Mapping[str, Any]) -> str:
    """Why a rule ended as it did, on one line."""
    return cell(words(f"gate.reasons.{rule['reason']}", **_values(words, rule)))


def _values(words: Wording, rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule's values as a sentence shows them."""
    kind = rule["rule"].partition(":")[0]
    shown = {key: _shown(value) for key, value in rule.items()}
    if kind in ("margin", "floor"):
        shown |= {key: share(rule.get(key)) for key in ("before", "after", "floor") if key in rule}
        shown |= {key: points(rule.get(key)) for key in ("value", "low") if key in rule}
        if kind == "floor":
            shown["value"] = share(rule.get("value"))
        if rule.get("margin") is not None:
            shown["margin"] = f"{100 * rule['margin']:g}"
    if kind in ("ratio", "ceiling"):
        shown |= {
            key: _milliseconds(rule.get(key)) for key in ("before", "after", "ceiling") if _is_number(rule.get(key))
        }
        shown |= {key: f"{rule[key]:.3f}" for key in ("value", "high", "low", "limit") if _is_number(rule.get(key))}
        if kind == "ceiling":
            shown["value"] = _milliseconds(rule.get("value"))
    for key in ("p", "p_adjusted"):
        shown[key] = p_value(rule.get(key))
    if isinstance(rule.get("why"), str):
        shown["why"] = words.reason(rule["why"]) or rule["why"]
    shown["needed"] = words("gate.needed", n=rule["needed"]) if rule.get("needed") else ""
    return shown


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
