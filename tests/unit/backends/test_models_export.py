"""ONNX graphs of a directory: they say what the network says, and stand in a directory that can be used."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sv_eval.backends.frontend import Float32, Frontend
from sv_eval.backends.hubs import find_directory
from sv_eval.backends.sensevoice.answers import EMOTION_FRAME, emotion_posteriors
from sv_eval.backends.sensevoice.model_dir import GRAPH_FILES, bundled_model, open_model
from sv_eval.backends.sensevoice.models.export import ExportedGraph, export
from sv_eval.backends.sensevoice.tokens import TEXTNORM_PROMPTS
from sv_eval.cli.main import command
from sv_eval.errors import ModelError

main = command("models")

pytestmark = pytest.mark.skipif(
    find_spec("funasr") is None or find_spec("onnx") is None, reason="torch, funasr and onnx are not all installed"
)

DEMO = Path(__file__).resolve().parents[3] / "datasets" / "demo" / "clips"
CLIPS = sorted(DEMO.glob("*_01.flac"))[::7]
Exported = tuple[Path, Mapping[str, ExportedGraph]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    if not (bundled_model() / "model.pt").is_file():
        pytest.skip("the bundled model's torch weights stay in the checkout")
    out = tmp_path_factory.mktemp("models") / "exported"
    return out, {one.precision: one for one in export(bundled_model(), out, tuple(GRAPH_FILES))}


def posteriors_of(graph: Path) -> Float32:
    """Emotion posteriors of the clips, [clips, emotions]."""
    import onnxruntime

    directory = open_model(bundled_model())
    frontend = Frontend(directory.frontend, directory.cmvn)
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    ids = list(directory.vocabulary.emotions.values())
    rows = []
    for clip in CLIPS:
        features = frontend(soundfile.read(clip, dtype="float32")[0])
        inputs = {
            "speech": features[None],
            "speech_lengths": np.array([len(features)], dtype=np.int32),
            "language": np.zeros(1, dtype=np.int32),
            "textnorm": np.array([TEXTNORM_PROMPTS[False]], dtype=np.int32),
        }
        logits = session.run(["ctc_logits"], inputs)[0]
        assert logits.dtype == np.float32
        rows.append(logits[0, EMOTION_FRAME, ids])
    return emotion_posteriors(np.array(rows)).astype(np.float32)


def test_fp32_gives_the_bundled_graphs_posteriors(exported: Exported) -> None:
    ours = posteriors_of(exported[0] / "model.onnx")

    np.testing.assert_allclose(ours, posteriors_of(bundled_model() / "model.onnx"), atol=1e-5)


def has_vnni() -> bool:
    """Whether this processor adds up products of eight bits in 32."""
    information = Path("/proc/cpuinfo")
    return information.is_file() and "vnni" in information.read_text(encoding="utf-8")


@pytest.mark.parametrize(("file", "most"), [("model_fp16.onnx", 0.02), ("model_quant.onnx", 0.15)])
def test_a_smaller_graph_is_close_to_fp32(exported: Exported, file: str, most: float) -> None:
    reference = posteriors_of(exported[0] / "model.onnx")

    smaller = posteriors_of(exported[0] / file)

    # Loose for int8: processors without VNNI round its sums in other ways.
    assert np.abs(smaller - reference).max() < most
    decided = reference.max(axis=1) > 0.5 + most
    assert decided.sum() >= 8
    assert (smaller.argmax(axis=1) == reference.argmax(axis=1))[decided].all()


def test_what_the_export_measured_is_small_and_in_order(exported: Exported) -> None:
    _, by_precision = exported

    assert by_precision["fp32"].gap < 1e-4
    assert by_precision["fp16"].gap < 0.02
    # Without VNNI, products of eight bits are added up in sixteen, which saturate now and then.
    assert by_precision["int8"].gap < (0.15 if has_vnni() else 0.4)
    assert by_precision["fp32"].size_bytes > by_precision["fp16"].size_bytes > by_precision["int8"].size_bytes


def test_every_graph_is_one_file_among_what_belongs_to_it(exported: Exported) -> None:
    assert sorted(path.name for path in exported[0].iterdir()) == [
        "am.mvn",
        "chn_jpn_yue_eng_ko_spectok.bpe.model",
        "config.yaml",
        "configuration.json",
        "model.onnx",
        "model_card.yaml",
        "model_fp16.onnx",
        "model_quant.onnx",
    ]


def test_the_card_states_the_precisions_and_nothing_else_changes(exported: Exported) -> None:
    card, before = open_model(exported[0]).card, open_model(bundled_model()).card

    assert card["precision"] == "fp32, fp16, int8"
    assert {**card, "precision": before["precision"]} == before


def test_one_directory_can_be_source_and_output(tmp_path: Path) -> None:
    source = tmp_path / "model"
    shutil.copytree(bundled_model(), source)
    fp32 = (source / "model.onnx").read_bytes()

    export(source, source, ("int8",))

    assert (source / "model_quant.onnx").is_file()
    assert (source / "model.onnx").read_bytes() == fp32
    assert open_model(source).card["precision"] == "fp32, int8"


def without(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def damaged(folder: Path) -> None:
    (folder / "model.pt").write_bytes((folder / "model.pt").read_bytes()[:1000])


def incomplete(folder: Path) -> None:
    import torch

    weights = torch.load(folder / "model.pt")
    del weights["embed.weight"]
    torch.save(weights, folder / "model.pt")


def other_sizes(folder: Path) -> None:
    text = (folder / "config.yaml").read_text().replace("linear_units: 128", "linear_units: 64")
    (folder / "config.yaml").write_text(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("model.pt"), "model.pt is missing"),
        (without("am.mvn"), "am.mvn is missing"),
        (without("config.yaml"), "config.yaml is missing"),
        (damaged, "can't load it"),
        (incomplete, "embed.weight"),
        (other_sizes, "can't load it"),
    ],
)
def test_a_directory_that_lacks_something_is_said_in_one_line(
    change: Callable[[Path], None], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "model"
    shutil.copytree(bundled_model(), source)
    change(source)

    code = main(["export", str(source), "--out", str(tmp_path / "out"), "--precision", "fp32"])

    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert words in said.err
    assert str(source) in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere/at/all"], "/nowhere/at/all: no such directory"),
        (["bundled", "--precision", "fp8"], "did you mean"),
        (["bundled", "--precision", ","], "precision is empty"),
        (["bundled", "--revision", "v1"], "no revisions"),
        (["bundled", "--hub", "github"], "hub=github"),
    ],
)
def test_wrong_usage_is_said_in_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["export", *arguments, "--out", str(tmp_path / "out")])

    said = capsys.readouterr().err
    assert code == 2
    assert said.count("\n") == 1
    assert words in said
    assert not (tmp_path / "out").exists()


def test_a_hub_that_can_not_be_reached_is_said_with_its_reason() -> None:
    def unreachable(model: str, revision: str | None) -> str:
        raise ConnectionError("Failed to resolve host\nand much more")

    with pytest.raises(ModelError, match=r"^MODEL=some/model: .*ModelScope did not give it \(Failed to resol"):
        find_directory("some/model", asked="MODEL=some/model", hub="ms", hubs={"ms": unreachable})


def test_a_hub_is_asked_for_the_revision_that_was_given(tmp_path: Path) -> None:
    asked = []

    def download(model: str, revision: str | None) -> str:
        asked.append((model, revision))
        return str(tmp_path)

    found = find_directory("some/model", asked="x", hub="hf", revision="v1", hubs={"hf": download})

    assert found == tmp_path
    assert asked == [("some/model", "v1")]
