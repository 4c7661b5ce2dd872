"""Why a figure is missing, or what to know about it: a code with values, and the words that it has in our files.

Whoever finds something out gives a code; renderers word it in their language. `metrics.json` holds the English
words, so that people who open it understand it; `Why.read` leads from those words back to the code. Both directions
come from the one table below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NoReturn

TEMPLATES: Mapping[str, str] = {
    "too_few": "n too small: {n} of {needed}",
    "too_few_calls": "n too small: {n} calls of {needed}",
    "too_few_clips": "n too small: {n} calls, by repeats of the same clips worth {worth} of {needed}",
    "these_clips": "of these {clips} clips alone, which are too few to speak of others",
    "unbounded": "no order statistic bounds it at this confidence",
    "no_pairs": "no clip was answered by both runs",
    "not_in_both": "no clip of it counts in both runs",
    "one_unbounded": "no order statistic bounds one of the percentiles at this confidence",
    "zero_percentile": "a percentile is 0 ms: there is no ratio",
    "fell_behind": "the load generator fell behind its plan",
    "no_clean_record": "no clean record",
    "no_clean_audio": "no clean record with a known audio length",
    "shared_calls": "clips of several lengths may share a call",
    "overlapping_calls": "several calls were in flight at once",
    "no_request_timed": "no request was timed",
    "killed": "a start of this run was killed before it could note its time",
    "nothing_in_set": "no clip with a reference emotion in the label set has an answer",
    "no_forced_label": "no record has a forced label",
    "never_predicted": "never predicted: {label}",
    "none_answered": "no answered clip of {labels}",
    "none_scored": "no scored clip of {label}",
    "nothing_answered": "no answered clip",
    "mean_without": "mean without {labels}: no scored clip",
    "no_spread_of": "{labels}: no spread can be seen, so taken as anywhere from 0 to 1",
    "one_unit": "one {unit} only: no spread can be seen",
    "few_speakers_of": "{n} speakers on the {side} side, of {needed} at least",
    "few_labelled": "an emotion has fewer than {needed} labelled clips, or one speaker alone",
    "not_told_apart": "emotions are told apart too little: condition {condition}, {most} at most",
    "no_tokens_told": "the service tells no tokens",
    "units_alike": "all {unit}s alike: no spread can be seen",
    "few_units": "{share} of resamples have no value: too few {unit}s have these clips",
    "effective_clips": "every resample gives {value}; bounds from {n} effective clips",
    "no_clip_scored": "no clip scored",
    "labels_missing": "not every scored label occurs",
    "no_example": "no clip of it has an answer",
    "nothing_scored": "no clip was scored",
    "nothing_to_compare": "nothing to compare",
    "baseline_loses_nothing": "the baseline loses nothing: there is no ratio",
    "no_error": "no error at all: no spread can be seen",
    "no_transcripts": "the corpus has no transcripts",
    "no_text": "the recogniser gives no text",
    "no_measure": "no clip in a language that it is for and that the recogniser knows",
    "no_cross": "no clip has both a scored emotion and words in a language that the recogniser knows",
    "no_rater_pairs": "no clip has two raters whose votes are counted",
    "one_class_voted": "all votes are for one class: there is nothing to agree on",
    "no_distribution": "no answer has scores to hold against the raters",
    "no_stages": "a side shows no stages",
    "not_looked_into": "no clip could be looked into",
    "one_clip_a_call": "the backend takes one clip a call",
    "short_clock": "measured for less than {needed} s, too short to tell",
    "no_counters": "the system has no counters of processor time",
    "served_here": "the service answers from this very machine, and its work can't be told from that of others",
    "constant_answers": "all answers are the same",
    "constant_references": "all references are the same",
    "nothing_to_agree_on": "all references and all answers are the same value: there is nothing to agree on",
    "no_reference_of": "the corpus has no references of {dimension} with a declared range",
    "no_range_of": "the recogniser tells {dimension} and does not declare its range",
    "no_answer_of": "no clip with a reference of {dimension} has an answer of it",
    "said": "{text}",
}
"""Every code and its words. `said` stands for words without a known code, as other versions may have written."""

_KINDS: Mapping[str, Callable[[str], Any]] = {
    "n": int,
    "needed": int,
    "worth": int,
    "clips": int,
    "labels": lambda text: tuple(text.split(", ")),
}
_BETWEEN = "; "
_NEXT = re.escape(_BETWEEN)


class Coded:
    """Something to be said: a code, and the values that its sentence is filled with. Immutable."""

    __slots__ = ("code", "values")

    code: str
    """A stable word in snake_case; the renderers hold the sentences."""
    values: Mapping[str, Any]
    """Plain data by name."""

    def __init__(self, code: str, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "values", MappingProxyType({**(values or {}), **more}))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name}: what was said stays as it is")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Coded) and (self.code, self.values) == (other.code, other.values)

    def __hash__(self) -> int:
        return hash(self.code)

    def __repr__(self) -> str:
        return f"Coded({self.code!r}, {dict(self.values)!r})"

    def __reduce__(self) -> tuple[type[Coded], tuple[str, dict[str, Any]]]:
        return Coded, (self.code, dict(self.values))


class Why:
    """One or several reasons, in order.

    >>> str(Why.of("too_few", n=40, needed=130))
    'n too small: 40 of 130'
    >>> Why.read("n too small: 40 of 130").reasons
    (Coded('too_few', {'n': 40, 'needed': 130}),)
    """

    __slots__ = ("reasons",)

    reasons: tuple[Coded, ...]
    """At least one."""

    def __init__(self, reasons: Iterable[Coded]) -> None:
        object.__setattr__(self, "reasons", tuple(reasons))

    @classmethod
    def of(cls, code: str, **values: Any) -> Why:
        """A single reason; raises KeyError for a code or value that has no words."""
        why = cls([Coded(code, values)])
        str(why)
        return why

    @classmethod
    def read(cls, text: str) -> Why:
        """The reasons that these words stand for; words that nobody knows stay what they are."""
        found: list[Coded] = []
        place = 0
        while place < len(text) or not found:
            matches = [(match, code) for code, words in _patterns() if (match := words.match(text, place))]
            if not matches:
                return cls([Coded("said", text=text)])
            match, code = max(matches, key=lambda one: one[0].end())
            values = {name: _KINDS.get(name, str)(value) for name, value in match.groupdict().items()}
            found.append(Coded(code, values))
            place = match.end() + len(_BETWEEN)
        return cls(found)

    @property
    def codes(self) -> tuple[str, ...]:
        """The reasons' codes."""
        return tuple(reason.code for reason in self.reasons)

    def __str__(self) -> str:
        return _BETWEEN.join(map(english, self.reasons))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name}: a reason stays as it is")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Why) and self.reasons == other.reasons

    def __hash__(self) -> int:
        return hash(self.reasons)

    def __repr__(self) -> str:
        return f"Why({list(self.reasons)!r})"

    def __reduce__(self) -> tuple[type[Why], tuple[tuple[Coded, ...]]]:
        return Why, (self.reasons,)


def english(reason: Coded) -> str:
    """The words of one reason in our files."""
    values = {key: ", ".join(value) if isinstance(value, tuple) else value for key, value in reason.values.items()}
    return TEMPLATES[reason.code].format(**values)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What each code's words look like, up to the next reason's."""
    found = []
    for code, words in TEMPLATES.items():
        if code != "said":
            parts = re.split(r"\{(\w+)\}", words)
            named = [
                f"(?P<{part}>{_shape(part)})" if odd % 2 else re.escape(part) for odd, part in enumerate(parts)
            ]
            found.append((code, re.compile("".join(named) + rf"(?={_NEXT}.|\Z)")))
    return tuple(found)


def _shape(name: str) -> str:
    # Without the separator: of two reasons the second could otherwise take the first for its value.
    return "0|[1-9][0-9]*" if _KINDS.get(name) is int else f"(?:(?!{_NEXT}).)+?"
