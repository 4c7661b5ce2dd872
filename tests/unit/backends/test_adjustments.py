"""Settings that a request asks for itself, on the bundled model."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.backend import Adjustments, Answer, Request, StreamUpdate
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.segmentation.segmenter import LazyDetector, Segmentation, Segmenter
from sv_eval.backends.sensevoice.recogniser import Recogniser
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import InferenceError, ModelError
from sv_eval.records import SAMPLE_RATE_HZ, Failure, Prediction, Waveform

CLIPS = sorted((Path(__file__).resolve().parents[3] / "datasets" / "demo" / "clips").glob("*.flac"))


def request(number: int = 0, **adjustments: Any) -> Request:
    return Request(clip_id=str(number), waveform=decode(CLIPS[number]), adjustments=Adjustments(**adjustments))


def ask(*calls: Sequence[Request], **settings: Any) -> list[list[Answer]]:
    async def go() -> list[list[Answer]]:
        async with OnnxBackend(threads=1, **settings) as backend:
            return [list(await backend.recognize(requests)) for requests in calls]

    return asyncio.run(go())


def bare(answer: Answer) -> Any:
    assert isinstance(answer, Prediction), answer
    return answer.label, answer.scores, answer.text, answer.segments


def test_requests_that_ask_for_different_things_share_a_batch_and_get_what_they_get_alone() -> None:
    wishes = [
        {},
        {"language": "zh"},
        {"use_itn": True},
        {"chunk_size": 0.8},
        {"language": "en", "vad_threshold": 0.4},
    ]
    requests = [request(number, **wish) for number, wish in enumerate(wishes)]
    together, *alone = ask(requests, *[[one] for one in requests])
    assert [bare(one) for one in together] == [bare(one) for (one,) in alone]


def test_a_language_of_the_request_s_own_is_what_the_backend_would_be_set_to() -> None:
    ((asked,),) = ask([request(0, language="zh")])
    ((auto,),) = ask([request(0)])
    ((set_to,),) = ask([request(0)], language="zh")
    assert bare(asked) == bare(set_to)
    assert bare(asked)[1] != bare(auto)[1], "the language changes nothing, so nothing was shown"


def test_chunks_and_detection_of_the_request_s_own_are_what_the_backend_would_be_set_to() -> None:
    ((asked,),) = ask([request(0, vad_threshold=0.6, chunk_size=0.7)])
    ((set_to,),) = ask([request(0)], vad_threshold=0.6, chunk_size=0.7)
    assert bare(asked) == bare(set_to)
    assert len(bare(asked)[3]) > 1


def test_a_threshold_of_the_request_s_own_brings_a_detector_along() -> None:
    ((asked,),) = ask([request(0, vad_threshold=0.5)], vad="none")
    ((set_to,),) = ask([request(0)], vad="silero")
    assert bare(asked) == bare(set_to)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"language": "klingon"}, "language=klingon"),
        ({"language": "nospeech"}, "language=nospeech"),
        ({"vad_threshold": 1.5}, "vad_threshold=1.5"),
        ({"vad_threshold": math.nan}, "vad_threshold=nan"),
        ({"chunk_size": 0.1}, "chunk_size=0.1"),
    ],
)
def test_what_can_not_be_fails_alone(wish: dict[str, Any], words: str) -> None:
    ((good, bad, also_good),) = ask([request(0), request(1, **wish), request(2)])
    assert isinstance(good, Prediction)
    assert isinstance(also_good, Prediction)
    assert isinstance(bad, Failure)
    assert bad.kind == "bad_setting"
    assert bad.message.startswith(words)


def test_without_a_detector_only_those_fail_that_need_one() -> None:
    def absent() -> Any:
        raise ModelError("silero-vad is not installed")

    async def go() -> list[Answer]:
        async with OnnxBackend(threads=1) as backend:
            ours = backend._recogniser
            recogniser = Recogniser(
                engine=ours.engine,
                reader=ours.reader,
                listening=ours.listening,
                segmenter=Segmenter(Segmentation(), open_silero=absent),
            )
            try:
                with pytest.raises(InferenceError) as caught:
                    await recogniser.detect(request(0))
                assert caught.value.kind == "vad_unavailable"
                return list(await recogniser.recognize([request(0), request(1, vad_threshold=0.5)]))
            finally:
                recogniser.close()

    good, bad = asyncio.run(go())
    assert isinstance(good, Prediction)
    assert isinstance(bad, Failure)
    assert (bad.kind, bad.message) == ("vad_unavailable", "silero-vad is not installed")


def test_a_detector_file_that_is_broken_is_a_missing_detector(silero_package: Path) -> None:
    (silero_package / "silero_vad.onnx").write_bytes(b"no graph")
    ((good, bad),) = ask([request(0), request(1, vad_threshold=0.5)])
    assert isinstance(good, Prediction)
    assert isinstance(bad, Failure)
    assert bad.kind == "vad_unavailable"


def test_threads_that_need_a_detector_at_once_load_it_once() -> None:
    loaded: list[str] = []

    def load() -> Any:
        loaded.append("once")
        # Long enough that the others come while it goes on.
        time.sleep(0.05)
        return object()

    detector = LazyDetector(load)
    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(lambda _: detector(), range(4)))
    assert loaded == ["once"]
    assert len({id(one) for one in got}) == 1


def test_a_detector_that_several_need_is_loaded_once() -> None:
    loaded: list[str] = []

    class Loud:
        name, frame = "loud", 512

        def __call__(self, samples: Any) -> Any:
            return np.ones(-(-len(samples) // self.frame), np.float32)

    def load() -> Any:
        loaded.append("once")
        return Loud()

    segmenter = Segmenter(Segmentation(), open_silero=load)
    samples = np.zeros(SAMPLE_RATE_HZ, np.float32)
    for threshold in (0.4, 0.6):
        assert segmenter.adjusted(vad_threshold=threshold)(samples)
    assert segmenter.speech(samples)
    assert loaded == ["once"]
    assert segmenter.detector is None, "the settings of the backend itself stay as they are"


def test_speech_is_found_between_silence() -> None:
    speech = decode(CLIPS[0]).samples
    pause = np.zeros(SAMPLE_RATE_HZ, np.float32)
    waveform = Waveform(samples=np.concatenate([pause, speech, pause]))

    async def go() -> Sequence[tuple[float, float]]:
        async with OnnxBackend(threads=1) as backend:
            return await backend.detect(Request(clip_id="x", waveform=waveform))

    spans = asyncio.run(go())
    assert spans
    assert 0.8 < spans[0][0] < 1.4
    assert 0.6 + len(speech) / SAMPLE_RATE_HZ < spans[-1][1] < 1.4 + len(speech) / SAMPLE_RATE_HZ


def test_a_stream_is_heard_as_it_asks_and_tells_its_text() -> None:
    samples = decode(CLIPS[0]).samples

    async def once() -> AsyncIterator[Any]:
        yield samples

    async def go(**wish: Any) -> tuple[Prediction, list[StreamUpdate]]:
        updates: list[StreamUpdate] = []
        async with OnnxBackend(threads=1) as backend:
            said = await backend.stream(
                once(), chunk_size=1.0, callback=updates.append, adjustments=Adjustments(**wish)
            )
        return said, updates

    plain, updates = asyncio.run(go())
    other, _ = asyncio.run(go(language="zh"))
    assert updates[-1].text == plain.text
    assert plain.scores != other.scores
    with pytest.raises(InferenceError) as caught:
        asyncio.run(go(language="klingon"))
    assert caught.value.kind == "bad_setting"


def test_loading_a_model_leaves_the_event_loop_free() -> None:
    async def go() -> int:
        steps = 0
        opening = asyncio.ensure_future(OnnxBackend(threads=1).__aenter__())
        while not opening.done():
            steps += 1
            await asyncio.sleep(0)
        await (await opening).__aexit__()
        return steps

    assert asyncio.run(go()) > 10
