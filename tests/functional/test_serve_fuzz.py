"""Whatever is sent, the service answers with a documented status and a fitting body, and never with a 5xx."""

from __future__ import annotations

import base64
import io
import random
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import schemathesis
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.errors import AudioError
from sv_eval.wire.problems import CODES
from tests.endurance.mutations import KINDS, damaged

Serve = Callable[..., Any]

DECODED = 10_000
"""Mutated files through the decoder."""
SENT = 1_000
"""Mutated files over HTTP."""
LIMITS = AudioLimits(min_duration_s=0.1, max_duration_s=20, max_encoded_bytes=1 << 20, max_decoded_bytes=1 << 24)
_MEMORY_KIB = 200 * 1024


def wav(seconds: float = 0.3) -> bytes:
    file = io.BytesIO()
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)
    soundfile.write(file, samples, 16_000, format="WAV")
    return file.getvalue()


SOUND = wav()
schemathesis.openapi.format("byte", st.one_of(st.just(base64.b64encode(SOUND).decode()), st.text(max_size=30)))
schemathesis.openapi.format("binary", st.one_of(st.just(SOUND), st.binary(max_size=100)))


@pytest.fixture(scope="module")
def service(serving: Serve) -> Iterator[Any]:
    limits = [f"serve.limits.{name}={getattr(LIMITS, name)}" for name in ("max_encoded_bytes", "max_decoded_bytes")]
    with serving("serve.limits.max_duration_s=20", *limits) as it:
        yield it


@pytest.fixture(scope="module")
def api_schema(service: Any) -> Any:
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json", timeout=300)


_LEFT_OUT = {
    # Text that fits the schema is seldom audio: it is refused, as it should be.
    "positive_data_acceptance",
    # The service under test is open to all.
    "ignored_auth",
}
EXAMPLES = 320
"""Cases for each operation; those that take nothing make a single one."""


def test_every_answer_fits_what_is_documented(api_schema: Any) -> None:
    left_out = [check for check in CHECKS.get_all() if check.__name__ in _LEFT_OUT]
    count: Counter[str] = Counter()
    for found in api_schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def hold(case: Any) -> None:
            answer = case.call_and_validate(excluded_checks=left_out, timeout=300)
            assert answer.status_code < 500
            count[f"{case.operation.label} {answer.status_code}"] += 1

        hold()
    assert sum(count.values()) > 2_000, count
    # Not only refusals: what fits was answered, too.
    for label in ("POST /v1/emotion", "POST /analyze", "GET /health"):
        assert count[f"{label} 200"] > 0, count


def seeds(clip: Path) -> list[bytes]:
    """One short recording in every format that can be written here."""
    samples = soundfile.read(clip, dtype="float32")[0][:8_000]
    out = []
    for container, coding in (
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("WAV", "ALAW"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
        ("AIFF", "PCM_24"),
        ("AU", "PCM_16"),
        ("CAF", "PCM_16"),
        ("W64", "PCM_16"),
    ):
        file = io.BytesIO()
        soundfile.write(file, samples, 16_000, format=container, subtype=coding)
        out.append(file.getvalue())
    return out


def bombs() -> list[bytes]:
    """Small files that unpack to hours."""
    out = []
    for container, coding in (("FLAC", "PCM_16"), ("OGG", "OPUS"), ("OGG", "VORBIS")):
        file = io.BytesIO()
        # Minute by minute: the Vorbis coder of libsndfile falls over very long blocks.
        with soundfile.SoundFile(file, "w", 16_000, 1, format=container, subtype=coding) as writer:
            for _ in range(10):
                writer.write(np.zeros(16_000 * 60, np.float32))
        out.append(file.getvalue())
    return out


def memory_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_damaged_files_end_as_audio_or_with_a_kind(demo_clips: list[Path]) -> None:
    files = [*seeds(demo_clips[0]), *bombs()]
    for data in files:
        decode_or_kind(data)
    before = memory_kib()
    drawn = random.Random(0)
    kinds = Counter(decode_or_kind(damaged(drawn.choice(files), drawn)) for _ in range(DECODED))
    assert memory_kib() - before < _MEMORY_KIB
    assert set(kinds) <= {"audio", *KINDS}
    # Enough of every sort, or the damage was none.
    assert min(kinds["audio"], kinds["not_audio"], kinds["truncated"], kinds["too_long"]) > DECODED / 100, kinds


def decode_or_kind(data: bytes) -> str:
    try:
        waveform = decode(data, limits=LIMITS)
    except AudioError as error:
        return error.kind
    assert len(waveform.samples) <= LIMITS.max_duration_s * 16_000
    assert np.isfinite(waveform.samples).all()
    return "audio"


def test_damaged_files_over_http_get_a_code_each(service: Any, demo_clips: list[Path]) -> None:
    files = [*seeds(demo_clips[0]), *bombs()]
    codes: Counter[str] = Counter()
    drawn = random.Random(1)
    with httpx.Client(base_url=service.url, timeout=300) as api:
        before = resident_kib(service.process.pid)
        for number in range(SENT):
            data = damaged(drawn.choice(files), drawn)
            if number % 2:
                answer = api.post("/analyze", files={"file": data})
            else:
                answer = api.post("/v1/emotion", json={"audio": base64.b64encode(data).decode()})
            body = answer.json()
            code = body.get("code", "ok")
            codes[code] += 1
            assert answer.status_code == (200 if code == "ok" else CODES[code].status)
            assert answer.status_code < 500, body
        grown = resident_kib(service.process.pid) - before
        assert api.get("/health/ready").status_code == 200
    assert grown < _MEMORY_KIB
    assert {"ok", "not_audio", "truncated", "too_long"} <= set(codes), codes


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
