"""How good a trained network is: recalls, confusions and transcripts on clips that it never saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch

from sv_eval.backends.sensevoice.training.corpora import Example
from sv_eval.backends.sensevoice.training.features import Cmvn, stacked
from sv_eval.backends.sensevoice.training.network import encoded
from sv_eval.backends.sensevoice.training.vocabulary import (
    BLANK_ID,
    EMOTIONS,
    LANGUAGE_PROMPTS,
    TEXT_NORM_PROMPTS,
    TrainingVocabulary,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the network says to one clip."""

    emotion: str  # argmax over all emotions and unknown
    transcript_ids: tuple[int, ...]


@torch.no_grad()
def answers(network: Any, cmvn: Cmvn, examples: list[Example]) -> list[Answer]:
    """Clip by clip, language auto, without inverse text normalisation."""
    names = list(EMOTIONS)
    ids = torch.tensor([EMOTIONS[name] for name in names])
    given = []
    for example in examples:
        mels = torch.from_numpy(example.mels[0])[None]
        frames, counts = stacked(mels, torch.tensor([mels.shape[1]]))
        prompts = torch.tensor([LANGUAGE_PROMPTS["auto"]]), torch.tensor([TEXT_NORM_PROMPTS["woitn"]])
        logits = network.ctc.ctc_lo(encoded(network, cmvn(frames), counts, *prompts))[0]
        said = torch.unique_consecutive(logits[4:].argmax(-1)).tolist()
        best = names[int(logits[1, ids].argmax())]
        given.append(Answer(best, tuple(i for i in said if i != BLANK_ID)))
    return given


def confusion(examples: list[Example], said: list[Answer]) -> Counter[tuple[str, str]]:
    """Counts of (true, said) emotions."""
    return Counter((e.emotion, a.emotion) for e, a in zip(examples, said, strict=True))


def uar(counts: Counter[tuple[str, str]]) -> float:
    """Unweighted average recall over the emotions that occur as truth."""
    truths = sorted({true for true, _ in counts})
    recalls = []
    for truth in truths:
        total = sum(n for (true, _), n in counts.items() if true == truth)
        recalls.append(counts[truth, truth] / total)
    return sum(recalls) / len(recalls)


def table(counts: Counter[tuple[str, str]]) -> str:
    """The confusion matrix as text, truths in rows."""
    columns = [name for name in EMOTIONS if any(said == name for _, said in counts)]
    rows = [name for name in EMOTIONS if any(true == name for true, _ in counts)]
    lines = [" ".join(f"{name[:9]:>9}" for name in ["", *columns])]
    lines += [" ".join([f"{r:>9}", *(f"{counts[r, c]:>9}" for c in columns)]) for r in rows]
    return "\n".join(lines)


def token_error_rate(examples: list[Example], said: list[Answer], vocabulary: TrainingVocabulary) -> float:
    """Edit distance over reference length, in words (English) and characters (Mandarin)."""
    errors = total = 0
    for example, answer in zip(examples, said, strict=True):
        if example.transcript:
            truth = vocabulary.transcript_ids(example.transcript, example.language)
            errors += edit_distance(truth, list(answer.transcript_ids))
            total += len(truth)
    return errors / total if total else float("nan")


def edit_distance(left: list[int], right: list[int]) -> int:
    """Fewest insertions, deletions and replacements that turn one list into the other."""
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, start=1):
        previous, row[0] = row[0], i
        for j, other in enumerate(right, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (one != other))
    return row[-1]
