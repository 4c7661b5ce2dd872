"""How many clips have something about their audio that a reader should know."""

from __future__ import annotations

from sv_eval.record_file.table import RecordTable
from sv_eval.records import AUDIO_MARKS
from sv_eval.report.report import MarkedClips


def marked_clips(answers: RecordTable) -> dict[str, MarkedClips]:
    """What was met in the clips' audio to how many clips, with the first by id; empty where there is nothing."""
    found: dict[str, MarkedClips] = {}
    for mark in AUDIO_MARKS:
        places = [place for place, marks in answers.marks.items() if mark in marks]
        if places:
            found[mark] = MarkedClips(count=len(places), example=answers.clip_ids[min(places)])
    return found
