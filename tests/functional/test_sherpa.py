"""`backend=sherpa`: what sherpa-onnx answers in this process is what our own engine answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from sv_eval.backend import Answer, Backend, Request
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.sensevoice.model_dir import bundled_model, open_model
from sv_eval.backends.sherpa import SherpaBackend
from sv_eval.backends.sherpa_files import metadata_of, write_graph, write_tokens
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import ConfigError, ModelError


def answers(backend: Backend, clips: Sequence[Path], at_once: int = 1) -> list[tuple[object, ...]]:
    async def drive() -> list[Answer]:
        asked = [Request(clip_id=clip.stem, waveform=decode(clip)) for clip in clips]
        async with backend:
            found: list[Answer] = []
            for begin in range(0, len(asked), at_once):
                found += await backend.recognize(asked[begin : begin + at_once])
            return found

    return [
        tuple(getattr(one, name) for name in ("label", "text", "language", "event")) for one in asyncio.run(drive())
    ]


def test_it_says_what_our_engine_says_one_by_one_and_in_batches(demo_clips: list[Path]) -> None:
    clips = demo_clips[::5]
    ours = answers(OnnxBackend(threads=1), clips)

    assert answers(SherpaBackend(), clips) == ours
    assert [one[0] for one in answers(SherpaBackend(batch_size=4), clips, at_once=4)] == [one[0] for one in ours]


def test_a_directory_of_sherpa_s_own_is_read(tmp_path: Path, demo_clips: list[Path]) -> None:
    directory = open_model("bundled")
    write_graph(directory.graph("fp32"), metadata_of(directory), tmp_path / "model.onnx")
    write_tokens(directory, tmp_path / "tokens.txt")

    assert answers(SherpaBackend(model=str(tmp_path)), demo_clips[:6]) == answers(SherpaBackend(), demo_clips[:6])
    with pytest.raises(ModelError, match=r"model\.int8\.onnx: not there"):
        answers(SherpaBackend(model=str(tmp_path), precision="int8"), demo_clips[:1])


def test_a_graph_that_would_end_the_process_is_refused(tmp_path: Path, demo_clips: list[Path]) -> None:
    (tmp_path / "model.onnx").symlink_to(bundled_model() / "model.onnx")
    write_tokens(open_model("bundled"), tmp_path / "tokens.txt")

    with pytest.raises(ModelError, match="metadata lacks vocab_size"):
        answers(SherpaBackend(model=str(tmp_path)), demo_clips[:1])


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"precision": "int4"}, "precision=int4"), ({"language": "fr"}, "language=fr"), ({"threads": 0}, "threads=0")],
)
def test_settings_that_can_not_be_are_refused_at_once(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        SherpaBackend(**settings)  # type: ignore[arg-type]
