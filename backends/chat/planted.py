"""A chat model whose faults are planted: what it hears, and what it says.

It knows clips by their samples and words by their sentences, and answers as it was told to: with a known recall,
refusals, prose, several names at once, a pull to the first option, deaf, other answers each time, others from some
question on. What a run reports of it can be held against what was planted. But for what is planted otherwise its
answers depend on its seed, the clip and the order of the options alone.
"""

from __future__ import annotations

import hashlib
import json
import math
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.chat.protocol import JSON, LETTERS, Protocol
from sv_eval.emotions import EMOTIONS

PROSE = {
    "en": "The speaker sounds {word}, judging by the tone of the voice.",
    "zh": "从语气来看，说话人听起来很{word}。",
}
REFUSAL = {
    "en": "I'm sorry, but I'm not able to determine emotions from audio.",
    "zh": "抱歉，我无法从音频中判断情绪。",
}
SEVERAL = {"en": "It could be {word} or {other}.", "zh": "可能是{word}，也可能是{other}。"}
_TOLD_TOKENS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What is wrong with a model, as shares from 0 to 1."""

    recall: float = 0.8
    """How often it names a clip's emotion; else one of the others, each as often."""
    words: float = 0.0
    """How often it names it from the words alone; else one of the others."""
    refuses: float = 0.0
    """How often it declines."""
    hedges: float = 0.0
    """How often it names two."""
    prose: float = 0.0
    """How often it answers in a sentence."""
    first: float = 0.0
    """How often it takes the option that stands first, whatever it heard."""
    flips: float = 0.0
    """How often an answer is drawn anew each time it is asked."""
    deaf: bool = False
    """Whether its answers do not depend on the audio."""
    caches: bool = False
    """Whether it gives the answer that it gave to the same text before, whatever sound came with it."""
    drift_after: int = 0
    """From which question on it is another version, with other answers; 0 for never."""
    rate_limit: float = 0.0
    """Questions a second beyond which it says 429; 0 for none."""
    logprobs: bool = True
    """Whether it tells log-probabilities where it is asked for them; a refusal (400) else."""
    usage: bool = True
    """Whether it tells the tokens."""
    seed: int = 0
    """Another draw of everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a planted model knows."""

    clips: Mapping[str, str]
    """The emotion of each clip, by `fingerprint` of its samples."""
    sentences: Mapping[str, str]
    """The emotion of each sentence, the most frequent one where it is said under several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer."""

    text: str
    """What it says."""
    emotion: str
    """What it means."""
    logprobs: dict[str, Any]
    """The first token's alternatives, as OpenAI's wire has them."""


class PlantedModel:
    """Answers questions about clips and sentences."""

    def __init__(self, known: Known, planted: Planted, protocol: Protocol) -> None:
        self._known, self._planted, self._protocol = known, planted, protocol
        self._asked = Counter[str]()
        self._cached = dict[str, tuple[str, str]]()

    def version(self, number: int) -> str:
        """What it calls itself at its n-th question."""
        drifted = self._planted.drift_after and number > self._planted.drift_after
        return "planted-2" if drifted else "planted"

    def answer(self, mark: str | None, text: str, number: int) -> Answered:
        """What it says at its n-th question, about the clip of this fingerprint or (None) the words in the text."""
        order = self._order(text)
        what = "" if self._planted.deaf else mark if mark is not None else self._sentence(text)
        draw = _Draw(f"{self._planted.seed}{self.version(number).removeprefix('planted')}", what)
        if draw("flips") < self._planted.flips:
            self._asked[what] += 1
            draw = _Draw(f"{draw.seed} {self._asked[what]}", what)
        if self._planted.caches and text in self._cached:
            emotion, said = self._cached[text]
        else:
            emotion, said = self._said(what, order, draw, heard=mark is not None)
            self._cached[text] = emotion, said
        return Answered(text=said, emotion=emotion, logprobs=self._told(emotion, order, said))

    def _order(self, text: str) -> list[str]:
        """The options in the order in which the prompt has them."""
        places = {name: text.rfind(word) for name, word in self._protocol.options.items()}
        if self._protocol.form == LETTERS:
            places = {name: text.find(f". {word}") for name, word in self._protocol.options.items()}
        return sorted((name for name in places if places[name] >= 0), key=lambda name: places[name])

    def _sentence(self, text: str) -> str:
        """The longest known sentence that stands in a text; empty for none."""
        return max((one for one in self._known.sentences if one in text), key=len, default="")

    def _said(self, what: str, order: Sequence[str], draw: _Draw, *, heard: bool) -> tuple[str, str]:
        """What it makes of it, and its words for that."""
        planted, language = self._planted, self._protocol.language
        truth = (self._known.clips if heard else self._known.sentences).get(what, order[0])
        emotion = truth
        if draw("recall") >= (planted.recall if heard else planted.words):
            others = [name for name in sorted(self._protocol.options) if name != truth]
            emotion = others[int(draw("which") * len(others))]
        if draw("first") < planted.first:
            emotion = order[0]
        word = self._protocol.options[emotion]
        kind = draw("kind")
        if kind < planted.refuses:
            return emotion, REFUSAL[language]
        if kind < planted.refuses + planted.hedges:
            other = next(name for name in order if name != emotion)
            return emotion, SEVERAL[language].format(word=word, other=self._protocol.options[other])
        if draw("prose") < planted.prose:
            return emotion, PROSE[language].format(word=word)
        if self._protocol.form == LETTERS:
            return emotion, string.ascii_uppercase[order.index(emotion)]
        return emotion, json.dumps(
            {self._protocol.key: word}, ensure_ascii=False
        ) if self._protocol.form == JSON else word

    def _told(self, emotion: str, order: Sequence[str], said: str) -> dict[str, Any]:
        """The first token's alternatives: 0.7 on what was heard, 0.1 on none of the options, the rest even."""
        others = [name for name in order if name != emotion]
        shares = {name: 0.2 / len(others) for name in others} | {emotion: 0.7}
        tokens = {self._token(name, order): math.log(share) for name, share in shares.items()} | {
            "The": math.log(0.1)
        }
        listed = [{"token": token, "logprob": value} for token, value in tokens.items()][:_TOLD_TOKENS]
        return {"token": said[:1], "logprob": math.log(0.7), "top_logprobs": listed}

    def _token(self, name: str, order: Sequence[str]) -> str:
        if self._protocol.form == LETTERS:
            return string.ascii_uppercase[order.index(name)]
        return self._protocol.options[name]


@dataclass(frozen=True, slots=True)
class _Draw:
    """Numbers from 0 to 1 that are always the same for the same question."""

    seed: str
    what: str

    def __call__(self, name: str) -> float:
        drawn = hashlib.sha256(f"{self.seed}\n{name}\n{self.what}".encode(errors="surrogatepass")).digest()
        return int.from_bytes(drawn[:8], "big") / 2**64


def bundled(card: str = "demo", **dataset: Any) -> Known:
    """What a corpus's clips and sentences are; the bundled ones' unless another is named, with its settings."""
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus

    corpus = read_corpus(dataset_config_from({"name": card, "card": card, **dataset}))
    labelled = [clip for clip in corpus.clips if clip.reference in EMOTIONS]
    said = dict[str, Counter[str]]()
    for clip in labelled:
        if clip.transcript:
            said.setdefault(clip.transcript, Counter())[str(clip.reference)] += 1
    return Known(
        clips={fingerprint(corpus.source.load(clip).samples): str(clip.reference) for clip in labelled},
        sentences={words: counts.most_common(1)[0][0] for words, counts in said.items()},
    )


def fingerprint(samples: NDArray[np.float32]) -> str:
    """What the model knows a clip by: its samples to 16 bits.

    >>> fingerprint(np.zeros(3, np.float32)) == fingerprint(np.full(3, 1e-6, np.float32))
    True
    """
    return hashlib.sha256(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()).hexdigest()[:16]
