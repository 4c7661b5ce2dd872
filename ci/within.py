"""Text that fits where it is put: GitHub takes 1 MiB for a step's summary and 65,536 characters for a comment."""

from __future__ import annotations

SUMMARY_BYTES = 1024 * 1024
COMMENT_BYTES = 65_536


def within(text: str, room: int, whole: str) -> str:
    """The text in at most `room` bytes: where it is longer, cut behind a line and told where the `whole` is."""
    if len(text.encode()) <= room:
        return text
    sentence = f"\n\n*Cut here: there is room for {room // 1024} KiB. The whole is in {whole}.*\n"
    # What is open where the cut falls is closed behind it: a fence of code, and what is folded.
    kept = text.encode()[: room - len(sentence.encode()) - _CLOSING].decode(errors="ignore")
    kept = kept[: kept.rfind("\n") + 1] or kept
    if sum(line.startswith("```") for line in kept.splitlines()) % 2:
        kept += "```\n"
    folded = min(kept.count("<details") - kept.count("</details"), _FOLDS)
    return kept + "</details>\n" * folded + sentence


_FOLDS = 20
_CLOSING = len("```\n") + _FOLDS * len("</details>\n")
