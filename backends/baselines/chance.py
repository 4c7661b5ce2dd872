"""`backend=majority`, `stratified`, `uniform`: the answers of one who does not listen.

What they are scored with is the chance level of a corpus, and it comes out of the whole harness, so that it can be
held against the level that a report works out from the counts (`sv_eval.scoring.chance`).
"""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Self

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.backends.baselines.training import CorpusSettings, Training, read_training
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import ConfigError, nearest
from sv_eval.records import Prediction

RULES: Mapping[str, str] = {
    "majority": "always the most frequent emotion",
    "stratified": "an emotion drawn in proportion to the training labels",
    "uniform": "an emotion drawn with equal chances",
}
"""What each rule answers."""


class ChanceBackend:
    """Answers without looking at the audio, from the label counts of a corpus.

    rule: `majority`, `stratified` or `uniform`.
    corpus: the settings of the run's corpus, whose labels are counted; the tested clips are among them, since
        chance is a property of the corpus and nothing is learnt about a clip.
    train: the settings of another corpus, to count there instead.
    seed: makes another draw; a clip's draw depends on it and the clip's id alone.
    """

    def __init__(
        self,
        *,
        rule: str,
        corpus: CorpusSettings | None = None,
        train: CorpusSettings | None = None,
        seed: int = 0,
    ) -> None:
        if rule not in RULES:
            raise ConfigError(f"backend.rule={rule} is not known; {nearest(rule, RULES)}")
        self._rule, self._seed = rule, seed
        self._corpus, self._train = corpus, train
        self._shares: dict[str, float] = dict.fromkeys(EMOTIONS, 1 / len(EMOTIONS))
        self._info = BackendInfo(name=rule, model=RULES[rule], device="none")

    @property
    def capabilities(self) -> Capabilities:
        """The emotions of the corpus that was counted; batches of any size, since nothing is computed."""
        return Capabilities(labels=tuple(self._shares), max_batch=64, max_in_flight=2)

    @property
    def info(self) -> BackendInfo:
        """What was counted."""
        return self._info

    async def __aenter__(self) -> Self:
        """Read the corpus and count its labels, beside the event loop."""
        self._count(await asyncio.to_thread(read_training, self._corpus, self._train))
        return self

    async def __aexit__(self, *reason: object) -> None:
        """Nothing to release."""

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """The rule's answer to each clip."""
        return [self._answer(request.clip_id) for request in requests]

    def _count(self, training: Training) -> None:
        counts = training.counts()
        total = sum(counts.values())
        even = self._rule == "uniform"
        self._shares = {label: 1 / len(counts) if even else n / total for label, n in counts.items()}
        self._most = max(self._shares, key=lambda label: self._shares[label])
        self._ends = list(accumulate(self._shares.values()))
        content = f"{self._rule}:{self._seed}:{training.corpus.hash}:{counts}"
        self._info = BackendInfo(
            name=self._rule,
            model=RULES[self._rule],
            model_hash=hashlib.sha256(content.encode()).hexdigest()[:16],
            device="none",
            details={
                **({} if self._rule == "majority" else {"seed": self._seed}),
                "labels counted in": f"{training.corpus.name}, {total} clips",
                "counts": ", ".join(f"{label} {n}" for label, n in counts.items()),
            },
            card={"kind": "chance"},
        )

    def _answer(self, clip_id: str) -> Prediction:
        label = self._most if self._rule == "majority" else self._drawn(clip_id)
        return Prediction(label=label, forced=label, scores=self._shares, confidence=self._shares[label])

    def _drawn(self, clip_id: str) -> str:
        digest = hashlib.blake2b(f"{self._seed}:{clip_id}".encode(errors="surrogatepass"), digest_size=8).digest()
        share = int.from_bytes(digest, "little") / 2**64
        # Rounding may leave the last end a little below 1.
        return tuple(self._shares)[min(bisect_right(self._ends, share), len(self._ends) - 1)]
