from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.backends.sensevoice.answers import AnswerReader, ReducedLogits
from sv_eval.backends.sensevoice.calibration import CLIPS, Choice, Measured, bundled_clips, fastest_that_agrees
from sv_eval.backends.sensevoice.recogniser import Engine
from sv_eval.backends.sensevoice.tokens import TokenVocabulary
from sv_eval.errors import ModelError
from tests.unit.fake_clock import FakeClock

PIECES = ["<blank>", "<|HAPPY|>", "<|SAD|>", "<|ANGRY|>", "<|EMO_UNKNOWN|>"]
FAST_S, SLOW_S = 0.005, 0.02
READER = AnswerReader(TokenVocabulary.from_pieces(PIECES, "test"))
CLIPS_OF_THREE_KINDS = [np.full(10, kind, np.float32) for kind in (1, 2, 3, 1, 2, 3, 1, 2)]


@dataclass
class FakeEngine:
    """Hears the emotion whose id is the clip's first sample; `wrong_on` is heard as the next one."""

    takes_s: float = FAST_S
    wrong_on: int | None = None
    clock: FakeClock = field(default_factory=FakeClock)

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return samples

    def batch(self, features: Sequence[Any], prompts: Any = None) -> Sequence[Any]:
        return features

    def infer(self, batch: Sequence[Any]) -> ReducedLogits:
        self.clock.now_s += self.takes_s * len(batch)
        logits = np.stack([self.logits(features) for features in batch])
        return ReducedLogits.of(logits, np.full(len(batch), 4), READER.emotion_ids)

    def reduced(self, output: ReducedLogits) -> ReducedLogits:
        return output

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        kind = int(features[0])
        said = kind % 3 + 1 if kind == self.wrong_on else kind
        logits = np.zeros((4, len(PIECES)), np.float32)
        logits[1, said] = 9
        return logits


def choose(engines: Mapping[str, FakeEngine]) -> Choice:
    clock = FakeClock()
    for engine in engines.values():
        engine.clock = clock
    builders: dict[str, Callable[[str], Engine]] = dict.fromkeys(engines, engines.__getitem__)
    return fastest_that_agrees(builders, READER, CLIPS_OF_THREE_KINDS, clock)


def test_the_fastest_of_those_that_agree_is_chosen() -> None:
    choice = choose({"fp32": FakeEngine(SLOW_S), "fp16": FakeEngine(SLOW_S), "int8": FakeEngine()})

    assert choice.precision == "int8"
    assert choice.clips == len(CLIPS_OF_THREE_KINDS)
    assert choice.measured["int8"].clip_ms == pytest.approx(FAST_S * 1000)
    assert choice.measured["fp32"].clip_ms == pytest.approx(SLOW_S * 1000)


def test_a_faster_one_that_differs_on_a_single_label_is_not_chosen() -> None:
    choice = choose({"fp32": FakeEngine(SLOW_S), "int8": FakeEngine(wrong_on=3)})

    assert choice.precision == "fp32"
    assert choice.measured["int8"].differing == 2
    assert choice.measured["fp32"].differing == 0


def test_a_slower_one_that_agrees_is_not_chosen() -> None:
    assert choose({"int8": FakeEngine(SLOW_S), "fp32": FakeEngine()}).precision == "fp32"


def test_the_reference_alone_is_chosen() -> None:
    assert choose({"fp32": FakeEngine()}).precision == "fp32"


def test_each_engine_is_built_once_and_by_its_name() -> None:
    built: list[str] = []

    def build(engine: FakeEngine, name: str) -> FakeEngine:
        built.append(name)
        return engine

    candidates = {name: partial(build, FakeEngine()) for name in ("fp32", "int8")}
    fastest_that_agrees(candidates, READER, CLIPS_OF_THREE_KINDS)

    assert built == ["fp32", "int8"]


@pytest.mark.parametrize(("present", "words"), [(["int8", "fp16"], "only int8, fp16"), ([], "no graph")])
def test_without_the_reference_there_is_nothing_to_compare_with(present: list[str], words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        choose({name: FakeEngine() for name in present})

    assert "backend.precision=auto" in str(caught.value)
    assert "fp32" in str(caught.value)


def test_the_reason_names_every_precision_that_was_tried() -> None:
    measured = {
        "fp32": Measured(differing=0, clip_ms=12.34),
        "int8": Measured(differing=2, clip_ms=5.0),
    }

    reason = Choice(precision="fp32", measured=measured, clips=24).reason

    assert "fp32 12.3 ms a clip, 0 of 24 labels differ" in reason
    assert "int8 5.0 ms a clip, 2 of 24 labels differ" in reason


def test_the_bundled_clips_are_as_many_as_promised_and_audible() -> None:
    clips = bundled_clips()

    assert len(clips) == CLIPS
    assert all(clip.dtype == np.float32 and np.abs(clip).max() > 0.01 for clip in clips)
