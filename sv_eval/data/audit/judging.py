"""The judgement on a corpus: from what was measured to findings. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.audit.duplicates import duplicates, same_ids
from sv_eval.data.audit.facts import AudioDefect, ClipFacts
from sv_eval.data.audit.finding import CODES, Finding, found
from sv_eval.data.audit.header import wrong_extension
from sv_eval.data.audit.leakage import leaks
from sv_eval.data.audit.path_labels import label_contradicts_path
from sv_eval.data.audit.settings import CheckSettings
from sv_eval.data.audit.splits import families_of
from sv_eval.data.corpus.completeness import Completeness
from sv_eval.data.corpus.notes import Note
from sv_eval.data.corpus.schema import Card
from sv_eval.data.corpus.unread import UnreadFile
from sv_eval.errors import nearest
from sv_eval.sound_facts import SOUND_FACTS
from sv_eval.sound_limits import LIMITS, clips_beyond, columns_of, worth_telling

_TROUBLES = {
    "truncated": "truncated",
    "empty": "empty",
    "too_long": "beyond_limits",
    "too_large": "beyond_limits",
    "wrong_scale": "wrong_scale",
    "cancelling": "cancelling",
}
"""Kinds of AudioError to codes; the others are unreadable."""
_FEWEST_FOR_ODD = 10
_TOLD_OTHERWISE = ("silent", "clipped")
"""Limits for which an audit has thresholds of its own, of single clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What lies below a corpus's root and is no clip."""

    unread: Sequence[UnreadFile] = ()
    """Files that hold audio or are called by it."""
    notes: Sequence[Note] = ()
    """What its reader noted."""


NOTHING_BESIDE = Beside()


def judge(
    clips: Sequence[ClipFacts],
    card: Card,
    settings: CheckSettings,
    limits: AudioLimits,
    whole: Completeness | None,
    beside: Beside = NOTHING_BESIDE,
) -> list[Finding]:
    """Everything that is wrong with the corpus or that a reader should know, the heaviest first.

    whole: how the corpus compares with the card's counts; None where only a part of it was opened. beside: what
    lies below its root and is no clip.
    """
    families = families_of(clips, card.splits)
    silent = frozenset(id(clip) for clip in clips if _is_silent(clip, settings))
    findings = [
        *unknown_labels(clips, card),
        *same_ids(clips),
        *_unreadable(clips),
        *_header_lies(clips),
        *_marks(clips),
        *_levels(clips, settings, silent),
        *duplicates(clips, families, silent),
        *leaks(clips, families, settings, parallel=bool(card.transcripts)),
        *label_contradicts_path(clips, card, settings.path_agreement),
        *(_counts(whole) if whole is not None else ()),
        *_lengths(clips, settings, limits),
        *_sound(clips),
        *_formats(clips, settings),
        *_speakers(clips, card),
        *found("unlabelled", (clip.case() for clip in clips if clip.label is None)),
        *_beside(beside),
    ]
    order = list(CODES)
    findings.sort(key=lambda finding: order.index(finding.code))
    return [
        Finding(code=one.code, cases=one.cases, values=one.values, allowed=one.code in settings.allow)
        for one in findings
    ]


def _beside(beside: Beside) -> Iterator[Finding]:
    """Audio that nobody looks at, and tables that aren't there or say less."""
    for code, reasons in (("strays", ("stray",)), ("unread_audio", ("unlisted", "other"))):
        cases = (
            {"path": one.path, "content": one.content, "misnamed": one.misnamed}
            for one in beside.unread
            if one.why in reasons
        )
        yield from found(code, cases)
    told = (note for note in beside.notes if note.code in ("companion_absent", "companion_partial"))
    yield from found("companions", (dict(note.values) for note in told))


def unknown_labels(clips: Sequence[ClipFacts], card: Card) -> list[Finding]:
    """Every label that the card's map doesn't hold, with its clips counted and the nearest known one."""
    counts = Counter(clip.label for clip in clips if clip.label is not None and clip.emotion is None)
    example = {clip.label: clip.path for clip in reversed(clips)}
    cases = [
        {"label": label, "n": n, "example": example[label], "advice": nearest(label, card.words.map)}
        for label, n in counts.most_common()
    ]
    return found("unknown_label", cases)


def _unreadable(clips: Sequence[ClipFacts]) -> Iterator[Finding]:
    by_code: defaultdict[str, list[dict[str, object]]] = defaultdict(list)
    for clip in clips:
        if isinstance(clip.audio, AudioDefect):
            code = _TROUBLES.get(clip.audio.kind, "unreadable")
            by_code[code].append(clip.case(kind=clip.audio.kind, message=clip.audio.message))
        elif clip.audio is not None and "cancelling" in clip.audio.marks:
            message = "the mix of its channels is far quieter than they are"
            by_code["cancelling"].append(clip.case(kind="cancelling", message=message))
    for code, cases in by_code.items():
        yield from found(code, cases)


def _header_lies(clips: Sequence[ClipFacts]) -> list[Finding]:
    cases = [
        clip.case(field=one.field, stated=one.stated, other=one.other)
        for clip in clips
        if clip.audio_facts is not None
        for one in clip.audio_facts.contradictions
    ]
    return found("header_lies", cases)


def _marks(clips: Sequence[ClipFacts]) -> Iterator[Finding]:
    """What a run would say of the clips' audio, too."""
    for code in ("tells_less", "joined", "unfinished"):
        cases = [
            clip.case(duration_s=facts.duration_s)
            for clip in clips
            if (facts := clip.audio_facts) is not None
            and code in facts.marks
            # A wav's own figures say more than that there is more.
            and not (code == "tells_less" and any(one.field == "frames" for one in facts.contradictions))
        ]
        yield from found(code, cases)


def _is_silent(clip: ClipFacts, settings: CheckSettings) -> bool:
    facts = clip.audio_facts
    return facts is not None and (facts.loudest_dbfs is None or facts.loudest_dbfs < settings.silence_dbfs)


def _levels(clips: Sequence[ClipFacts], settings: CheckSettings, silent: frozenset[int]) -> Iterator[Finding]:
    quiet = [clip for clip in clips if id(clip) in silent]
    yield from found(
        "silent", (clip.case(dbfs=clip.audio_facts.loudest_dbfs) for clip in quiet if clip.audio_facts)
    )
    clipped = [
        clip.case(share=facts.full_scale_share, run=facts.longest_run)
        for clip in clips
        if (facts := clip.audio_facts) is not None
        and facts.full_scale_share >= settings.clipped_share
        and facts.longest_run >= settings.clipped_run
    ]
    yield from found("clipped", clipped)


def _lengths(clips: Sequence[ClipFacts], settings: CheckSettings, limits: AudioLimits) -> Iterator[Finding]:
    short, long = [], []
    for clip in clips:
        if clip.audio_facts is None:
            continue
        length_s = clip.audio_facts.duration_s
        if length_s < max(settings.shortest_s, limits.min_duration_s):
            short.append(clip.case(duration_s=length_s))
        elif length_s > settings.longest_s:
            long.append(clip.case(duration_s=length_s))
    yield from found("too_short", short, shortest_s=settings.shortest_s)
    yield from found("too_long", long, longest_s=settings.longest_s)


def _sound(clips: Sequence[ClipFacts]) -> Iterator[Finding]:
    """Sound that speech models were not made for, wherever a run would say so."""
    heard = [(clip, facts.sound) for clip in clips if (facts := clip.audio_facts) is not None and facts.sound]
    columns = columns_of(
        {
            name: np.array([math.nan if (value := getattr(sound, name)) is None else value for _, sound in heard])
            for name in SOUND_FACTS
        }
    )
    beyond = clips_beyond(columns)
    for word in worth_telling({word: (int(there.sum()), len(heard)) for word, there in beyond.items()}):
        if word in _TOLD_OTHERWISE:
            continue
        limit, there = LIMITS[word], beyond[word]
        column = columns[limit.fact]
        cases = (heard[place][0].case(value=float(column[place])) for place in np.flatnonzero(there))
        yield from found(
            f"sound_{word}", cases, limit=limit.value, of=len(heard), median=float(np.nanmedian(column))
        )


def _formats(clips: Sequence[ClipFacts], settings: CheckSettings) -> Iterator[Finding]:
    """Files that aren't what their name says, and the few that are unlike all others."""
    decoded = [(clip, clip.audio_facts) for clip in clips if clip.audio_facts is not None]
    misnamed = [(clip, facts) for clip, facts in decoded if wrong_extension(clip.path, facts.container)]
    yield from found("wrong_extension", (clip.case(container=facts.container) for clip, facts in misnamed))
    told = {id(clip) for clip, _ in misnamed} | {id(clip) for clip, facts in decoded if facts.contradictions}
    like = Counter((facts.container, facts.rate_hz, facts.channels) for _, facts in decoded)
    if len(decoded) < _FEWEST_FOR_ODD:
        return
    usual = like.most_common(1)[0][0]
    odd = {kind for kind, n in like.items() if n <= settings.odd_share * len(decoded)}
    if sum(like[kind] for kind in odd) > settings.odd_share * len(decoded):
        return
    cases = [
        clip.case(container=facts.container, rate_hz=facts.rate_hz, channels=facts.channels)
        for clip, facts in decoded
        if (facts.container, facts.rate_hz, facts.channels) in odd and id(clip) not in told
    ]
    yield from found("odd_format", cases, container=usual[0], rate_hz=usual[1], channels=usual[2])


def _counts(whole: Completeness) -> Iterator[Finding]:
    """Raw labels and speakers of which there are more or fewer clips than the card expects."""
    labels = [{"label": raw, "found": n, "expected": wanted} for raw, (n, wanted) in whole.by_label.items()]
    yield from found("counts_differ", labels, found=whole.found, expected=whole.expected, edition=whole.edition)
    speakers = [
        {"speaker": name, "found": n, "expected": wanted} for name, (n, wanted) in sorted(whole.by_speaker.items())
    ]
    yield from found("speaker_counts_differ", speakers)


def _speakers(clips: Sequence[ClipFacts], card: Card) -> list[Finding]:
    counts = Counter(
        clip.speaker for clip in clips if clip.speaker is not None and clip.speaker not in card.speakers
    )
    cases = [{"speaker": name, "n": n} for name, n in sorted(counts.items())]
    return found("unlisted_speaker", cases if card.speakers else ())
