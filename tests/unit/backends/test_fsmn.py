"""Our reading of an fsmn-vad against FunASR's own pipeline, frame by frame, on a small random network."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from sv_eval.backends.frontend import Frontend, FrontendConfig, read_cmvn
from sv_eval.backends.funasr_model import load_auto_model
from sv_eval.backends.segmentation.fsmn import FRAME, FsmnVad
from sv_eval.backends.segmentation.segmenter import Segmentation, Segmenter
from sv_eval.backends.sensevoice.model_dir import bundled_model
from sv_eval.config.places import cards_dir
from sv_eval.data.audio.decoding import decode
from sv_eval.errors import ModelError

pytest.importorskip("torch")

Float32 = NDArray[np.float32]
MELS, STACKED = 80, 5


@pytest.fixture(scope="module", autouse=True)
def funasr() -> None:
    """Imported for the first test: it takes seconds, which each process that collects tests would spend."""
    pytest.importorskip("funasr")


def some_speech() -> Float32:
    """Three demonstration clips, one after another."""
    clips = sorted((cards_dir() / "demo" / "clips").glob("*.flac"))[::70]
    return np.concatenate([decode(path).samples for path in clips])


class Directory:
    """Writes an fsmn-vad directory as the hub's looks, with a small random network."""

    def __init__(self, path: Path, *, silence: tuple[int, ...] = (0,)) -> None:
        self.path = path
        path.mkdir()
        width = MELS * STACKED
        encoder = {
            "input_dim": width, "input_affine_dim": 16, "fsmn_layers": 2, "linear_dim": 24, "proj_dim": 12,
            "lorder": 20, "rorder": 0, "lstride": 1, "rstride": 0, "output_affine_dim": 16, "output_dim": 4,
        }  # fmt: skip
        frontend: dict[str, Any] = {
            "fs": 16_000,
            "window": "hamming",
            "n_mels": MELS,
            "dither": 0.0,
            "lfr_m": STACKED,
            "lfr_n": 1,
        }
        post = {
            "sample_rate": 16_000, "speech_2_noise_ratio": 1.0, "silence_pdf_num": len(silence),
            "sil_pdf_ids": list(silence), "snr_thres": -100.0, "decibel_thres": -100.0, "speech_noise_thres": 0.6,
        }  # fmt: skip
        self.settings = {
            "frontend": "WavFrontendOnline", "frontend_conf": frontend, "model": "FsmnVADStreaming",
            "model_conf": post, "encoder": "FSMN", "encoder_conf": encoder,
        }  # fmt: skip
        self.write_settings()
        rng = np.random.default_rng(7)
        self._write_cmvn(-13 + rng.standard_normal(width), 0.2 + 0.1 * rng.random(width))
        self._write_weights()
        metas = {"init_param": "model.pt", "config": "config.yaml", "frontend_conf": {"cmvn_file": "am.mvn"}}
        (path / "configuration.json").write_text(json.dumps({"file_path_metas": metas}))

    def write_settings(self) -> None:
        (self.path / "config.yaml").write_text(yaml.safe_dump(self.settings))

    def _write_cmvn(self, shift: Any, scale: Any) -> None:
        words = ["<Nnet>", f"<Splice> {len(shift)} {len(shift)}", "[ 0 ]"]
        for name, values in (("<AddShift>", shift), ("<Rescale>", scale)):
            numbers = " ".join(f"{value:.6f}" for value in values)
            words += [f"{name} {len(values)} {len(values)}", f"<LearnRateCoef> 0 [ {numbers} ]"]
        (self.path / "am.mvn").write_text("\n".join([*words, "</Nnet>", ""]))

    def _write_weights(self) -> None:
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from funasr.models.fsmn_vad_streaming.encoder import FSMN

        torch.manual_seed(3)
        network = FSMN(**self.settings["encoder_conf"], use_softmax=False)
        config = FrontendConfig(lfr_m=STACKED, lfr_n=1)
        features = torch.from_numpy(Frontend(config, read_cmvn(self.path / "am.mvn"))(some_speech()))
        last = network.out_linear2.linear
        with torch.no_grad():
            # So that P(speech) wanders all over the range instead of staying near one value.
            scores = network(features[None], cache={})[0]
            last.weight.mul_(2 / scores.std(dim=0)[:, None])
            last.bias.mul_(2 / scores.std(dim=0)).sub_(2 * scores.mean(dim=0) / scores.std(dim=0))
            last.bias[0] += 2
        torch.save(
            {f"encoder.{name}": value for name, value in network.state_dict().items()}, self.path / "model.pt"
        )


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Directory]:
    return lambda **settings: Directory(tmp_path_factory.mktemp("vad") / "fsmn", **settings)


@pytest.fixture(scope="module")
def directory(make: Callable[..., Directory]) -> Directory:
    return make()


@pytest.fixture(scope="module")
def speech() -> Float32:
    return some_speech()


def funasr_states(path: Path, samples: Float32, threshold: float | None) -> dict[int, bool]:
    """Which frames FunASR's pipeline takes for speech, written down while it runs."""
    auto = load_auto_model(path, asked="test", device="cpu", threads=1)
    states: dict[int, bool] = {}
    judge = auto.model.GetFrameState

    def noted(t: int, cache: dict[str, Any]) -> Any:
        dropped = cache["stats"].last_drop_frames
        states[t + dropped] = (state := judge(t, cache=cache)).name == "kFrameStateSpeech"
        return state

    auto.model.GetFrameState = noted
    chosen = {} if threshold is None else {"speech_noise_thres": 2 * threshold - 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        auto.generate(input=samples, dynamic_silence=False, **chosen)
    return states


def funasr_scores(path: Path, samples: Float32) -> Float32:
    """P(silence) of each class and frame by FunASR's own front end and network, shape [frames, classes]."""
    import torch

    auto = load_auto_model(path, asked="test", device="cpu", threads=1)
    cache: dict[str, Any] = {}
    auto.model.init_cache(cache)
    features, _ = auto.kwargs["frontend"](
        torch.from_numpy(samples)[None], torch.tensor([len(samples)]), cache=cache["frontend"], is_final=True
    )
    with torch.inference_mode():
        auto.model.ComputeScores(features, cache=cache)
    scores: Float32 = cache["stats"].scores[0].numpy()
    return scores


def judged(count: int, probabilities: Float32, threshold: float) -> tuple[list[int], list[bool]]:
    """Frames that are not within rounding of the threshold, and whether they are speech under it."""
    clear = [n for n in range(count) if abs(probabilities[n] - threshold) > 1e-4]
    return clear, [bool(probabilities[n] >= threshold) for n in clear]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.7, 0.95])
def test_a_frame_is_speech_exactly_when_funasr_takes_it_for_speech(
    directory: Directory, speech: Float32, threshold: float
) -> None:
    probabilities = FsmnVad(str(directory.path))(speech)
    states = funasr_states(directory.path, speech, threshold)

    frames, expected = judged(len(states), probabilities, threshold)

    assert sorted(states) == list(range((len(speech) - 400) // FRAME + 1))
    assert [states[frame] for frame in frames] == expected
    assert 0.05 < np.mean(expected) < 0.95
    assert len(frames) > 0.98 * len(states)


def test_funasrs_own_default_is_a_threshold_of_four_fifths(directory: Directory, speech: Float32) -> None:
    probabilities = FsmnVad(str(directory.path))(speech)
    states = funasr_states(directory.path, speech, None)

    frames, expected = judged(len(states), probabilities, 0.8)

    assert [states[frame] for frame in frames] == expected


def test_several_classes_of_silence_count_together(make: Callable[..., Directory], speech: Float32) -> None:
    two = make(silence=(0, 2))

    probabilities = FsmnVad(str(two.path))(speech)

    scores = funasr_scores(two.path, speech)
    np.testing.assert_allclose(probabilities[: len(scores)], 1 - scores[:, 0] - scores[:, 2], atol=1e-4)


@pytest.mark.parametrize("samples", [400, 559, 560, 720, 900, 1_039, 1_040, 16_000])
def test_the_first_and_last_frames_are_funasrs_at_any_length(
    directory: Directory, speech: Float32, samples: int
) -> None:
    clip = speech[5_000 : 5_000 + samples]

    probabilities = FsmnVad(str(directory.path))(clip)

    expected = 1 - funasr_scores(directory.path, clip)[:, 0]
    np.testing.assert_allclose(probabilities[: len(expected)], expected, atol=1e-4)
    assert len(probabilities) == -(-samples // FRAME)
    assert np.all(probabilities[len(expected) :] == probabilities[len(expected) - 1])


def test_a_clip_shorter_than_a_frame_is_answered(directory: Directory) -> None:
    probabilities = FsmnVad(str(directory.path))(np.zeros(50, np.float32))

    assert probabilities.shape == (1,)
    assert 0 <= probabilities[0] <= 1


def test_a_span_that_lasts_to_the_end_ends_with_the_clip(directory: Directory, speech: Float32) -> None:
    settings = Segmentation(
        vad="fsmn", vad_model=str(directory.path), vad_threshold=1e-6, min_speech_ms=0, pad_ms=0
    )

    spans = Segmenter(settings)(speech)

    assert spans[-1].end == len(speech)


def test_the_normalisation_is_found_without_a_configuration_json(
    make: Callable[..., Directory], directory: Directory, speech: Float32
) -> None:
    bare = make()
    (bare.path / "configuration.json").unlink()

    np.testing.assert_array_equal(FsmnVad(str(bare.path))(speech), FsmnVad(str(directory.path))(speech))


def test_without_a_normalisation_the_features_stay_as_they_are(
    make: Callable[..., Directory], speech: Float32
) -> None:
    bare = make()
    (bare.path / "am.mvn").unlink()

    probabilities = FsmnVad(str(bare.path))(speech)

    expected = 1 - funasr_scores(bare.path, speech)[:, 0]
    np.testing.assert_allclose(probabilities[: len(expected)], expected, atol=1e-4)


def test_a_detector_of_longer_steps_is_refused(make: Callable[..., Directory]) -> None:
    stepping = make()
    stepping.settings["frontend_conf"]["lfr_n"] = 3
    stepping.write_settings()

    with pytest.raises(ModelError, match=r"backend\.vad_model=.*lfr_n is 3"):
        FsmnVad(str(stepping.path))


def test_a_speech_recogniser_is_refused() -> None:
    with pytest.raises(ModelError, match=r"backend\.vad_model=.*SenseVoiceSmall, not an fsmn-vad"):
        FsmnVad(str(bundled_model()))


def test_a_directory_that_is_not_there_is_refused() -> None:
    with pytest.raises(ModelError, match=r"backend\.vad_model=/no/such: no such directory"):
        FsmnVad("/no/such")
