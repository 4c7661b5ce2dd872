"""Logits that stay in a device's memory give the answers that they give here; the CPU's stands for a card's."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from sv_eval.backends.frontend import Frontend
from sv_eval.backends.onnx_engine import OnnxEngine, Runtime
from sv_eval.backends.onnx_providers import provider_named
from sv_eval.backends.sensevoice.answers import AnswerReader
from sv_eval.backends.sensevoice.listening import Listening, Prompts
from sv_eval.backends.sensevoice.model_dir import BUNDLED, open_model
from sv_eval.backends.sensevoice.models.reducing import REDUCING, reducing_graph
from sv_eval.errors import InferenceError

DIRECTORY = open_model(BUNDLED)
READER = AnswerReader(DIRECTORY.vocabulary)


def engine(memory: str | None, precision: str = "fp32") -> OnnxEngine:
    frontend = Frontend(DIRECTORY.frontend, DIRECTORY.cmvn)
    runtime = Runtime(threads=1, memory=memory)
    return OnnxEngine(DIRECTORY.graph(precision), runtime, frontend, Listening(), READER.emotion_ids)


def sounds(*seconds: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, int(16000 * length)).astype(np.float32) for length in seconds]


@pytest.mark.parametrize("seconds", [(1.0,), (0.4, 3.1), (2.0, 2.0, 5.0, 0.7)])
@pytest.mark.parametrize("precision", [name for name in ("fp32", "int8") if name in DIRECTORY.precisions()])
def test_what_stays_on_the_device_is_answered_alike(seconds: tuple[float, ...], precision: str) -> None:
    here, there = engine(None, precision), engine("cpu", precision)
    features = [here.features(sound) for sound in sounds(*seconds)]
    prompts = [Prompts(language=place % 3, textnorm=14 + place % 2) for place in range(len(features))]

    whole = here.reduced(here.infer(here.batch(features, prompts)))
    kept = there.reduced(there.infer(there.batch(features, prompts)))

    assert isinstance(here.infer(here.batch(features)), tuple)
    assert kept.best.tolist() == whole.best.tolist()
    assert kept.lengths.tolist() == whole.lengths.tolist()
    assert kept.emotions.tolist() == whole.emotions.tolist()
    assert READER.read(kept) == READER.read(whole)


def test_all_logits_can_be_had_of_either() -> None:
    here, there = engine(None), engine("cpu")
    features = here.features(sounds(1.3)[0])

    assert np.array_equal(here.logits(features), there.logits(features))


def test_what_it_cannot_take_is_said_of_either() -> None:
    for one in (engine(None), engine("cpu")):
        batch = dict(one.batch([np.zeros((5, DIRECTORY.frontend.dimension), dtype=np.float32)]))
        batch["speech"] = batch["speech"][:, :, :3].copy()
        with pytest.raises(InferenceError, match="onnxruntime: "):
            one.infer(batch)


def test_the_graph_in_the_package_is_the_one_that_is_built() -> None:
    assert onnx.load(REDUCING) == reducing_graph()


def test_cards_keep_their_logits() -> None:
    assert [provider_named(name).memory for name in ("cuda", "tensorrt", "cpu")] == ["cuda", "cuda", None]
