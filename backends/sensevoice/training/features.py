"""SenseVoice's front end for training: Kaldi filterbanks, low frame rate stacking, CMVN file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16000
MELS = 80
LFR_M = 7  # filterbank frames stacked into one input frame
LFR_N = 6  # filterbank frames (10 ms) between input frames
INPUT_SIZE = MELS * LFR_M

Array = NDArray[np.float32]


def filterbank(samples: Array) -> Array:
    """Log mel energies [frames, 80], 100 frames a second; samples in -1..1 at 16 kHz."""
    import kaldi_native_fbank as knf

    options = knf.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE_HZ
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.frame_opts.frame_length_ms = 25.0
    options.frame_opts.frame_shift_ms = 10.0
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = MELS
    options.energy_floor = 0.0
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(SAMPLE_RATE_HZ, samples.astype(np.float32) * 32768.0)
    computer.input_finished()
    frames = [computer.get_frame(n) for n in range(computer.num_frames_ready)]
    return np.stack(frames).astype(np.float32)


def stacked(mels: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Low frame rate: [B, T, 80] with lengths to [B, ceil(T/6), 560]; edge frames are repeated."""
    counts = torch.div(lengths + LFR_N - 1, LFR_N, rounding_mode="floor")
    centres = torch.arange(int(counts.max())) * LFR_N
    window = torch.arange(LFR_M) - (LFR_M - 1) // 2
    index = (centres[:, None] + window[None, :]).reshape(1, -1).expand(mels.shape[0], -1)
    index = torch.minimum(index.clamp(min=0), lengths[:, None] - 1)
    picked = torch.gather(mels, 1, index[:, :, None].expand(-1, -1, MELS))
    return picked.reshape(mels.shape[0], centres.numel(), INPUT_SIZE), counts


class Cmvn:
    """Mean and variance normalisation of input frames: (x + shift) * scale."""

    def __init__(self, shift: Array, scale: Array) -> None:
        # Six decimals are what am.mvn keeps; training must see the same numbers.
        self.shift = torch.from_numpy(np.round(shift, 6).astype(np.float32))
        self.scale = torch.from_numpy(np.round(scale, 6).astype(np.float32))

    @classmethod
    def of(cls, clips: list[Array]) -> Cmvn:
        """From filterbanks; the statistics are those of a mel channel, the same for all stacked copies."""
        frames = np.concatenate(clips)
        return cls(np.tile(-frames.mean(0), LFR_M), np.tile(1.0 / frames.std(0), LFR_M))

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Input frames [..., 560], normalised."""
        return (frames + self.shift) * self.scale

    def write(self, path: Path) -> None:
        """As a Kaldi nnet file, which FunASR and others read."""
        shift = " ".join(f"{x:.6f}" for x in self.shift.tolist())
        scale = " ".join(f"{x:.6f}" for x in self.scale.tolist())
        size = f"{INPUT_SIZE} {INPUT_SIZE}"
        path.write_text(
            f"<Nnet> \n<Splice> {size} \n[ 0 ]\n"
            f"<AddShift> {size} \n<LearnRateCoef> 0 [ {shift} ]\n"
            f"<Rescale> {size} \n<LearnRateCoef> 0 [ {scale} ]\n"
            "</Nnet> \n",
            encoding="utf-8",
        )
