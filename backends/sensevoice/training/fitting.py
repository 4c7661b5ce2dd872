"""The training loop: balanced batches, losses of tags, emotions and transcript, averaged weights."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sv_eval.backends.sensevoice.training.augmentation import Augmentation, augmented
from sv_eval.backends.sensevoice.training.batches import Sampler, padded
from sv_eval.backends.sensevoice.training.corpora import Example
from sv_eval.backends.sensevoice.training.features import Cmvn, stacked
from sv_eval.backends.sensevoice.training.functionals import COUNT, functionals
from sv_eval.backends.sensevoice.training.network import QUERIES, UsedHead, encoded, tiny_network, with_clip_dropout
from sv_eval.backends.sensevoice.training.teacher import Teacher
from sv_eval.backends.sensevoice.training.vocabulary import (
    EMOTIONS,
    EVENTS,
    LANGUAGE_PROMPTS,
    LANGUAGES,
    TEXT_NORM_PROMPTS,
    TEXT_NORMS,
    TrainingVocabulary,
)

# SenseVoice has no German here; of what the model may say, English is nearest.
SPOKEN_AS = {"de": "en"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that is chosen about training, besides the data."""

    steps: int = 1600
    synthetic_batch: int = 16  # clips a step
    emodb_batch: int = 24
    nonspeech_batch: int = 2
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    warm_up: int = 200  # steps
    dropout: float = 0.0  # with a teacher, who says what may vary, it only gets in the way
    average: float = 0.997  # decay of the averaged weights, a step
    smoothing: float = 0.1  # of the emotion targets
    emotion_weight: float = 1.0
    real_weight: float = 2.0  # of a real clip's emotion, against a synthetic one's
    tag_weight: float = 0.2  # language, event and text-norm frames
    transcript_weight: float = 0.1
    pooled_weight: float = 0.5  # of the emotion read off the mean speech frame, a training aid
    functionals_weight: float = 3.0  # of the acoustic functionals read off the mean frame and the query, likewise
    teacher_strength: float = 0.003  # inverse L2 penalty of the linear model that names EmoDB's emotions
    crop_share: float = 0.5  # of the clips without a transcript
    # Synthetic voices are many and cheap; EmoDB has few, so its clips are varied more.
    synthetic_augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(
            gain_db=3.0,
            tilt_db=0.8,
            curve_db=0.5,
            noise_share=0.3,
            room_share=0.1,
            tempo=0.02,
            warp=0.01,
            frequency_mask=6,
            time_mask=8,
        )
    )
    emodb_augmentation: Augmentation = field(default_factory=Augmentation)
    encoder: dict[str, Any] = field(default_factory=dict)  # changes to architecture.TINY


class AuxiliaryHeads(torch.nn.Module):
    """Heads that are gone after training.

    They make the speech frames, and then the query that reads emotion off them, carry emotion and what it is told
    by, before the model's own output has learnt to look for it.
    """

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.emotion = torch.nn.Linear(width, outputs)
        self.of_speech = torch.nn.Linear(width, COUNT)
        self.of_query = torch.nn.Linear(width, COUNT)


def fitted(
    corpora: dict[str, list[Example]],
    vocabulary: TrainingVocabulary,
    cmvn: Cmvn,
    recipe: Recipe,
    seed: int,
    watch: Callable[[Any], None] | None = None,
) -> Any:
    """A trained SenseVoiceSmall with averaged weights. `corpora` has synthetic, emodb and nonspeech."""
    torch.use_deterministic_algorithms(True)
    # Everything is written before it is read here; filling it first costs a fifth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_flush_denormal(True)
    teacher = Teacher(corpora["emodb"], recipe.emodb_augmentation, strength=recipe.teacher_strength, seed=seed)
    torch.manual_seed(seed)
    network = tiny_network(**recipe.encoder)
    network.train()
    with_clip_dropout(network.encoder, recipe.dropout)
    head = UsedHead(network, vocabulary.used_ids())
    parameters = [p for name, p in network.named_parameters() if not name.startswith("ctc.")]
    optimiser = torch.optim.AdamW(
        [
            {
                "params": [p for p in parameters if p.ndim > 1] + [head.weight],
                "weight_decay": recipe.weight_decay,
            },
            {"params": [p for p in parameters if p.ndim <= 1] + [head.bias], "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
    )
    moving = [*parameters, head.weight, head.bias]
    auxiliary = AuxiliaryHeads(head.weight.shape[1], len(head.ids))
    optimiser.add_param_group({"params": list(auxiliary.parameters()), "weight_decay": recipe.weight_decay})
    averaged = [p.detach().clone() for p in moving]
    rng = np.random.default_rng(seed)
    samplers = {name: Sampler(examples, rng) for name, examples in sorted(corpora.items())}
    sizes = {
        "synthetic": recipe.synthetic_batch,
        "emodb": recipe.emodb_batch,
        "nonspeech": recipe.nonspeech_batch,
    }
    started = time.perf_counter()
    for step in range(1, recipe.steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * schedule(step, recipe)
        drawn = {name: samplers[name].draw(sizes[name]) for name in samplers}
        loss = batch_loss(network, head, auxiliary, teacher, vocabulary, cmvn, recipe, drawn, rng)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(moving, 2.0)
        optimiser.step()
        keep = min(recipe.average, step / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(averaged, [p.detach() for p in moving], 1 - keep)
        if step % 250 == 0 or step == recipe.steps:
            print(f"step {step}: loss {loss.item():.3f}, {time.perf_counter() - started:.0f} s", flush=True)
            if watch is not None:
                watch(with_weights(network, head, moving, averaged))
    return with_weights(network, head, moving, averaged)


def schedule(step: int, recipe: Recipe) -> float:
    """Factor on the learning rate: linear warm-up, then a half cosine down to nothing."""
    if step < recipe.warm_up:
        return step / recipe.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - recipe.warm_up) / (recipe.steps - recipe.warm_up)))


def with_weights(network: Any, head: UsedHead, moving: list[Any], weights: list[Tensor]) -> Any:
    """A copy of the network, ready to use, that has the given weights."""
    with torch.no_grad():
        kept = [p.detach().clone() for p in moving]
        for p, w in zip(moving, weights, strict=True):
            p.copy_(w)
        head.write_back(network)
        ready = copy.deepcopy(network).eval()
        for p, w in zip(moving, kept, strict=True):
            p.copy_(w)
    return ready


def batch_loss(
    network: Any,
    head: UsedHead,
    auxiliary: AuxiliaryHeads,
    teacher: Teacher,
    vocabulary: TrainingVocabulary,
    cmvn: Cmvn,
    recipe: Recipe,
    drawn: dict[str, list[tuple[Example, int]]],
    rng: np.random.Generator,
) -> Tensor:
    """Loss of one step over clips of all corpora."""
    parts, lengths, examples = [], [], []
    for name, clips in drawn.items():
        mels, counts = padded(clips, recipe.crop_share if name == "emodb" else 0.0, rng)
        how = recipe.emodb_augmentation if name == "emodb" else recipe.synthetic_augmentation
        varied, counts = augmented(mels, counts, how)
        parts.append(varied)
        lengths.append(counts)
        examples += [example for example, _ in clips]
    longest = max(part.shape[1] for part in parts)
    mels = torch.cat([torch.nn.functional.pad(p, (0, 0, 0, longest - p.shape[1])) for p in parts])
    heard = functionals(mels, torch.cat(lengths))
    frames, counts = stacked(mels, torch.cat(lengths))
    frames = cmvn(frames)

    norms = [("withitn", "woitn")[int(rng.integers(2))] for _ in examples]
    spoken = [SPOKEN_AS.get(e.language, e.language) for e in examples]
    # As upstream trains it: now and then the language is given, mostly it is to be found out.
    hints = [s if s in LANGUAGE_PROMPTS and rng.random() < 0.3 else "auto" for s in spoken]
    hidden = encoded(
        network,
        frames,
        counts,
        torch.tensor([LANGUAGE_PROMPTS[h] for h in hints]),
        torch.tensor([TEXT_NORM_PROMPTS[n] for n in norms]),
    )
    logits = head(hidden)
    is_speech = [e.language != "nospeech" for e in examples]
    targets = {
        0: [LANGUAGES[s] for s in spoken],
        2: [EVENTS["Speech" if s else "Event_UNK"] for s in is_speech],
        3: [TEXT_NORMS[n] for n in norms],
    }
    loss = recipe.transcript_weight * transcript_loss(logits, counts, examples, vocabulary, head)
    for frame in (0, 2, 3):
        goal = torch.tensor([head.place[i] for i in targets[frame]])
        loss = loss + recipe.tag_weight * torch.nn.functional.cross_entropy(logits[:, frame], goal)

    emotion = goals(examples, heard, teacher, recipe.smoothing, head)
    weights = torch.tensor([recipe.real_weight if e.language in SPOKEN_AS else 1.0 for e in examples])
    query, mean = hidden[:, 1], speech_mean(hidden, counts)
    loss = loss + recipe.emotion_weight * told(logits[:, 1], emotion, weights)
    loss = loss + recipe.pooled_weight * told(auxiliary.emotion(mean), emotion, weights)
    rows = torch.tensor(is_speech)
    truth = teacher.standardised(heard[rows])
    for found in (auxiliary.of_speech(mean[rows]), auxiliary.of_query(query[rows])):
        loss = loss + recipe.functionals_weight * torch.nn.functional.smooth_l1_loss(found, truth)
    return loss


def goals(examples: list[Example], heard: Tensor, teacher: Teacher, smoothing: float, head: UsedHead) -> Tensor:
    """What each clip's emotion is to be, [B, used ids]: for real speech the teacher's word, else the label.

    The smoothing mass of labels goes to the emotions only, not to the transcript's pieces.
    """
    goal = torch.zeros(len(examples), len(head.ids))
    said = torch.tensor([head.place[i] for name, i in sorted(EMOTIONS.items()) if name in SAID])
    goal[:, said] = smoothing / len(SAID)
    for row, example in enumerate(examples):
        goal[row, head.place[EMOTIONS[example.emotion]]] += 1 - smoothing
    real = torch.tensor([example.language in SPOKEN_AS for example in examples])
    taught = torch.zeros(int(real.sum()), len(head.ids))
    taught[:, [head.place[EMOTIONS[name]] for name in teacher.emotions]] = teacher.probabilities(heard[real])
    goal[real] = taught
    return goal


def speech_mean(hidden: Tensor, counts: Tensor) -> Tensor:
    """The mean [B, D] of the encoder's output over the speech frames, which come after the queries."""
    there = (torch.arange(hidden.shape[1] - QUERIES)[None, :] < counts[:, None]).float()[:, :, None]
    return (hidden[:, QUERIES:] * there).sum(1) / there.sum(1)


def told(logits: Tensor, goal: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy against probabilities, clips weighted."""
    return -(weights * (goal * torch.log_softmax(logits, dim=-1)).sum(1)).mean()


# The emotions that training has examples of.
SAID = ("angry", "happy", "neutral", "sad", "surprised")


def transcript_loss(
    logits: Tensor, counts: Tensor, examples: list[Example], vocabulary: TrainingVocabulary, head: UsedHead
) -> Tensor:
    """CTC loss a clip, over the clips whose words are known (silence has none, and should give none)."""
    rows = [n for n, e in enumerate(examples) if e.transcript is not None]
    texts = [vocabulary.transcript_ids(examples[n].transcript or "", examples[n].language) for n in rows]
    flat = torch.tensor([head.place[i] for ids in texts for i in ids], dtype=torch.long)
    sizes = torch.tensor([len(ids) for ids in texts])
    logp = torch.log_softmax(logits[rows, QUERIES:], dim=-1).transpose(0, 1)
    loss = torch.nn.functional.ctc_loss(logp, flat, counts[rows], sizes, reduction="none", zero_infinity=True)
    return (loss / sizes.clamp(min=1)).mean()
