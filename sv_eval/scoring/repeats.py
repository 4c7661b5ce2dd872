"""What several rounds over the same clips say: are the answers the same each time?"""

from __future__ import annotations

from sv_eval.record_file.table import RecordTable
from sv_eval.report.latency import ChangedClip, Repeats

_EXAMPLES = 5


def repeats_of(requests: RecordTable) -> Repeats:
    """How many requests were repeats, and the clips whose answer was not the same each time.

    A failed request says nothing about the answer and is left out.
    """
    answers: dict[str, frozenset[str]] = {}
    for clip_id, code, failed in zip(requests.clip_ids, requests.predicted, requests.failed, strict=True):
        if not failed:
            answers[clip_id] = answers.get(clip_id, frozenset()) | {requests.class_codes.answers[code]}
    changed = [(clip_id, sorted(found)) for clip_id, found in answers.items() if len(found) > 1]
    return Repeats(
        requests=int((requests.round > 0).sum()),
        clips_changed=len(changed),
        examples=tuple(ChangedClip(clip=clip_id, answers=tuple(found)) for clip_id, found in changed[:_EXAMPLES]),
    )
