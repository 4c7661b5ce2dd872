"""`backend=sherpa`: a SenseVoice model in sherpa-onnx, in this process.

What sherpa-onnx ships is a label without probabilities: it takes the first of the model's tags and keeps no scores.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from sv_eval.backend import Answer, BackendInfo, Capabilities, Request
from sv_eval.backends.model_thread import ModelThread
from sv_eval.backends.sensevoice.listening import LANGUAGES
from sv_eval.backends.sensevoice.model_dir import GRAPH_FILES, content_hash, open_model
from sv_eval.backends.sensevoice.tokens import EMOTION_PIECES, EVENT_PIECES, LANGUAGE_PIECES
from sv_eval.backends.sherpa_files import metadata_of, write_graph, write_tokens
from sv_eval.emotions import EMOTIONS, UNKNOWN
from sv_eval.errors import ConfigError, ModelError, nearest
from sv_eval.records import SAMPLE_RATE_HZ, Prediction

_OWN_FILES = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
"""What a directory of sherpa-onnx's own calls them."""
_FEWEST = 400
"""Samples of a frame; of fewer sherpa-onnx makes no features at all."""
_EMOTIONS = {piece: name for name, piece in EMOTION_PIECES.items()}
_LANGUAGES = {piece: name for name, piece in LANGUAGE_PIECES.items()}
_EVENTS = {piece: name for name, piece in EVENT_PIECES.items()}


class SherpaBackend:
    """A SenseVoice model in sherpa-onnx.

    model: `bundled`, a SenseVoice-format directory (`am.mvn`, `config.yaml`, graphs), or one of sherpa-onnx's own
        (`tokens.txt` beside `model.onnx` or `model.int8.onnx`).
    precision: `fp32`, `fp16` or `int8`: which of its graphs. language, use_itn: as the model is asked.
    threads: inside one inference. provider: `cpu`, `cuda` or `coreml`, where sherpa-onnx was built with it.
    batch_size: the most clips in one call, padded to the longest.

    Raises ConfigError for a value that can't be, and ModelError where the package or a file is missing.
    """

    def __init__(
        self,
        *,
        model: str = "bundled",
        precision: str = "fp32",
        language: str = "auto",
        use_itn: bool = False,
        threads: int = 1,
        provider: str = "cpu",
        batch_size: int = 1,
    ) -> None:
        for name, value, known in (
            ("precision", precision, tuple(GRAPH_FILES)),
            ("language", language, LANGUAGES),
            ("provider", provider, ("cpu", "cuda", "coreml")),
        ):
            if value not in known:
                raise ConfigError(f"backend.{name}={value} is not known; {nearest(value, known)}")
        for name, number in (("threads", threads), ("batch_size", batch_size)):
            if number < 1:
                raise ConfigError(f"backend.{name}={number}: at least 1 is needed")
        self._where, self._precision, self._language, self._use_itn = model, precision, language, use_itn
        self._threads, self._provider, self._batch_size = threads, provider, batch_size
        self._labels: tuple[str, ...] = EMOTIONS
        self._recogniser: Any = None
        self._info = BackendInfo(name="sherpa", model=model, device=provider)

    @property
    def capabilities(self) -> Capabilities:
        """Batches by padding; no scores, and nothing that a single request could change."""
        return Capabilities(
            labels=self._labels, max_batch=self._batch_size, max_in_flight=2, batch_invariant=self._batch_size == 1
        )

    @property
    def info(self) -> BackendInfo:
        """What a report says about it."""
        return self._info

    async def __aenter__(self) -> Self:
        """Load the model, beside the event loop."""
        await asyncio.to_thread(self._open)
        self._thread = ModelThread("sherpa")
        return self

    async def __aexit__(self, *reason: object) -> None:
        """End the thread and let the model go."""
        self._thread.close()
        self._recogniser = None

    async def recognize(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """An answer for each; what is shorter than a frame gets silence behind it."""
        return await self._thread.run(partial(self._judge, requests))

    def _open(self) -> None:
        try:
            import sherpa_onnx
        except ImportError as error:
            raise ModelError(
                f"backend=sherpa needs sherpa-onnx ({error}): pip install 'sv-eval[sherpa]'"
            ) from error
        path, card = Path(self._where).expanduser(), dict[str, Any]()
        if self._where != "bundled" and (path / "tokens.txt").is_file():
            graph, title = self._own(path), path.name
            self._load(sherpa_onnx, graph, path / "tokens.txt")
        else:
            directory = open_model(self._where)
            graph, card = directory.graph(self._precision), dict(directory.card)
            title = str(card.get("title", directory.path.name))
            self._labels = tuple(name for name in EMOTIONS if name in directory.vocabulary.emotions)
            with tempfile.TemporaryDirectory(prefix="sv-eval-sherpa-") as folder:
                tokens = write_tokens(directory, Path(folder) / "tokens.txt")
                made = write_graph(graph, metadata_of(directory), Path(folder) / graph.name)
                self._load(sherpa_onnx, made, tokens)
        self._info = BackendInfo(
            name="sherpa",
            model=title,
            model_hash=content_hash(graph),
            precision=self._precision,
            device="cuda:0" if self._provider == "cuda" else self._provider,
            details={
                "sherpa-onnx": version("sherpa-onnx"), "threads": self._threads,
                "language": self._language, "inverse text normalisation": self._use_itn,
            },
            card=card,
        )  # fmt: skip

    def _own(self, path: Path) -> Path:
        """The graph of a directory of sherpa-onnx's own.

        It must say what it is: of one that does not, sherpa-onnx ends the process.
        """
        import onnxruntime

        name = _OWN_FILES.get(self._precision, f"model.{self._precision}.onnx")
        if not (path / name).is_file():
            raise ModelError(f"{path / name}: not there, so backend.precision={self._precision} can't be run")
        session = onnxruntime.InferenceSession(str(path / name), providers=["CPUExecutionProvider"])
        known = session.get_modelmeta().custom_metadata_map
        missing = [key for key in ("vocab_size", "lfr_window_size", "neg_mean", "lang_auto") if key not in known]
        if missing:
            raise ModelError(
                f"{path / name}: its metadata lacks {', '.join(missing)}, so sherpa-onnx can't read it; give a "
                "directory of sherpa-onnx's own, or one in SenseVoice's format without tokens.txt"
            )
        return path / name

    def _load(self, sherpa_onnx: Any, graph: Path, tokens: Path) -> None:
        try:
            self._recogniser = sherpa_onnx.OfflineRecognizer.from_sense_voice(
                model=str(graph),
                tokens=str(tokens),
                num_threads=self._threads,
                provider=self._provider,
                language=self._language,
                use_itn=self._use_itn,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{graph}: sherpa-onnx can't load it ({error})") from error

    def _judge(self, requests: Sequence[Request]) -> list[Answer]:
        streams = []
        for request in requests:
            stream, samples = self._recogniser.create_stream(), request.waveform.samples
            padded = np.pad(samples, (0, max(0, _FEWEST - len(samples))))
            stream.accept_waveform(SAMPLE_RATE_HZ, np.ascontiguousarray(padded, dtype=np.float32))
            streams.append(stream)
        self._recogniser.decode_streams(streams)
        return [_prediction(stream.result) for stream in streams]


def _prediction(result: Any) -> Prediction:
    label = _EMOTIONS.get(result.emotion)
    return Prediction(
        label=label,
        forced=None if label == UNKNOWN else label,
        text=result.text.strip(),
        language=_LANGUAGES.get(result.lang),
        event=_EVENTS.get(result.event),
    )
