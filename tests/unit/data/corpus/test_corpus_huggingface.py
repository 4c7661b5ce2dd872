"""Corpora through Hugging Face `datasets`, and the clash of its name with our folder of cards."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from sv_eval.config.places import cards_dir, house
from sv_eval.errors import AudioError, CorpusError

NEEDS_DATASETS = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
pytestmark = NEEDS_DATASETS


def flac(seconds: float, value: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.full(round(16_000 * seconds), value, np.float32), 16_000, format="FLAC")
    return file.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keeps Hugging Face's cache in the temporary folder, and off the network."""
    hf = pytest.importorskip("datasets")
    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(hf.config, "HF_DATASETS_OFFLINE", True)
    hf.disable_progress_bars()


@pytest.fixture
def parquet(tmp_path):
    """A parquet file as the hub serves them: audio as bytes and path, labels as ClassLabel."""
    import datasets

    features = datasets.Features(
        {
            "audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")},
            "label": datasets.ClassLabel(names=["anger", "happiness", "boredom"]),
            "spk": datasets.Value("int64"),
            "text": datasets.Value("string"),
        }
    )
    cells = [{"bytes": flac(0.1 * (row + 1), 0.1), "path": f"{row}.flac"} for row in range(4)]
    table = datasets.Dataset.from_dict(
        {"audio": cells, "label": [0, 1, 2, -1], "spk": [1, 1, 2, 2], "text": ["a", "b", "c", None]},
        features=features,
    )
    folder = tmp_path / "hub"
    folder.mkdir()
    path = folder / "train-00000-of-00001.parquet"
    table.to_parquet(str(path))
    return path


def write_rows(path, contents):
    """A parquet file whose audio has no names."""
    import datasets

    features = datasets.Features(
        {
            "audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")},
            "label": datasets.Value("string"),
        }
    )
    cells = [{"bytes": content, "path": None} for content in contents]
    datasets.Dataset.from_dict({"audio": cells, "label": ["sad"] * len(cells)}, features=features).to_parquet(path)
    return path


def test_parquet_is_read_with_its_columns(read, parquet):
    corpus = read(
        kind="huggingface",
        split="train",
        huggingface={"data_files": str(parquet), "speaker_column": "spk", "transcript_column": "text"},
    )

    assert [(clip.id, clip.path, clip.raw_label, clip.reference) for clip in corpus.clips] == [
        ("row_0", "0.flac", "anger", "angry"),
        ("row_1", "1.flac", "happiness", "happy"),
        ("row_2", "2.flac", "boredom", "other"),
        ("row_3", "3.flac", None, None),
    ]
    assert [clip.speaker for clip in corpus.clips] == ["1", "1", "2", "2"]
    assert corpus.clips[0].transcript == "a"
    assert corpus.clips[2].size_bytes == len(flac(0.3, 0.1))
    assert corpus.source.load(corpus.clips[1]).duration_s == pytest.approx(0.2)
    assert corpus.source.load(corpus.clips[1], keep_encoded=True).encoded == flac(0.2, 0.1)


def test_reading_parquet_imports_no_torch(parquet):
    code = f"""
import sys
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
table = {{"data_files": {str(parquet)!r}}}
settings = {{"name": "t", "kind": "huggingface", "split": "train", "huggingface": table}}
corpus = read_corpus(dataset_config_from(settings))
corpus.source.load(corpus.clips[0])
assert "torch" not in sys.modules
"""

    # Another test may have imported torch into this process.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=1800)

    assert done.returncode == 0, done.stderr


def test_row_without_a_name_is_called_by_its_number(read, tmp_path):
    path = write_rows(tmp_path / "x.parquet", [flac(0.1, 0.1), flac(0.2, 0.1), None])

    corpus = read(kind="huggingface", split="train", huggingface={"data_files": str(path)})

    assert [clip.path for clip in corpus.clips] == ["row 0", "row 1", "row 2"]
    assert corpus.source.load(corpus.clips[1]).duration_s == pytest.approx(0.2)
    with pytest.raises(AudioError, match="row 2 holds no audio"):
        corpus.source.load(corpus.clips[2])


def test_hash_sees_other_bytes_of_the_same_length(read, tmp_path):
    content = flac(0.5, 0.1)
    changed = content[:-1] + bytes([content[-1] ^ 1])
    files = [
        write_rows(tmp_path / f"{number}.parquet", rows)
        for number, rows in enumerate([[content, content], [content, changed], [content, content], [content, None]])
    ]

    hashes = [read(kind="huggingface", split="train", huggingface={"data_files": str(file)}).hash for file in files]

    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 3


def test_hash_sees_the_files_that_rows_name(read, sound, tmp_path):
    file = sound("audio/a.wav")
    (tmp_path / "list.jsonl").write_text('{"audio": "a.wav", "label": "sad"}\n')
    options = {"root": str(tmp_path / "audio"), "huggingface": {"data_files": str(tmp_path / "list.jsonl")}}

    def read_hash():
        return read(kind="huggingface", split="train", **options).hash

    whole = read_hash()
    sound("audio/a.wav", value=0.2)
    changed = read_hash()
    file.unlink()

    assert len({whole, changed, read_hash()}) == 3


def test_rows_are_loaded_from_many_threads(read, parquet):
    corpus = read(kind="huggingface", split="train", huggingface={"data_files": str(parquet)})

    with ThreadPoolExecutor(8) as pool:
        waveforms = list(pool.map(corpus.source.load, corpus.clips * 25))

    assert [len(waveform.samples) for waveform in waveforms] == [1600, 3200, 4800, 6400] * 25


def test_local_folder_and_all_splits(read, parquet):
    corpus = read(kind="huggingface", split="all", huggingface={"path": str(parquet.parent)})

    assert len(corpus.clips) == 4


def test_json_lines_with_paths(read, sound, tmp_path):
    sound("audio/a.wav")
    path = tmp_path / "list.jsonl"
    path.write_text(
        '{"audio": "a.wav", "label": "sad", "name": "x"}\n{"audio": "none.wav", "label": "sad", "name": "y"}\n'
    )

    corpus = read(
        kind="huggingface",
        split="train",
        root=str(tmp_path / "audio"),
        huggingface={"data_files": [str(path)], "id_column": "name"},
    )

    assert [clip.id for clip in corpus.clips] == ["x", "y"]
    assert corpus.source.load(corpus.clips[0]).duration_s == 0.1
    with pytest.raises(AudioError) as error:
        corpus.source.load(corpus.clips[1])
    assert error.value.kind == "not_found"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"audio_column": "sound"}, "no column 'sound', but audio, label, spk, text; .*audio_column=COLUMN$"),
        ({"label_column": "emotion"}, r"no column 'emotion'.*label_column=COLUMN \(null"),
    ],
)
def test_column_that_is_not_there(read, parquet, options, message):
    with pytest.raises(CorpusError, match=message):
        read(kind="huggingface", split="train", huggingface={"data_files": str(parquet), **options})


def test_what_cannot_be_loaded_is_told(read, parquet, tmp_path):
    with pytest.raises(CorpusError, match=r"can't load 'parquet', split 'dev'"):
        read(kind="huggingface", split="dev", huggingface={"data_files": str(parquet)})
    with pytest.raises(CorpusError, match=r"can't load '.*nothing'"):
        read(kind="huggingface", split="train", huggingface={"path": str(tmp_path / "nothing")})
    with pytest.raises(CorpusError, match="its ending names no builder"):
        read(kind="huggingface", split="train", huggingface={"data_files": "a.xyz"})


def test_cards_folder_is_no_package():
    assert not list(cards_dir().rglob("__init__.py"))


def test_hugging_faces_package_wins_in_the_repository():
    code = "import datasets; assert hasattr(datasets, 'load_dataset'), datasets.__path__"

    # any module does: `python -m` puts the working directory first on the path
    subprocess.run([sys.executable, "-m", "timeit", "-n1", "-r1", code], check=True, cwd=house())


def test_without_the_package_the_cards_folder_is_not_mistaken_for_it(tmp_path):
    (tmp_path / "datasets" / "emodb").mkdir(parents=True)
    code = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'datasets': sys.path[:] = ['']\n"
        "sys.meta_path.insert(0, Hide())\n"
        "from sv_eval.data.corpus.reading import dataset_config_from, read_corpus\n"
        "from sv_eval.errors import CorpusError\n"
        "config = dataset_config_from({'name': 'x', 'kind': 'huggingface', 'huggingface': {'path': 'a/b'}})\n"
        "try:\n"
        "    read_corpus(config)\n"
        "except CorpusError as error:\n"
        "    print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(house())},
    )

    assert "pip install 'sv-eval[hf]'" in done.stdout
    assert "mere folder" in done.stdout
