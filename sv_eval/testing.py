"""pytest fixtures for a team's own latency and accuracy tests against its endpoint.

In `conftest.py`:

    pytest_plugins = ["sv_eval.testing"]

and then, with pytest-benchmark:

    def test_latency(sv_backend, sv_clips, benchmark):
        answer = benchmark(sv_backend, sv_clips[0])
        assert answer.label is not None

`pytest --sv-backend "backend=remote backend.url=http://host:8000" --sv-dataset "dataset=emodb dataset.root=DIR"`
says what is tested; both may stand in the ini file as `sv_backend` and `sv_dataset`. Without them it is the bundled
model and the bundled clips.

`sv_chat_server` starts chat servers whose faults are planted, to test what is built around a chat model (extra
`[remote]`):

    def test_refusals_are_no_answers(sv_chat_server):
        url = sv_chat_server(recall=0.9, refuses=0.1)
"""

from __future__ import annotations

import asyncio
import os
import shlex
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pytest

from sv_eval.records import Clip, Failure, Prediction, Waveform

if TYPE_CHECKING:
    from sv_eval.backend import Backend
    from sv_eval.run.session import Session

T = TypeVar("T")

_OPTIONS = {
    "sv_backend": "backend=onnx",
    "sv_dataset": "dataset=demo",
}


@dataclass(frozen=True, slots=True)
class DecodedClip:
    """A clip with its decoded audio."""

    clip: Clip
    """What is known of it: id, reference, speaker, ..."""
    waveform: Waveform
    """Its audio, decoded once."""


class CalledBackend:
    """A backend that a test calls as a function: a clip in, its Prediction out.

    It lives in an event loop of its own in another thread, for as long as the fixture does. A clip that fails makes
    the test fail, with the failure's kind and message. The way to the other thread and back is in what is timed.
    """

    def __init__(self, backend: Backend) -> None:
        self._loop = asyncio.new_event_loop()
        self._session = self._made(backend)
        self._thread = threading.Thread(target=self._loop.run_forever, name="sv_backend", daemon=True)

    def __enter__(self) -> Self:
        """Load the model or connect."""
        self._thread.start()
        try:
            self._wait(self._session.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        """Release everything."""
        try:
            self._wait(self._session.__aexit__(None, None, None))
        finally:
            self._end()

    @property
    def backend(self) -> Backend:
        """The backend itself, for its `info` and `capabilities`."""
        return self._session.backend

    def __call__(self, clip: DecodedClip) -> Prediction:
        """The answer for one clip."""
        return self.recognize([clip])[0]

    def recognize(self, clips: Sequence[DecodedClip]) -> list[Prediction]:
        """The answers for clips given in one call, at most as many as the backend takes."""
        from sv_eval.backend import Request

        told = self.backend.capabilities.needs_reference
        requests = [
            Request(clip_id=each.clip.id, waveform=each.waveform, reference=each.clip.reference if told else None)
            for each in clips
        ]
        found: list[Prediction] = []
        for each, answer in zip(clips, self._wait(self._session.guard.ask(requests)), strict=True):
            if isinstance(answer, Failure):
                pytest.fail(f"{each.clip.id}: {answer.kind}: {answer.message}")
            found.append(answer)
        return found

    @staticmethod
    def _made(backend: Backend) -> Session:
        from sv_eval.run.session import Session

        return Session(backend)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, and their names in the ini file."""
    group = parser.getgroup("sv_eval")
    for name, default in _OPTIONS.items():
        option = f"--{name.replace('_', '-')}"
        group.addoption(option, default=None, help=f"overrides as on sv_eval's command line; default {default}")
        parser.addini(name, f"as {option}", default=default)


def _settings(config: pytest.Config, name: str) -> dict[str, object]:
    from sv_eval.config.composing import composed

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    words = shlex.split(config.getoption(name) or config.getini(name))
    group = name.removeprefix("sv_")
    found: dict[str, object] = composed("config", words, (group,))[group]
    return found


@pytest.fixture(scope="session")
def sv_backend(request: pytest.FixtureRequest) -> Iterator[CalledBackend]:
    """The backend under test, open for the whole session."""
    from sv_eval.config.building import build_backend

    with CalledBackend(build_backend(_settings(request.config, "sv_backend"))) as called:
        yield called


@pytest.fixture(scope="session")
def sv_clips(request: pytest.FixtureRequest, sv_backend: CalledBackend) -> list[DecodedClip]:
    """The clips under test, decoded; limit them with `dataset.limit=N`."""
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus

    corpus = read_corpus(dataset_config_from(_settings(request.config, "sv_dataset")))
    keep = sv_backend.backend.capabilities.needs_encoded
    return [DecodedClip(clip, corpus.source.load(clip, keep_encoded=keep)) for clip in corpus.clips]


@pytest.fixture
def sv_chat_server() -> Iterator[Callable[..., str]]:
    """Starts a chat server with planted faults and gives its address; it runs until the test ends.

    The keywords are those of `sv_eval.backends.chat.planted.Planted`; `protocol` says what its prompts are taken to
    be, `dataset` and its settings which corpus it knows, the bundled clips by default.
    """
    from sv_eval.backends.chat.fake_server import Planted, bundled, serving

    with ExitStack() as running:

        def start(
            *,
            protocol: str | Mapping[str, Any] = "word_en",
            dataset: str = "demo",
            dataset_settings: Mapping[str, Any] | None = None,
            **planted: Any,
        ) -> str:
            known = bundled(dataset, **(dataset_settings or {}))
            return running.enter_context(serving(known, Planted(**planted), protocol))

        yield start


if __name__ == "__main__":
    print(f"sv_eval.testing is no command, but for programs: import sv_eval.testing\n\n{__doc__}")
