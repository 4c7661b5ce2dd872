from __future__ import annotations

from pathlib import Path

import kaldi_native_fbank as knf
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from sv_eval.backends.frontend import Cmvn, Frontend, FrontendConfig, pad_batch, read_cmvn, stack_frames
from sv_eval.errors import ModelError


def noise(samples: int, level: float = 0.1) -> NDArray[np.float32]:
    return (level * np.random.default_rng(samples).standard_normal(samples)).astype(np.float32)


def kaldi_fbank(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The streaming extractor's own answer, a Python float at a time."""
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = 80
    extractor = knf.OnlineFbank(options)
    extractor.accept_waveform(16_000, (samples * 32_768).tolist())
    extractor.input_finished()
    return np.stack([extractor.get_frame(i) for i in range(extractor.num_frames_ready)])


@pytest.mark.parametrize("samples", [400, 401, 559, 560, 16_000, 33_333])
def test_features_are_those_of_kaldi_native_fbank(samples: int) -> None:
    wave = noise(samples)

    ours, theirs = Frontend(FrontendConfig(), None).fbank(wave), kaldi_fbank(wave)

    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_features_of_real_speech_are_those_of_kaldi_native_fbank(emodb_root: Path) -> None:
    frontend = Frontend(FrontendConfig(), None)
    for path in sorted(emodb_root.glob("wav/*.wav"))[::30]:
        wave, _ = soundfile.read(path, dtype="float32")
        ours, theirs = frontend.fbank(wave), kaldi_fbank(wave)
        # Bins near the floor are rounding noise in either one; what carries speech must agree closely.
        np.testing.assert_allclose(ours[theirs > 4], theirs[theirs > 4], atol=5e-3)
        np.testing.assert_allclose(ours, theirs, atol=0.02)
        assert np.abs(ours - theirs).mean() < 1e-5


def test_silence_has_finite_features() -> None:
    assert np.isfinite(Frontend(FrontendConfig(), None)(np.zeros(16_000, dtype=np.float32))).all()


def test_the_same_waveform_has_the_same_features() -> None:
    frontend = Frontend(FrontendConfig(), None)

    np.testing.assert_array_equal(frontend(noise(8000)), frontend(noise(8000)))


def test_less_than_a_frame_is_padded_to_one() -> None:
    assert Frontend(FrontendConfig(), None)(noise(10)).shape == (1, 560)


def test_stacking_repeats_the_edges() -> None:
    frames = np.arange(8, dtype=np.float32)[:, None]

    np.testing.assert_array_equal(stack_frames(frames, 7, 6), [[0, 0, 0, 0, 1, 2, 3], [3, 4, 5, 6, 7, 7, 7]])


def test_cmvn_is_read_and_applied(tmp_path: Path) -> None:
    shift, scale = " ".join(["1.5"] * 560), " ".join(["2.0"] * 560)
    path = tmp_path / "am.mvn"
    path.write_text(
        f"<Nnet>\n<Splice> 560 560\n[ 0 ]\n<AddShift> 560 560\n<LearnRateCoef> 0 [ {shift} ]\n"
        f"<Rescale> 560 560\n<LearnRateCoef> 0 [ {scale} ]\n</Nnet>\n",
        encoding="utf-8",
    )
    plain = Frontend(FrontendConfig(), None)(noise(4000))

    normalised = Frontend(FrontendConfig(), read_cmvn(path))(noise(4000))

    np.testing.assert_allclose(normalised, (plain + 1.5) * 2.0, rtol=1e-6)


def test_a_normalisation_of_another_model_is_refused() -> None:
    cmvn = Cmvn(shift=np.zeros(80, dtype=np.float32), scale=np.ones(80, dtype=np.float32))

    with pytest.raises(ModelError, match="not of one model"):
        Frontend(FrontendConfig(), cmvn)


def test_a_file_without_vectors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "am.mvn"
    path.write_text("<Nnet> </Nnet>", encoding="utf-8")

    with pytest.raises(ModelError, match=r"am\.mvn"):
        read_cmvn(path)


def test_a_batch_is_padded_with_zeros() -> None:
    batch, lengths = pad_batch([np.ones((2, 3), np.float32), np.ones((1, 3), np.float32)])

    assert lengths.tolist() == [2, 1]
    assert batch[1].tolist() == [[1, 1, 1], [0, 0, 0]]
