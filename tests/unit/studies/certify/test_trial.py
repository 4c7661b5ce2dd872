"""Relations put to a recogniser of known behaviour: a sound one passes, and each trouble is told as what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pytest

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.config.composing import composed
from sv_eval.data.corpus.reading import Corpus, dataset_config_from, read_corpus
from sv_eval.errors import RunIncomplete
from sv_eval.machine.environment import describe_environment
from sv_eval.records import Failure, Prediction
from sv_eval.report.certificate import Certificate, Standing
from sv_eval.run.history import describe_corpus
from sv_eval.studies.certify.config import CertifyConfig
from sv_eval.studies.certify.measure import certify
from sv_eval.studies.certify.result import files_of, result_of

LABELS = ("happy", "sad", "angry", "neutral", "surprised")
Change = Callable[[Request, Prediction], Answer]


class Listener:
    """Hears levels of bands, as a model might; `change` has the last word about each answer.

    level: whether its answers depend on the level. scores: whether it tells them.
    """

    capabilities = Capabilities(max_batch=4, max_in_flight=8)
    info = BackendInfo(name="listener", model="levels of bands")

    def __init__(self, change: Change | None = None, *, scores: bool = True) -> None:
        self._change, self._scores = change, scores
        self.open = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        return None

    async def recognize(self, requests: Sequence[Request]) -> list[Answer]:
        self.open += 1
        await asyncio.sleep(0)
        found = [self._judged(request) for request in requests]
        self.open -= 1
        return found

    def _judged(self, request: Request) -> Answer:
        samples = request.waveform.samples
        if len(samples) < 400:
            return Failure(kind="too_short", message="nothing to hear")
        answer = heard(samples) if self._scores else replace(heard(samples), scores=None, confidence=None)
        return answer if self._change is None else self._change(request, answer)


def heard(samples: Any) -> Prediction:
    """Shares of the power in five bands, from one half to the other as well, sharpened to a distribution."""
    if not np.abs(samples).max() > 1e-3:
        return Prediction(label="unknown", scores=dict.fromkeys(LABELS, 0.0) | {"unknown": 1.0}, confidence=1.0)
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / 16_000)
    edges = (50, 250, 500, 1000, 2000, 7000)
    bands = [spectrum[(hz >= low) & (hz < high)].sum() for low, high in pairwise(edges)]
    logits = np.log(np.array(bands) + 1e-12) - MEAN
    shares = np.exp(2 * (logits - logits.max()))
    scores = dict(zip(LABELS, (shares / shares.sum()).tolist(), strict=True))
    label = max(scores, key=lambda name: scores[name])
    return Prediction(label=label, scores=scores, confidence=scores[label], text=f"{shares.argmax()}")


MEAN = np.array([12.1, 12.6, 11.4, 9.4, 8.7])


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return read_corpus(dataset_config_from(composed("config", [], ("dataset",))["dataset"]))


def certified(backend: Listener, corpus: Corpus, *only: str, **settings: Any) -> Certificate:
    config = CertifyConfig(clips=16, repeats=3, only=only, **settings)
    found = asyncio.run(certify(backend, corpus, config, lambda _: backend, ()))
    result = result_of(found, config, describe_corpus(corpus), describe_environment(), 1.0)
    for name, content in files_of(found, result):
        assert name.startswith("clips/")
        assert content[:4] in (b"RIFF", b"fLaC")
    return result


def standing(result: Certificate, name: str) -> Standing:
    (found,) = [one for one in result.relations if one.name == name]
    return found.standing


SAME = ("repeat", "order", "callers_8", "pairs", "batch", "beside_longer", "after_bad")


def test_a_sound_recogniser_passes(corpus: Corpus) -> None:
    result = certified(Listener(), corpus, "listens", "best_score", "confidence", "polarity", "gain_6", *SAME)

    assert result.verdict == "sound"
    assert result.counts.held == len(result.relations)
    assert result.noise.off == 0
    assert all(one.to_try is None for one in result.relations)


def test_what_needs_files_or_streams_does_not_apply_and_is_counted_apart(corpus: Corpus) -> None:
    result = certified(Listener(), corpus, "order", "flac", "pieces", "language_stays", "fresh_connection")

    reasons = {one.name: one.reason for one in result.relations if one.standing == "not_applicable"}
    assert reasons == {
        "flac": "no_files", "pieces": "no_stream", "language_stays": "no_language", "fresh_connection": "no_again",
    }  # fmt: skip
    assert (result.counts.held, result.counts.not_applicable) == (1, 4)
    assert result.verdict == "sound"


def test_one_clip_that_is_answered_otherwise_beside_others_is_enough_to_break_a_batch(corpus: Corpus) -> None:
    class Mixing(Listener):
        async def recognize(self, requests: Sequence[Request]) -> list[Answer]:
            found = await super().recognize(requests)
            return found[::-1]

    result = certified(Mixing(), corpus, "batch", "order")

    assert standing(result, "batch") is Standing.BROKEN
    assert standing(result, "order") is Standing.HELD
    assert result.verdict == "broken"


class Reader(Listener):
    """Is sent files, and is told what they hold."""

    capabilities = Capabilities(max_in_flight=8, needs_encoded=True)


def misheard_from(container: str, every: int) -> Change:
    """In one container every so many-th length of a clip is answered as another one, always the same."""

    def change(request: Request, answer: Prediction) -> Answer:
        if request.waveform.container != container or len(request.waveform.samples) % every:
            return answer
        other = next(name for name in LABELS if name != answer.label)
        return Prediction(label=other, scores={other: 1.0}, confidence=1.0, text="?")

    return change


def test_a_single_clip_that_is_always_read_wrongly_is_confirmed_by_asking_again(corpus: Corpus) -> None:
    lengths = [len(corpus.source.load(clip).samples) for clip in corpus.clips]
    # So rare among the clips that of the sixteen at most two have it.
    every = next(n for n in range(7, 400) if 1 <= sum(not length % n for length in lengths[:16]) <= 2)
    few = replace(corpus, clips=corpus.clips[:16])

    result = certified(Reader(misheard_from("flac", every)), few, "flac", "float32")

    (flac,) = [one for one in result.relations if one.name == "flac"]
    assert 1 <= flac.off <= 2
    assert flac.standing is Standing.BROKEN
    assert flac.to_try is not None
    assert flac.to_try.guise == "clips/flac.flac"
    assert standing(result, "float32") is Standing.HELD


def test_single_clips_that_change_in_a_nearly_equal_sound_are_the_models_own_affair(corpus: Corpus) -> None:
    few = replace(corpus, clips=corpus.clips[:16])

    result = certified(Reader(misheard_from("mp3", 16)), few, "mp3")

    assert standing(result, "mp3") is Standing.HELD


def test_what_is_refused_again_and_again_is_not_asked_any_further(corpus: Corpus) -> None:
    asked: list[str] = []

    def change(request: Request, answer: Prediction) -> Answer:
        asked.append(request.waveform.container or "")
        return Failure(kind="not_audio", message="no") if request.waveform.container == "flac" else answer

    certified(Reader(change), corpus, "flac")

    assert asked.count("flac") == 4
    # So that nobody who counts failures in a row takes the service for lost.
    assert asked[-1] == "wav"


def test_what_is_refused_is_counted_apart_and_refusing_opposite_channels_is_right(corpus: Corpus) -> None:
    def change(request: Request, answer: Prediction) -> Answer:
        encoded = request.waveform.encoded or b""
        stereo = encoded[:4] == b"RIFF" and encoded[22:24] == b"\x02\x00"
        refused = stereo or request.waveform.container == "flac"
        return Failure(kind="not_audio", message="not taken here") if refused else answer

    result = certified(Reader(change), corpus, "flac", "antiphase", "int24")

    assert standing(result, "flac") is Standing.REFUSED
    assert standing(result, "antiphase") is Standing.HELD
    assert (result.counts.held, result.counts.refused) == (2, 1)


def test_noise_is_no_fault_however_much_there_is(corpus: Corpus) -> None:
    rng = np.random.default_rng(3)

    def change(request: Request, answer: Prediction) -> Answer:
        scores = answer.scores or {}
        logits = np.log(np.array(list(scores.values())) + 1e-9) + rng.normal(0, 0.3, len(scores))
        shares = np.exp(logits) / np.exp(logits).sum()
        noisy = dict(zip(scores, shares.tolist(), strict=True))
        label = max(noisy, key=lambda name: noisy[name])
        return replace(answer, label=label, scores=noisy, confidence=noisy[label])

    result = certified(Listener(change), corpus, "order", "callers_8", "pairs", "batch", "polarity", "gain_6")

    assert result.noise.typical > 0.01
    assert result.counts.broken == 0


def test_one_answer_to_everything_is_no_listening_whatever_the_texts_are(corpus: Corpus) -> None:
    def change(request: Request, answer: Prediction) -> Answer:
        return replace(answer, label="sad", scores={"sad": 0.9, "happy": 0.1}, confidence=0.9)

    result = certified(Listener(change), corpus, "listens", "order")

    assert standing(result, "listens") is Standing.BROKEN
    assert standing(result, "order") is Standing.HELD


def test_one_label_to_everything_may_be_right_where_texts_differ(corpus: Corpus) -> None:
    def change(request: Request, answer: Prediction) -> Answer:
        return replace(answer, label="sad")

    result = certified(Listener(change, scores=False), corpus, "listens")

    assert result.relations[0].reason == "one_label"
    assert result.verdict == "inconclusive"


def test_labels_that_flip_by_themselves_are_no_fault(corpus: Corpus) -> None:
    rng = np.random.default_rng(7)

    def change(request: Request, answer: Prediction) -> Answer:
        if rng.random() > 0.15:
            return answer
        return replace(answer, label=next(name for name in LABELS if name != answer.label))

    tight = ("last_bit", "rate_round", "one_length", "repeat")
    result = certified(Listener(change, scores=False), corpus, *tight, "gain_6", "order", "pairs", "callers_8")

    assert result.noise.off > 0
    assert result.counts.broken == 0


def test_answers_without_scores_are_judged_by_label_and_text(corpus: Corpus) -> None:
    result = certified(Listener(scores=False), corpus, "listens", "best_score", "order", "polarity")

    assert not result.noise.scored
    assert standing(result, "best_score") is Standing.NOT_APPLICABLE
    assert standing(result, "order") is Standing.HELD


def test_a_difference_that_is_heard_nowhere_can_not_be_decided(corpus: Corpus) -> None:
    def change(request: Request, answer: Prediction) -> Answer:
        first = int(abs(float(request.waveform.samples[len(request.waveform.samples) // 3])) * 1e6) % len(LABELS)
        return Prediction(label=LABELS[first], scores={LABELS[first]: 1.0}, confidence=1.0)

    result = certified(Listener(change), corpus, "tail")

    assert result.relations[0].reason == "control_unheard"
    assert result.verdict == "inconclusive"


def test_requests_that_fail_in_one_way_alone_leave_it_undecided(corpus: Corpus) -> None:
    class Limited(Listener):
        async def recognize(self, requests: Sequence[Request]) -> list[Answer]:
            if self.open:
                return [Failure(kind="overloaded", message="come again")] * len(requests)
            return await super().recognize(requests)

    result = certified(Limited(), corpus, "callers_8", "order")

    assert standing(result, "callers_8") is Standing.UNDECIDED
    (found,) = [one for one in result.relations if one.name == "callers_8"]
    assert (found.reason, found.failure) == ("failures", "overloaded: come again")


def test_a_recogniser_that_answers_nothing_gets_no_certificate(corpus: Corpus) -> None:
    def change(request: Request, answer: Prediction) -> Answer:
        return Failure(kind="out_of_order", message="it is broken")

    with pytest.raises(RunIncomplete, match="out_of_order: it is broken"):
        certified(Listener(change), corpus, "order")
