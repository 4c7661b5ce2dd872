"""What a listener would say of a clip: how loud it is and how good, as loudness meters and DNSMOS predict it.

On request, since both take longer than all other facts together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import ConfigError
from sv_eval.records import SAMPLE_RATE_HZ, Waveform
from sv_eval.sound_facts import SoundFacts

Float32 = NDArray[np.float32]
Listen = Callable[[Waveform, SoundFacts], SoundFacts]
"""Adds to a clip's facts what else was asked for."""

_BLOCK_S = 0.4
_WINDOW = 144_160
"""9.01 s, what the model hears at once."""
_AT_ONCE = 8
_OVERALL = (-0.06766283, 1.11546468, 0.04602535)
"""The polynomial from the overall output to a mean opinion, as the authors have it (speechmos, dnsmos.py)."""


def listening(*, lufs: bool, dnsmos: bool) -> Listen | None:
    """What adds these facts; None for neither. Raises ConfigError where its package is missing."""
    ways = [way for way, asked in ((_loudness, lufs), (_quality, dnsmos)) if asked]
    if not ways:
        return None
    made = [way() for way in ways]

    def listen(waveform: Waveform, facts: SoundFacts) -> SoundFacts:
        # Of digital silence neither is defined.
        for further in made if facts.level_dbfs is not None else ():
            facts = further(facts, waveform.samples)
        return facts

    return listen


def _loudness() -> Callable[[SoundFacts, Float32], SoundFacts]:
    """Integrated loudness by ITU-R BS.1770-4, LUFS."""
    try:
        from pyloudnorm import Meter
    except ImportError as error:
        raise _missing("run.lufs", "pyloudnorm", error) from error

    def loudness(facts: SoundFacts, samples: Float32) -> SoundFacts:
        if len(samples) < round(_BLOCK_S * SAMPLE_RATE_HZ):
            return facts
        # A meter keeps the blocks of its last clip.
        found = float(Meter(SAMPLE_RATE_HZ).integrated_loudness(samples.astype(np.float64)))
        return replace(facts, lufs=round(found, 2)) if np.isfinite(found) else facts

    return loudness


def _quality() -> Callable[[SoundFacts, Float32], SoundFacts]:
    """The overall mean opinion that DNSMOS P.835 predicts (Reddy et al. 2022), 1 to 5."""
    import onnxruntime

    found = find_spec("speechmos")
    if found is None or found.origin is None:
        raise _missing("run.dnsmos", "speechmos", "it is not installed")
    # Its model alone: its code would need librosa for a second model that isn't asked here.
    graph = Path(found.origin).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def quality(facts: SoundFacts, samples: Float32) -> SoundFacts:
        said = [_overall(session, windows) for windows in _windows(np.clip(samples, -1, 1))]
        return replace(facts, dnsmos=round(float(np.mean(np.concatenate(said))), 3))

    return quality


def _overall(session: Any, windows: Float32) -> NDArray[np.float64]:
    (told,) = session.run(None, {"input_1": windows})
    return np.asarray(np.polyval(_OVERALL, told[:, 2]), dtype=np.float64)


def _windows(samples: Float32) -> Iterator[Float32]:
    """Stretches of 9.01 s each second, a few at once; a shorter clip is doubled until it is as long."""
    while len(samples) < _WINDOW:
        samples = np.tile(samples, 2)
    count = int(len(samples) // SAMPLE_RATE_HZ - _WINDOW / SAMPLE_RATE_HZ) + 1
    begins = np.arange(count) * SAMPLE_RATE_HZ
    stretches = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)
    for first in range(0, count, _AT_ONCE):
        yield np.ascontiguousarray(stretches[begins[first : first + _AT_ONCE]])


def _missing(setting: str, package: str, why: object) -> ConfigError:
    return ConfigError(f"{setting} needs {package} ({why}): pip install 'sv-eval[mos]', or set {setting}=false")
