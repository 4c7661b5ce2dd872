"""SenseVoice's front end by torchaudio, on the model's device: for GPUs, where the CPU's features would wait."""

from __future__ import annotations

from typing import Any

import numpy as np

from sv_eval.backends.frontend import Cmvn, Float32, FrontendConfig
from sv_eval.errors import ModelError


class TorchaudioFrontend:
    """Turns waveforms into features that stay on the device: torch tensors [frames, dimension]."""

    def __init__(self, config: FrontendConfig, cmvn: Cmvn | None, device: str) -> None:
        import torch

        try:
            from torchaudio.compliance import kaldi
        except (ImportError, OSError) as error:
            reason = " ".join(str(error).split())[:120]
            raise ModelError(
                f"backend.frontend=torchaudio: torchaudio can't be imported ({reason}); "
                "install the build that fits your torch, or use backend.frontend=kaldi"
            ) from error
        self._fbank = kaldi.fbank
        self._config, self._device = config, torch.device(device)
        self._shift = self._scale = None
        if cmvn is not None:
            self._shift = torch.from_numpy(cmvn.shift).to(self._device)
            self._scale = torch.from_numpy(cmvn.scale).to(self._device)

    def __call__(self, samples: Float32) -> Any:
        """Features of one waveform (float32, -1 to 1, 16 kHz); finished when it returns."""
        import torch

        config = self._config
        shortest = round(config.fs * config.frame_length / 1000)
        if len(samples) < shortest:
            samples = np.pad(samples, (0, shortest - len(samples)))
        scaled = torch.from_numpy(samples).to(self._device)[None] * (1 << 15)
        frames = self._fbank(
            scaled,
            num_mel_bins=config.n_mels,
            frame_length=config.frame_length,
            frame_shift=config.frame_shift,
            dither=0.0,
            energy_floor=0.0,
            window_type=config.window,
            sample_frequency=config.fs,
        )
        count = len(frames)
        steps = torch.arange(-(-count // config.lfr_n), device=self._device) * config.lfr_n
        window = torch.arange(config.lfr_m, device=self._device) - (config.lfr_m - 1) // 2
        stacked = frames[(steps[:, None] + window[None, :]).clamp(0, count - 1)].flatten(1)
        if self._shift is not None:
            stacked = (stacked + self._shift) * self._scale
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return stacked
