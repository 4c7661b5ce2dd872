"""What an audit finds: codes with their weight, and the clips, speakers or texts they are about.

A finding is a code with values; the renderers hold the sentences, one per language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "information"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "information")

CODES: Mapping[str, Severity] = {
    "unknown_label": "error",
    "same_id": "error",
    "unreadable": "error",
    "truncated": "error",
    "empty": "error",
    "beyond_limits": "error",
    "wrong_scale": "error",
    "header_lies": "error",
    "tells_less": "error",
    "silent": "error",
    "cancelling": "error",
    "duplicate_conflict": "error",
    "duplicate_leak": "error",
    "speaker_leak": "error",
    "label_contradicts_path": "error",
    "counts_differ": "warning",
    "speaker_counts_differ": "warning",
    "duplicate": "warning",
    "too_short": "warning",
    "too_long": "warning",
    "clipped": "warning",
    "sound_narrow": "warning",
    "sound_fast": "warning",
    "sound_noisy": "warning",
    "sound_background": "warning",
    "sound_quiet": "warning",
    "sound_padded": "warning",
    "sound_offset": "warning",
    "wrong_extension": "warning",
    "odd_format": "warning",
    "joined": "warning",
    "unfinished": "warning",
    "strays": "warning",
    "unlisted_speaker": "warning",
    "speakers_shared": "warning",
    "text_leak": "warning",
    "label_drift": "warning",
    "texts_shared": "information",
    "unlabelled": "information",
    "unread_audio": "information",
    "companions": "information",
}
"""Every code and its weight, in the order of a report. A figure made on a corpus with an error is in doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of defect, with all that has it."""

    code: str
    """One of CODES."""
    cases: tuple[Mapping[str, Any], ...]
    """What has the defect, each as plain data: a clip, a speaker, a text, a label."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What holds for all of them; plain data."""
    allowed: bool = False
    """Whether the user knows of it, so that it doesn't fail the audit."""

    @property
    def severity(self) -> Severity:
        """How much it weighs."""
        return CODES[self.code]

    @property
    def fails(self) -> bool:
        """Whether it fails the audit."""
        return self.severity == "error" and not self.allowed

    def to_json(self) -> dict[str, Any]:
        """As `audit.json` holds it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "allowed": self.allowed,
            "n": len(self.cases),
            "values": dict(self.values),
            "cases": [dict(case) for case in self.cases],
        }


def found(code: str, cases: Iterable[Mapping[str, Any]], **values: Any) -> list[Finding]:
    """A list of one finding; empty where there is no case."""
    kept = tuple(cases)
    return [Finding(code=code, cases=kept, values=values)] if kept else []
