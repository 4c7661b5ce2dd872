"""SenseVoice's front end: Kaldi filter-bank features, stacked (LFR) and normalised (CMVN).

The window and the mel bank come from kaldi-native-fbank, so that they are Kaldi's own; the frames of a whole
clip are then computed at once. kaldi-native-fbank's streaming extractor gives the same numbers (a test holds
the two together) but takes a Python float per sample and holds the interpreter lock meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sv_eval.errors import ModelError
from sv_eval.records import SAMPLE_RATE_HZ

Float32 = NDArray[np.float32]

_INT16_SCALE = np.float32(1 << 15)
_PREEMPHASIS = np.float32(0.97)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendConfig:
    """The front end's settings, as `frontend_conf` of a SenseVoice `config.yaml` names them.

    Dither is not among them: it is always 0, since noise in the features makes every run give other answers.
    """

    fs: int = SAMPLE_RATE_HZ
    """Sample rate, Hz."""
    window: str = "hamming"
    """Kaldi window type."""
    n_mels: int = 80
    """Mel bins."""
    frame_length: float = 25.0
    """Frame length, ms."""
    frame_shift: float = 10.0
    """Frame shift, ms."""
    lfr_m: int = 7
    """Frames stacked into one."""
    lfr_n: int = 6
    """Frames stepped over by each stacked one."""

    @property
    def dimension(self) -> int:
        """Values in one stacked frame."""
        return self.n_mels * self.lfr_m


class Frontend:
    """Turns waveforms into the features that the encoder reads. Thread-safe: it holds constants only."""

    def __init__(self, config: FrontendConfig, cmvn: Cmvn | None) -> None:
        import kaldi_native_fbank as knf
        from scipy.sparse import csr_matrix

        if config.fs != SAMPLE_RATE_HZ:
            raise ModelError(f"the model's front end wants {config.fs} Hz; only {SAMPLE_RATE_HZ} Hz is supported")
        options = knf.FbankOptions()
        options.frame_opts.samp_freq = config.fs
        options.frame_opts.dither = 0.0
        options.frame_opts.window_type = config.window
        options.frame_opts.frame_length_ms = config.frame_length
        options.frame_opts.frame_shift_ms = config.frame_shift
        options.mel_opts.num_bins = config.n_mels
        self.config = config
        self._length = round(config.fs * config.frame_length / 1000)
        self._shift = round(config.fs * config.frame_shift / 1000)
        self._fft = 1 << (self._length - 1).bit_length()
        window = knf.FeatureWindowFunction(options.frame_opts).window
        self._window: Float32 = np.asarray(window, dtype=np.float32)
        bank = np.asarray(knf.MelBanks(options.mel_opts, options.frame_opts).get_matrix(), dtype=np.float32)
        # Each frequency lies under two triangles at most. A dense product would also wake BLAS's threads,
        # which fight the inference engine's for the cores.
        self._bank = csr_matrix(_mels_by_bins(bank, config.n_mels, self._fft))
        self._cmvn = cmvn
        if cmvn is not None and len(cmvn.shift) != config.dimension:
            raise ModelError(
                f"am.mvn holds {len(cmvn.shift)} values, the front end gives {config.dimension}: "
                "the two files are not of one model"
            )

    def __call__(self, samples: Float32) -> Float32:
        """Features of one waveform (float32, -1 to 1, 16 kHz, shape [n]): float32, shape [frames, dimension].

        Fewer samples than a frame has are padded with silence to one.
        """
        stacked = stack_frames(self.fbank(samples), self.config.lfr_m, self.config.lfr_n)
        if self._cmvn is not None:
            stacked += self._cmvn.shift
            stacked *= self._cmvn.scale
        return stacked

    def fbank(self, samples: Float32) -> Float32:
        """Log mel energies, float32, shape [frames, n_mels]; Kaldi's `snip_edges` framing."""
        from scipy.fft import rfft

        if len(samples) < self._length:
            samples = np.pad(samples, (0, self._length - len(samples)))
        scaled = samples * _INT16_SCALE
        frames = np.lib.stride_tricks.sliding_window_view(scaled, self._length)[:: self._shift]
        centred = frames - frames.mean(axis=1, keepdims=True)
        sharpened = np.empty_like(centred)
        sharpened[:, 1:] = centred[:, 1:] - _PREEMPHASIS * centred[:, :-1]
        sharpened[:, 0] = centred[:, 0] * (1 - _PREEMPHASIS)
        sharpened *= self._window
        spectrum = rfft(sharpened, n=self._fft, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        mels = self._bank @ power[:, : self._bank.shape[1]].T
        energies: Float32 = np.ascontiguousarray(np.maximum(mels, np.finfo(np.float32).eps).T)
        return np.log(energies, out=energies)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cmvn:
    """Mean and variance normalisation: features are shifted, then scaled."""

    shift: Float32
    """Added to the features (the negative means), shape [dimension]."""
    scale: Float32
    """Multiplied in (the inverse standard deviations), shape [dimension]."""


def read_cmvn(path: Path) -> Cmvn:
    """The normalisation in a Kaldi nnet file (`am.mvn`): its `<AddShift>` and `<Rescale>` vectors."""
    try:
        words = path.read_text(encoding="utf-8").split()
        return Cmvn(shift=_vector_after("<AddShift>", words), scale=_vector_after("<Rescale>", words))
    except ValueError as error:
        raise ModelError(f"{path}: no AddShift and Rescale vectors could be read ({error})") from error


def stack_frames(frames: Float32, m: int, n: int) -> Float32:
    """Low frame rate: every `n`-th frame with its neighbours, `m` in all, side by side.

    The first frame is repeated (m - 1) // 2 times in front and the last as often as needed behind, so that
    [t, d] becomes [ceil(t / n), m * d].
    """
    count, dimension = frames.shape
    steps = -(-count // n)
    before = (m - 1) // 2
    index = np.arange(steps)[:, None] * n + np.arange(m)[None, :] - before
    return frames[np.clip(index, 0, count - 1)].reshape(steps, m * dimension)


def pad_batch(features: Sequence[Float32]) -> tuple[Float32, NDArray[np.int32]]:
    """One zero-padded array [batch, longest, dimension] and the true lengths, int32 [batch]."""
    lengths = np.array([len(item) for item in features], dtype=np.int32)
    batch = np.zeros((len(features), int(lengths.max()), features[0].shape[1]), dtype=np.float32)
    for row, item in zip(batch, features, strict=True):
        row[: len(item)] = item
    return batch, lengths


def _vector_after(tag: str, words: Sequence[str]) -> Float32:
    begin = words.index("[", words.index(tag)) + 1
    end = words.index("]", begin)
    return np.array(words[begin:end], dtype=np.float32)


def _mels_by_bins(bank: Float32, n_mels: int, fft: int) -> Float32:
    """The mel bank as [mels, frequency bins], whichever way round the library gives it."""
    by_mels = bank if bank.shape[0] == n_mels else bank.T
    if by_mels.shape[0] != n_mels or by_mels.shape[1] not in (fft // 2, fft // 2 + 1):
        raise ModelError(f"kaldi-native-fbank gave a mel bank of shape {bank.shape}, which is not understood")
    return by_mels
