"""FunASR's fsmn-vad: frame probabilities of its network, under the same rule as any other detector's.

FunASR calls a frame speech when P(speech) >= P(silence) ** speech_2_noise_ratio + speech_noise_thres. At a ratio
of 1 that is P(speech) >= (1 + speech_noise_thres) / 2, so its default of 0.6 is a threshold of 0.8 here. Its own
state machine (windows, dynamic silence, chunks in ms) is not used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.backends.frontend import Frontend, FrontendConfig, read_cmvn
from sv_eval.errors import ModelError

Float32 = NDArray[np.float32]

FRAME = 160
"""Samples in a frame: 10 ms."""
_HUB_ID = "iic/speech_fsmn_vad_zh-cn-16k-common-pytorch"
"""At ModelScope."""


class FsmnVad:
    """Speech probabilities by an fsmn-vad model directory, or by the hub's when none is given."""

    frame = FRAME

    def __init__(self, where: str | None) -> None:
        from sv_eval.backends.funasr_model import load_auto_model
        from sv_eval.backends.hubs import find_directory

        asked = f"backend.vad_model={where or _HUB_ID}"
        directory = find_directory(where or _HUB_ID, asked=asked)
        self._auto = load_auto_model(directory, asked=asked, device="cpu")
        network, settings = self._auto.model, self._auto.kwargs
        if not hasattr(network, "encoder") or not hasattr(network, "vad_opts"):
            raise ModelError(f"backend.vad_model={where}: holds a {type(network).__name__}, not an fsmn-vad")
        self._network = network
        self._silence = [int(number) for number in network.vad_opts.sil_pdf_ids]
        conf = dict(settings.get("frontend_conf") or {})
        self._frontend = Frontend(_config(conf, str(where)), _cmvn(conf, settings))
        self.name = f"fsmn ({Path(str(settings.get('model_path', where))).name})"

    def __call__(self, samples: Float32) -> Float32:
        """Speech probability of each 10 ms frame, shape [ceil(n / FRAME)].

        The network's frames are 25 ms long, 10 ms apart: what is left after the last is said to be as the last.
        """
        import torch

        features = torch.from_numpy(self._frontend(samples))[None]
        with torch.inference_mode():
            scores = self._network.encoder(features, cache={})[0]
        speech = np.asarray(1.0 - scores[:, self._silence].sum(dim=1).numpy(), dtype=np.float32)
        left = -(-len(samples) // FRAME) - len(speech)
        return np.pad(speech, (0, max(0, left)), mode="edge")


def _config(conf: dict[str, Any], where: str) -> FrontendConfig:
    names = FrontendConfig.__dataclass_fields__
    chosen = FrontendConfig(**{key: value for key, value in conf.items() if key in names})
    if chosen.lfr_n != 1:
        raise ModelError(f"backend.vad_model={where}: lfr_n is {chosen.lfr_n}; a detector of 10 ms frames has 1")
    return chosen


def _cmvn(conf: dict[str, Any], settings: dict[str, Any]) -> Any:
    named = conf.get("cmvn_file") or Path(str(settings.get("model_path", ""))) / "am.mvn"
    path = Path(str(named))
    return read_cmvn(path) if path.is_file() else None
