"""Hugging Face columns that hold samples instead of files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.data.audit.audit import audit_corpus
from sv_eval.data.audit.settings import CheckSettings
from sv_eval.data.corpus.config import DatasetConfig, dataset_config_from
from sv_eval.data.corpus.reading import Corpus, read_corpus
from sv_eval.errors import AudioError, CorpusError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

SOUND = (0.1 * np.sin(np.arange(8_000) / 20)).astype(np.float32)
FLOATS = SOUND.tolist()
INTEGERS = np.round(SOUND * 32_768).astype(int).tolist()
Settings = Callable[..., DatasetConfig]


@pytest.fixture(params=["parquet", "json"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Writes rows as a file of each kind and gives the configuration that reads it."""
    hf = pytest.importorskip("datasets")
    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(hf.config, "HF_DATASETS_OFFLINE", True)
    hf.disable_progress_bars()

    def write(*rows: dict[str, Any], **options: Any) -> DatasetConfig:
        path = tmp_path / ("rows.parquet" if request.param == "parquet" else "rows.jsonl")
        if request.param == "parquet":
            hf.Dataset.from_list(list(rows)).to_parquet(str(path))
        else:
            path.write_text("\n".join(map(json.dumps, rows)))
        source = {"huggingface": {"data_files": str(path)}, "kind": "huggingface", "split": "train"}
        return dataset_config_from({"name": "rows", **source, **options})

    return write


def heard(corpus: Corpus, index: int = 0, **options: Any) -> Any:
    return corpus.source.load(corpus.clips[index], **options)


def test_an_array_with_its_rate_is_read(settings: Settings) -> None:
    waveform = heard(read_corpus(settings({"audio": {"array": FLOATS, "sampling_rate": 16_000}, "label": "happy"})))

    np.testing.assert_array_equal(waveform.samples, SOUND)


@pytest.mark.parametrize("beside", ["sampling_rate", "sample_rate", "sr"])
def test_a_list_with_a_rate_beside_it_is_read(settings: Settings, beside: str) -> None:
    waveform = heard(read_corpus(settings({"audio": FLOATS, beside: 8_000, "label": "happy"})))

    assert (waveform.source_rate_hz, waveform.duration_s) == (8_000, 1.0)


def test_integers_of_16_bits_are_sound_of_the_same_level(settings: Settings) -> None:
    audio = {"array": INTEGERS, "sampling_rate": 16_000}

    waveform = heard(read_corpus(settings({"audio": audio, "label": "happy"})))

    np.testing.assert_allclose(waveform.samples, SOUND, atol=1 / 32_768)


def test_channels_are_mixed_or_chosen_like_a_file_s(settings: Settings) -> None:
    row = {"audio": {"array": [FLOATS, [0.0] * 8_000], "sampling_rate": 16_000}, "label": "happy"}

    mixed, each = heard(read_corpus(settings(row))), read_corpus(settings(row, channel="each"))

    np.testing.assert_allclose(mixed.samples, SOUND / 2, atol=1e-7)
    assert mixed.marks == ("mixed",)
    assert [clip.id for clip in each.clips] == ["row_0#1", "row_0#2"]
    np.testing.assert_array_equal(heard(each).samples, SOUND)


def test_floats_in_the_scale_of_integers_and_wider_integers_are_named(settings: Settings) -> None:
    scaled = [value * 32_768 for value in FLOATS]
    wide = [value * 65_536 for value in INTEGERS]
    for array in (scaled, wide):
        rows = settings({"audio": {"array": array, "sampling_rate": 16_000}, "label": "happy"})
        corpus = read_corpus(rows)
        with pytest.raises(AudioError) as error:
            heard(corpus)
        assert error.value.kind == "wrong_scale"


def test_rows_without_samples_fail_and_the_others_do_not(settings: Settings) -> None:
    rows = [
        {"audio": {"array": [], "sampling_rate": 16_000}, "label": "happy"},
        {"audio": {"array": FLOATS, "sampling_rate": 16_000}, "label": "sad"},
    ]
    corpus = read_corpus(settings(*rows))

    with pytest.raises(AudioError, match="row 0 holds no samples") as error:
        heard(corpus)
    assert error.value.kind == "not_found"
    assert heard(corpus, 1).duration_s == 0.5


def test_samples_without_a_rate_are_refused_with_what_to_add(settings: Settings) -> None:
    with pytest.raises(CorpusError, match="nothing says their rate; add a column sampling_rate"):
        read_corpus(settings({"audio": FLOATS, "label": "happy"}))


def test_a_column_that_is_no_audio_is_refused_by_what_it_holds(settings: Settings) -> None:
    with pytest.raises(CorpusError, match=r"'audio' holds .*int64.* dataset\.huggingface\.audio_column=COLUMN"):
        read_corpus(settings({"audio": 3, "label": "happy"}))


@pytest.mark.parametrize(
    "cell", [True, 0.5, None, ["a"], {"a": 1}, {"path": 1}, {"bytes": 2, "path": "a.wav"}], ids=repr
)
def test_a_column_of_any_other_kind_is_no_audio(cell: Any, settings: Settings) -> None:
    with pytest.raises(CorpusError, match="which is no audio: give one with files' bytes or names"):
        read_corpus(settings({"audio": cell, "label": "happy"}))


def test_the_rate_and_the_samples_enter_the_hash(settings: Settings) -> None:
    variants = [(FLOATS, 16_000), (FLOATS, 8_000), ([*FLOATS[:-1], 0.25], 16_000)]

    hashes = {
        read_corpus(settings({"audio": {"array": array, "sampling_rate": rate}, "label": "happy"})).hash
        for array, rate in variants
    }

    assert len(hashes) == 3


def test_the_audit_reads_them_too(settings: Settings) -> None:
    rows = settings({"audio": {"array": FLOATS, "sampling_rate": 16_000}, "label": "happy"})

    audit = audit_corpus(rows, CheckSettings(workers=1))

    assert [clip.audio_facts.duration_s for clip in audit.clips if clip.audio_facts is not None] == [0.5]
