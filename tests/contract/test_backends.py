"""What every backend must keep, whatever it is. Add yours to `BACKENDS`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.backend import (
    Adjustments,
    Answer,
    Backend,
    Request,
    SharingBackend,
    SpeechDetectingBackend,
    StreamingBackend,
    is_backend,
)
from sv_eval.backends.baselines.chance import ChanceBackend
from sv_eval.backends.baselines.egemaps_ridge import EgemapsRidgeBackend
from sv_eval.backends.baselines.egemaps_svm import EgemapsSvmBackend
from sv_eval.backends.chat.backend import ChatBackend
from sv_eval.backends.chat.fake_server import Known, Planted
from sv_eval.backends.chat.fake_server import serving as serving_chat
from sv_eval.backends.fake import FakeBackend
from sv_eval.backends.local import LocalBackend
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.remote.backend import RemoteBackend
from sv_eval.backends.remote.dialects.service import FormDialect, JsonDialect
from sv_eval.backends.remote.dialects.service_grpc import GrpcDialect
from sv_eval.backends.remote.dialects.service_websocket import StreamDialect
from sv_eval.backends.sherpa import SherpaBackend
from sv_eval.data.audio.decoding import decode
from sv_eval.emotions import EMOTIONS, UNKNOWN
from sv_eval.errors import InferenceError
from sv_eval.records import Failure, Prediction, Waveform
from sv_eval.run.store import MemoryStore

CLIP = min((Path(__file__).resolve().parents[2] / "datasets" / "demo" / "clips").glob("*.flac"))

TAUGHT = {"name": "demo", "card": "demo", "limit": 10}

Make = Callable[[], Backend]
BACKENDS: dict[str, Make] = {
    "fake": FakeBackend,
    "fake in batches": lambda: FakeBackend(batch_size=4, concurrency=3),
    "majority": lambda: ChanceBackend(rule="majority", corpus=TAUGHT),
    "stratified": lambda: ChanceBackend(rule="stratified", train=TAUGHT),
    "egemaps_svm": lambda: EgemapsSvmBackend(corpus=TAUGHT, c=0.01),
    "onnx": lambda: OnnxBackend(threads=1, batch_size=4),
    "onnx, two at once": lambda: OnnxBackend(threads=1, batch_size=4, workers=2),
    "onnx in chunks": lambda: OnnxBackend(threads=1, batch_size=4, chunk_size=0.5),
    "sherpa": lambda: SherpaBackend(),
    "sherpa in batches": lambda: SherpaBackend(batch_size=4),
    "local": lambda: LocalBackend(model="bundled", device="cpu", threads=1, batch_size=4),
}


PATIENT = {"connect_s": 120.0, "read_s": 120.0, "total_s": 300.0, "preflight_s": 120.0}
REMOTES: dict[str, Callable[[dict[str, Any]], Backend]] = {
    "remote, JSON": lambda said: RemoteBackend(url=said["http"], dialect=JsonDialect(), connection=PATIENT),
    "remote, form, wav": lambda said: RemoteBackend(
        url=said["http"], dialect=FormDialect(), audio="wav", connection=PATIENT
    ),
    "remote, websocket": lambda said: RemoteBackend(
        url=said["http"].replace("http", "ws", 1), dialect=StreamDialect(), connection=PATIENT
    ),
    "remote, gRPC": lambda said: RemoteBackend(
        url=f"grpc://{said['grpc']}", dialect=GrpcDialect(), connection=PATIENT
    ),
}


@pytest.fixture(scope="module")
def service(serving: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Where a service with the bundled model listens."""
    with serving("serve.grpc_port=0", "serve.limits.min_duration_s=0", "backend.threads=1") as it:
        yield it.event("listening")


@pytest.fixture(scope="module")
def chat_url() -> Iterator[str]:
    """Where a chat server listens whose answers depend on the clip."""
    with serving_chat(Known(clips={}, sentences={}), Planted(recall=0.5)) as url:
        yield url


@pytest.fixture(scope="module")
def felt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Bundled clips in a list with references of arousal."""
    table = tmp_path_factory.mktemp("felt") / "clips.csv"
    rows = [
        f"{path.name},,s{place % 4},{place % 7 + 1}"
        for place, path in enumerate(sorted(CLIP.parent.iterdir())[:20])
    ]
    table.write_text("\n".join(["path,emotion,speaker,arousal", *rows]) + "\n", encoding="utf-8")
    return {
        "name": "felt", "kind": "manifest", "root": str(CLIP.parent), "manifest": {"file": str(table)},
        "dimensions": {"arousal": [1, 7]},
    }  # fmt: skip


@pytest.fixture(params=[*BACKENDS, *REMOTES, "egemaps_ridge", "chat"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param in BACKENDS:
        return BACKENDS[request.param]
    if request.param == "egemaps_ridge":
        felt = request.getfixturevalue("felt")
        return lambda: EgemapsRidgeBackend(corpus=felt, alpha=100.0)
    if request.param == "chat":
        url = request.getfixturevalue("chat_url")
        return lambda: ChatBackend(url=url, logprobs=20, connection=PATIENT)
    said = request.getfixturevalue("service")
    return lambda: REMOTES[request.param](said)


def request_of(name: str, seconds: float = 1.0) -> Request:
    rng = np.random.default_rng(len(name) + int(seconds * 1000))
    samples = (0.05 * rng.standard_normal(round(seconds * 16_000))).astype(np.float32)
    return Request(clip_id=name, waveform=Waveform(samples=samples), reference="happy")


def ask(make: Make, *batches: Sequence[Request]) -> list[Sequence[Answer]]:
    async def drive() -> list[Sequence[Answer]]:
        async with make() as backend:
            return [await backend.recognize(batch) for batch in batches]

    return asyncio.run(drive())


def prediction(answer: Answer) -> Prediction:
    assert isinstance(answer, Prediction), answer
    return answer


def test_it_fits_the_protocol(make: Make) -> None:
    assert is_backend(make())


def test_it_declares_what_it_can_do_before_and_after_it_is_open(make: Make) -> None:
    async def drive() -> None:
        backend = make()
        assert backend.capabilities.max_batch >= 1
        async with backend:
            assert set(backend.capabilities.labels) <= set(EMOTIONS)
            assert backend.capabilities.labels or backend.capabilities.dimensions
            assert backend.info.name
            assert backend.info.model

    asyncio.run(drive())


def test_every_request_gets_its_answer_in_order(make: Make) -> None:
    requests = [request_of(f"clip{i}", 0.3 + 0.2 * i) for i in range(make().capabilities.max_batch)]

    (together,) = ask(make, requests)
    alone = ask(make, *[[request] for request in requests])

    assert len(together) == len(requests)
    for one, batched in zip(alone, together, strict=True):
        assert prediction(one[0]).label == prediction(batched).label


def test_scores_are_a_distribution_that_agrees_with_the_labels_and_dimensions_keep_their_ranges(make: Make) -> None:
    told: dict[str, tuple[float, float]] = {}

    async def drive() -> Answer:
        async with make() as backend:
            told.update(backend.capabilities.dimensions)
            return (await backend.recognize([request_of("clip")]))[0]

    answer = prediction(asyncio.run(drive()))

    assert set(answer.dimensions or {}) <= set(told)
    for name, value in (answer.dimensions or {}).items():
        assert told[name][0] <= value <= told[name][1]
    if answer.dimensions and answer.label is None:
        # A recogniser of dimensions alone has no emotion to be sure of.
        return
    if answer.scores is None:
        # Who tells labels alone claims no confidence in them.
        assert answer.confidence is None
        assert answer.label in {*EMOTIONS, UNKNOWN, None}
        return
    # What comes over a wire may have been rounded to six digits.
    assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-5)
    assert set(answer.scores) <= {*EMOTIONS, UNKNOWN}
    assert answer.forced in EMOTIONS
    if answer.label is not None:
        assert answer.confidence == pytest.approx(answer.scores[answer.label])


def test_the_same_clip_gets_the_same_answer_again(make: Make) -> None:
    if not make().capabilities.deterministic:
        pytest.skip("the backend declares that it is not deterministic")

    first, again = ask(make, [request_of("clip")], [request_of("clip")])

    assert prediction(first[0]).scores == prediction(again[0]).scores
    assert prediction(first[0]).text == prediction(again[0]).text


def test_many_calls_at_once_answer_as_one_after_another(make: Make) -> None:
    requests = [request_of(f"clip{i}", 0.4 + 0.1 * (i % 5)) for i in range(12)]

    async def at_once() -> list[Sequence[Answer]]:
        async with make() as backend:
            return list(await asyncio.gather(*[backend.recognize([request]) for request in requests]))

    concurrent = asyncio.run(at_once())
    serial = ask(make, *[[request] for request in requests])

    for one, other in zip(concurrent, serial, strict=True):
        assert prediction(one[0]).scores == prediction(other[0]).scores


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.026, 30.0])
def test_very_short_and_long_clips_are_answered(make: Make, seconds: float) -> None:
    (answers,) = ask(make, [request_of("clip", seconds)])

    prediction(answers[0])


def test_silence_is_answered(make: Make) -> None:
    silence = Request(clip_id="s", waveform=Waveform(samples=np.zeros(16_000, np.float32)), reference="happy")

    (answers,) = ask(make, [silence])

    prediction(answers[0])


def test_an_answer_from_shared_work_is_the_one_it_gives_by_itself(make: Make) -> None:
    if not make().capabilities.shares_work:
        assert not hasattr(make(), "share")
        return
    requests = [request_of("shared", 2.3), request_of("once more", 1.1)]
    alone = [prediction(one[0]) for one in ask(make, *[[request] for request in requests])]
    store = MemoryStore(2**20)

    def sharing() -> Backend:
        backend = make()
        cast("SharingBackend", backend).share(store)
        return backend

    keyed = [[replace(request, audio_key=request.clip_id)] for request in requests]
    first, second = ([prediction(one[0]) for one in ask(sharing, *keyed)] for _ in range(2))

    assert first == second == [replace(one, stages_ms={}) for one in alone]
    assert store.found > 0


def test_it_can_be_opened_again(make: Make) -> None:
    async def drive() -> None:
        backend = make()
        for _ in range(2):
            async with backend:
                await backend.recognize([request_of("clip")])

    asyncio.run(drive())


PROPER: dict[str, object] = {
    "language": "auto", "use_itn": True, "vad_threshold": 0.5, "chunk_size": 1.0,
    "option_order": 3, "transcript": "so it goes",
}  # fmt: skip
IMPROPER: dict[str, object] = {"language": "klingon", "vad_threshold": 2.0, "chunk_size": -1.0, "option_order": 99}


def speech_of(name: str, **wish: Any) -> Request:
    return Request(clip_id=name, waveform=decode(CLIP), reference="happy", adjustments=Adjustments(**wish))


def test_what_a_request_may_ask_for_are_known_settings(make: Make) -> None:
    capabilities = make().capabilities

    assert set(capabilities.adjusts) <= {item.name for item in fields(Adjustments)}
    assert bool(capabilities.languages) == ("language" in capabilities.adjusts)


def test_requests_that_ask_for_different_things_in_one_call_get_what_they_get_alone(make: Make) -> None:
    capabilities = make().capabilities
    wishes = [{name: PROPER[name]} for name in capabilities.adjusts]
    wishes += [{"language": language} for language in capabilities.languages]
    if not wishes:
        pytest.skip("the backend lets requests ask for nothing")
    requests = [speech_of(f"clip{i}", **wish) for i, wish in enumerate([{}, *wishes])]
    size = capabilities.max_batch

    batches = ask(make, *[requests[i : i + size] for i in range(0, len(requests), size)])
    alone = ask(make, *[[request] for request in requests])

    together = [answer for batch in batches for answer in batch]
    for (one,), batched in zip(alone, together, strict=True):
        if isinstance(one, Failure):
            assert batched == one
        elif capabilities.batch_invariant:
            assert (prediction(batched).scores, prediction(batched).segments) == (one.scores, one.segments)


def test_a_setting_that_can_not_be_is_a_failure_of_that_request_only(make: Make) -> None:
    refused = [name for name in make().capabilities.adjusts if name in IMPROPER]
    if not refused:
        pytest.skip("the backend lets requests ask for nothing that could be wrong")
    calls = [[speech_of("plain"), speech_of("wrong", **{name: IMPROPER[name]})] for name in refused]

    for name, (plain, wrong) in zip(refused, ask(make, *calls), strict=True):
        prediction(plain)
        assert isinstance(wrong, Failure), name
        assert wrong.kind == "bad_setting"
        assert name in wrong.message


def test_a_stream_refuses_a_setting_that_can_not_be(make: Make) -> None:
    capabilities = make().capabilities
    if not capabilities.streams or "language" not in capabilities.adjusts:
        pytest.skip("the backend has no stream that could be asked")

    async def silence() -> AsyncIterator[NDArray[np.float32]]:
        yield np.zeros(16_000, np.float32)

    async def drive() -> None:
        async with make() as backend:
            await cast(StreamingBackend, backend).stream(
                silence(), chunk_size=1.0, callback=lambda _: None, adjustments=Adjustments(language="klingon")
            )

    with pytest.raises(InferenceError) as caught:
        asyncio.run(drive())
    assert caught.value.kind == "bad_setting"


def test_speech_is_told_in_order_and_inside_the_clip(make: Make) -> None:
    if not make().capabilities.detects_speech:
        pytest.skip("the backend detects no speech")
    speech, pause = decode(CLIP).samples, np.zeros(16_000, np.float32)
    waveform = Waveform(samples=np.concatenate([pause, speech, pause, speech]))

    async def drive() -> Sequence[tuple[float, float]]:
        async with make() as backend:
            request = Request(clip_id="clip", waveform=waveform)
            return await cast(SpeechDetectingBackend, backend).detect(request)

    spans = asyncio.run(drive())
    edges = [edge for span in spans for edge in span]
    assert len(spans) >= 2
    assert edges == sorted(edges)
    assert all(begin < end for begin, end in spans)
    assert edges[0] >= 0
    assert edges[-1] <= waveform.duration_s
