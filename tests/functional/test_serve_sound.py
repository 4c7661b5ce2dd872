"""What the service says of the sound that callers send it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import soundfile


def test_what_the_sound_of_recordings_was_is_counted(serving: Callable[..., Any], demo_clips: list[Path]) -> None:
    samples, rate_hz = soundfile.read(demo_clips[0], dtype="float32")
    telephone = io.BytesIO()
    soundfile.write(telephone, samples[::2], rate_hz // 2, format="WAV")
    with serving("backend.threads=1") as service, httpx.Client(base_url=service.url, timeout=120) as api:

        def counted(name: str) -> float:
            lines = api.get("/metrics").text.splitlines()
            return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

        for file in (demo_clips[0].read_bytes(), telephone.getvalue()):
            api.post("/analyze", files={"file": file}).raise_for_status()

        # Nobody waits for it, so that it may come later than the answer.
        until = time.monotonic() + 60
        while counted("sv_eval_sound_band_hz_count") < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert counted("sv_eval_sound_band_hz_count") == 2
        assert counted('sv_eval_sound_concerns_total{concern="narrow"}') == 1
