"""What splits share that are meant to be apart: speakers, and the words spoken."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from sv_eval.data.audit.drift import label_drift
from sv_eval.data.audit.facts import ClipFacts
from sv_eval.data.audit.finding import Finding, found
from sv_eval.data.audit.settings import CheckSettings
from sv_eval.data.audit.splits import split_in

_NOBODY = frozenset({"unknown", "unk", "n/a", "na", "none", "-", "?"})
"""Names that many speakers share."""
_BY_DESIGN = 0.5
"""Splits of which more than this share is in common weren't made to keep it apart."""
_HALF_A_WORD = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
"""Thai, kana and Chinese characters: no blanks tell their words."""
Held = Mapping[str, Counter[str]]
"""Speaker or text to its clips by split."""


def leaks(
    clips: Sequence[ClipFacts], families: Sequence[tuple[str, ...]], settings: CheckSettings, *, parallel: bool
) -> list[Finding]:
    """Everything that crosses the borders between splits.

    parallel: whether the corpus is known to have the same sentences said by everybody.
    """
    findings: list[Finding] = []
    for family in families:
        findings += _speakers(clips, family)
        findings += _texts(clips, family, settings, parallel)
        findings += _labels(clips, family, settings)
    return findings


def _speakers(clips: Sequence[ClipFacts], family: tuple[str, ...]) -> Iterator[Finding]:
    """Speakers in two splits: a slip where they are few, a choice where most clips are theirs."""
    held, sizes = _held(clips, family, {id(clip): _speaker(clip) for clip in clips})
    slipped: dict[str, None] = {}
    shared_by_design: list[dict[str, Any]] = []
    for one, other in combinations(family, 2):
        both = [name for name, splits in held.items() if splits[one] and splits[other]]
        shares = [sum(held[name][split] for name in both) / max(sizes[split], 1) for split in (one, other)]
        if both and max(shares) > _BY_DESIGN:
            counts = [sum(1 for splits in held.values() if splits[split]) for split in (one, other)]
            shared_by_design.append({"one": one, "other": other, "n": len(both), "of": min(counts)})
        else:
            slipped |= dict.fromkeys(both)
    yield from found("speaker_leak", [{"speaker": name, "splits": dict(held[name])} for name in slipped])
    yield from found("speakers_shared", shared_by_design)


def _texts(
    clips: Sequence[ClipFacts], family: tuple[str, ...], settings: CheckSettings, parallel: bool
) -> Iterator[Finding]:
    """Sentences in two splits; for a corpus of few sentences that is how it was made."""
    keys = {id(clip): _text(clip, settings.text_words) for clip in clips}
    held, sizes = _held(clips, family, keys)
    both = [text for text, splits in held.items() if len(splits) > 1]
    if not both:
        return
    share = max(sum(held[text][split] for text in both) / sizes[split] for split in family if sizes[split])
    if parallel or share > _BY_DESIGN:
        yield from found(
            "texts_shared", [{"splits": list(family), "n": len(both), "of": len(held), "share": share}]
        )
        return
    spoken = {keys[id(clip)]: clip.transcript for clip in reversed(clips)}
    yield from found("text_leak", [{"text": spoken[text], "splits": dict(held[text])} for text in both])


def _labels(clips: Sequence[ClipFacts], family: tuple[str, ...], settings: CheckSettings) -> Iterator[Finding]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in family}
    for clip in clips:
        split = split_in(clip, family)
        if split is not None and clip.label is not None:
            counts[split][clip.label] += 1
    drift = label_drift(counts)
    if drift is None or drift.p >= settings.drift_p or drift.v < settings.drift_v:
        return
    totals = {split: sum(labels.values()) for split, labels in counts.items()}
    labels = sorted({label for split in counts.values() for label in split})
    cases = [
        {
            "label": label,
            "shares": {split: counts[split][label] / totals[split] for split in family if totals[split]},
        }
        for label in labels
    ]
    cases.sort(key=lambda case: -_spread(case["shares"]))
    yield from found("label_drift", cases, splits=list(family), p=drift.p, v=drift.v, chi2=drift.chi2, df=drift.df)


def _spread(shares: Any) -> float:
    return float(max(shares.values()) - min(shares.values()))


def _held(
    clips: Sequence[ClipFacts], family: tuple[str, ...], keys: Mapping[int, str | None]
) -> tuple[Held, Counter[str]]:
    """Clips by key and split, and by split alone; clips without a key are left out."""
    held: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sizes: Counter[str] = Counter()
    for clip in clips:
        key, split = keys[id(clip)], split_in(clip, family)
        if key is not None and split is not None:
            held[key][split] += 1
            sizes[split] += 1
    return held, sizes


def _speaker(clip: ClipFacts) -> str | None:
    return None if clip.speaker is None or clip.speaker.casefold() in _NOBODY else clip.speaker


def _text(clip: ClipFacts, shortest: float) -> str | None:
    """The words of a clip for comparison; None where they are too few to tell anything."""
    if clip.transcript is None:
        return None
    words = bare_words(clip.transcript)
    return words if word_count(words) >= shortest else None


def bare_words(text: str) -> str:
    """A text without capitals, punctuation and doubled blanks.

    >>> bare_words("Das will  sie, am Mittwoch abgeben!")
    'das will sie am mittwoch abgeben'
    """
    kept = "".join(
        letter if unicodedata.category(letter)[0] in "LNM" else " "
        for letter in unicodedata.normalize("NFKC", text).casefold().replace("'", "")
    )
    return " ".join(kept.split())


def word_count(words: str) -> float:
    """How many words; a character of a script without blanks is half a one.

    >>> word_count("i would like a new alarm clock"), word_count("今天天气很好")
    (7.0, 3.0)
    """
    halves = len(_HALF_A_WORD.findall(words))
    return len(_HALF_A_WORD.sub(" ", words).split()) + halves / 2
