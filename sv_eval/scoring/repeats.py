"""What several rounds over the same clips say: are the answers the same each time?"""

from __future__ import annotations

from typing import Any

from sv_eval.scoring.table import RecordTable, first_id

_EXAMPLES = 5


def repeats_of(timing: RecordTable) -> dict[str, Any]:
    """How many requests were repeats, and the clips whose answer was not the same each time.

    A failed request says nothing about the answer and is left out.
    """
    answers: dict[str, set[str]] = {}
    repeats = 0
    for key, code, failed in zip(timing.clip_ids, timing.predicted, timing.failed, strict=True):
        clip_id = first_id(key)
        repeats += clip_id != key
        if not failed:
            answers.setdefault(clip_id, set()).add(timing.words.answers[code])
    changed = [(clip_id, sorted(found)) for clip_id, found in answers.items() if len(found) > 1]
    return {
        "requests": repeats,
        "clips_changed": len(changed),
        "examples": [{"clip": clip_id, "answers": found} for clip_id, found in changed[:_EXAMPLES]],
    }
