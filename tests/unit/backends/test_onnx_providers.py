"""onnxruntime's providers as the table has them: what a session is given, and what is said where one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from sv_eval.backends.onnx import OnnxBackend
from sv_eval.backends.onnx_engine import Runtime
from sv_eval.backends.onnx_providers import for_session, provider_named, providers
from sv_eval.config.places import conf_dir
from sv_eval.errors import ConfigError, ModelError

# The bundled package computes on the processor alone.
MISSING = sorted({*providers()} - {"cpu", "coreml"})


def test_every_row_is_complete_and_told_in_the_configuration() -> None:
    told = (conf_dir() / "backend" / "onnx.yaml").read_text(encoding="utf-8")

    for name, one in providers().items():
        assert one.provider.endswith("ExecutionProvider")
        assert set(one.behind) <= {*providers()}
        assert one.needs or name == "cpu"
        assert name in told


@pytest.mark.parametrize("name", MISSING)
def test_what_is_not_there_is_told_with_what_to_install(name: str) -> None:
    with pytest.raises(ModelError) as raised:
        for_session(name, 0, {})

    assert provider_named(name).provider in str(raised.value)
    assert str(provider_named(name).needs) in str(raised.value)


def test_another_word_is_no_provider() -> None:
    with pytest.raises(ConfigError, match=r"backend\.provider=openvin is not known; did you mean openvino"):
        OnnxBackend(provider="openvin")


def test_a_device_has_its_number_and_options_of_ones_own_come_first() -> None:
    assert Runtime(provider="cuda", device_id=3).device == "cuda:3"
    assert Runtime(provider="openvino").device == "openvino"
    assert for_session("cpu", 0, {"use_arena": 0}) == [("CPUExecutionProvider", {"use_arena": "0"})]


def test_a_session_opens_with_options(tmp_path: Path) -> None:
    import asyncio

    async def opened() -> object:
        async with OnnxBackend(provider_options={"use_arena": 0}) as backend:
            return backend.info.details["provider options"]

    assert asyncio.run(opened()) == {"use_arena": 0}
