"""Drawing a few clips, and writing a manifest that reads back to the same ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sv_eval.data.corpus.config import DatasetConfig, dataset_config_from
from sv_eval.data.corpus.manifest_writer import write_manifest
from sv_eval.data.corpus.reading import Corpus, read_corpus
from sv_eval.data.corpus.sample import SampleSettings, drawn, place_of, sample_settings_from, write_sample
from sv_eval.errors import ConfigError, CorpusError, RunDirectoryError
from sv_eval.records import Clip


def config(**values: Any) -> DatasetConfig:
    return dataset_config_from({"name": "test", **values})


def corpus_of(root: Path) -> Corpus:
    return read_corpus(config(kind="folder", root=str(root)))


def clips_by(*speakers: str, emotions: tuple[str, ...] = ("happy", "sad"), n: int = 5) -> list[Clip]:
    return [
        Clip(id=f"{emotion}_{speaker}_{take}", reference=emotion, speaker=speaker)
        for emotion in emotions
        for speaker in speakers
        for take in range(n)
    ]


def test_as_many_of_each_emotion_from_different_speakers() -> None:
    chosen = drawn(clips_by("a", "b", "c"), SampleSettings(per_emotion=3))

    assert Counter(clip.reference for clip in chosen) == {"happy": 3, "sad": 3}
    assert {clip.speaker for clip in chosen[:3]} == {"a", "b", "c"}


def test_fewer_speakers_than_clips_take_turns() -> None:
    chosen = drawn(clips_by("a", "b", emotions=("sad",)), SampleSettings(per_emotion=5))

    assert sorted(Counter(clip.speaker for clip in chosen).values()) == [2, 3]


def test_the_seed_decides_and_the_order_does_not() -> None:
    clips = clips_by("a", "b", "c", "d", n=20)

    first, again, other = (
        drawn(given, SampleSettings(seed=seed)) for given, seed in ((clips, 1), (clips[::-1], 1), (clips, 2))
    )

    assert first == again
    assert first != other


def test_what_there_is_of_a_rare_emotion_and_of_the_unlabelled() -> None:
    chosen = drawn([*clips_by("a", n=1), Clip(id="x")], SampleSettings(per_emotion=3))

    assert [clip.id for clip in chosen] == ["happy_a_0", "sad_a_0", "x"]


@pytest.mark.parametrize("given", [{"per_emotion": 0}, {"per_emotion": "many"}, {"link": 1}])
def test_samples_that_can_not_be(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        sample_settings_from(given)


@pytest.fixture
def tones(tmp_path: Path, write_tone: Callable[..., Path]) -> Path:
    for name in ("happy/ä b.wav", "happy/c.wav", "sad/d.flac"):
        write_tone(tmp_path / "root" / name)
    return tmp_path / "root"


def test_a_sample_is_copied_with_an_index_whose_links_lead_to_it(tones: Path, tmp_path: Path) -> None:
    corpus = corpus_of(tones)

    index = write_sample(corpus, corpus.clips, tmp_path / "out", _plain_index, link=False)

    placed = [tmp_path / "out" / line for line in index.read_text(encoding="utf-8").splitlines()]
    assert [path.read_bytes() for path in placed] == [(tones / clip.path).read_bytes() for clip in corpus.clips]
    assert {path.parent.name for path in placed} == {"happy", "sad"}
    assert not any(path.is_symlink() for path in placed)


def test_a_sample_may_be_links(tones: Path, tmp_path: Path) -> None:
    corpus = corpus_of(tones)

    index = write_sample(corpus, corpus.clips, tmp_path / "out", _plain_index, link=True)

    placed = [tmp_path / "out" / line for line in index.read_text(encoding="utf-8").splitlines()]
    assert [path.resolve() for path in placed] == [(tones / clip.path).resolve() for clip in corpus.clips]
    assert all(path.is_symlink() for path in placed)


def test_a_stretch_is_cut_out(tones: Path, tmp_path: Path) -> None:
    import soundfile

    (tmp_path / "m.csv").write_text("path,emotion,start,end\nhappy/c.wav,sad,0.25,0.75\n")
    corpus = read_corpus(config(kind="manifest", root=str(tones), manifest={"file": str(tmp_path / "m.csv")}))

    index = write_sample(corpus, corpus.clips, tmp_path / "out", _plain_index, link=False)

    cut = tmp_path / "out" / index.read_text().strip()
    assert soundfile.info(cut).frames == 8_000
    assert place_of(corpus, corpus.clips[0]).endswith("c.wav from 0.25 s to 0.75 s")


def test_audio_without_a_file_is_written_out(tmp_path: Path) -> None:
    import soundfile

    corpus = read_corpus(config(kind="simulated", simulated={"n_clips": 3}))

    index = write_sample(corpus, corpus.clips, tmp_path / "out", _plain_index, link=False)

    files = [tmp_path / "out" / line for line in index.read_text().splitlines()]
    assert [soundfile.info(file).duration for file in files] == [clip.end_s for clip in corpus.clips]


def test_a_folder_that_holds_something_is_left_alone(tones: Path) -> None:
    corpus = corpus_of(tones)

    with pytest.raises(RunDirectoryError, match="it isn't empty"):
        write_sample(corpus, corpus.clips, tones, _plain_index, link=False)


def _plain_index(rows: Any) -> str:
    return "".join(f"{path.as_posix()}\n" for _, path in rows)


def test_a_manifest_reads_back_to_the_same_clips(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path / "root")
    corpus.row("s1", "happy")["emotion"] = ""
    corpus.row("s1", "sad")["transcript"] = 'a "quoted", text\nof two lines'
    given = corpus.config()

    write_manifest(given, tmp_path / "new" / "m.csv")

    table = {"root": str(tmp_path / "root"), "manifest": {"file": str(tmp_path / "new" / "m.csv")}}
    assert bare(read_corpus(config(kind="manifest", **table))) == bare(read_corpus(given))
    assert len(read_corpus(config(kind="manifest", split="test", **table)).clips) == 48


def bare(corpus: Corpus) -> list[Clip]:
    """The clips without the corpus's own words for emotions."""
    return [replace(clip, raw_label=None) for clip in corpus.clips]


def test_raw_labels_and_stretches_come_back_too(tones: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "path,emotion,start,end\nhappy/c.wav,joy,0.1234567,0.7\nsad/d.flac,grumpy,,0.5\n"
    )
    first = config(
        kind="manifest", root=str(tones), manifest={"file": str(tmp_path / "a.csv")}, labels={"grumpy": "angry"}
    )

    write_manifest(first, tmp_path / "b.csv")

    columns = {"emotion": "raw_label"}
    second = replace(first, manifest=replace(first.manifest, file=str(tmp_path / "b.csv"), columns=columns))
    assert read_corpus(second).clips == read_corpus(first).clips
    assert read_corpus(second).hash == read_corpus(first).hash


def test_emodb_comes_back(emodb_root: Path, tmp_path: Path) -> None:
    given = config(card="emodb", root=str(emodb_root))

    said = write_manifest(given, tmp_path / "m.csv")

    back = read_corpus(config(kind="manifest", root=str(emodb_root), manifest={"file": str(tmp_path / "m.csv")}))
    assert "362 clips" in said
    assert bare(back) == bare(read_corpus(given))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "simulated"}, "doesn't lie in files"),
        ({"kind": "folder", "limit": 3}, "a manifest lists all clips"),
    ],
)
def test_manifests_that_can_not_be_written(given: dict[str, Any], words: str, tones: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=words):
        write_manifest(config(root=str(tones), **given), tmp_path / "m.csv")

    assert list(tmp_path.iterdir()) == [tones]


def test_an_id_that_is_there_twice_is_refused_and_nothing_is_written(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path / "root")
    planted.same_id(corpus)

    with pytest.raises(CorpusError, match="another clip has the id 's5_ANG_1' too"):
        write_manifest(corpus.config(), tmp_path / "m.csv")

    assert list(tmp_path.iterdir()) == [tmp_path / "root"]
