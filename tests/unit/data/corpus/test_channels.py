"""A channel for a corpus, for a row, and a clip for each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sv_eval.data.audit.audit import audit_corpus
from sv_eval.data.audit.settings import CheckSettings
from sv_eval.data.corpus.config import dataset_config_from
from sv_eval.data.corpus.manifest_writer import write_manifest
from sv_eval.data.corpus.reading import Corpus, read_corpus
from sv_eval.errors import ConfigError, CorpusError

AGENT, CUSTOMER = (0.1 * np.random.default_rng(3).standard_normal((2, 8_000))).astype(np.float32)
Read = Callable[..., Corpus]


def call(folder: Path, name: str, *channels: np.ndarray) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / name, np.stack(channels, axis=1), 16_000, subtype="FLOAT")


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    call(tmp_path, "wav/a.wav", AGENT, CUSTOMER)
    call(tmp_path, "wav/b.wav", AGENT)
    call(tmp_path, "wav/c.wav", AGENT, -AGENT)
    return tmp_path


def listed(folder: Path, rows: str, header: str = "path,emotion,channel") -> dict[str, object]:
    (folder / "list.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    return {"kind": "manifest", "manifest": {"file": str(folder / "list.csv")}}


def test_a_row_names_its_channel_and_goes_before_the_corpus(calls: Path, read: Read) -> None:
    table = listed(calls, "wav/a.wav,neutral,left\nwav/a.wav,angry,right\nwav/a.wav,sad,mix\nwav/b.wav,sad,\n")

    clips = {clip.id: clip for clip in read(**table, channel="left").clips}

    assert {name: clip.channel for name, clip in clips.items()} == {
        "wav/a": None, "wav/a#1": 1, "wav/a#2": 2, "wav/b": 1,
    }  # fmt: skip
    assert clips["wav/a#2"].reference == "angry"


def test_the_channel_is_what_is_heard(calls: Path, read: Read) -> None:
    corpus = read(**listed(calls, "wav/a.wav,angry,2\n"))

    heard = corpus.source.load(corpus.clips[0])

    np.testing.assert_array_equal(heard.samples, CUSTOMER)
    assert heard.marks == ()


def test_each_channel_is_a_clip_of_its_own(calls: Path, read: Read) -> None:
    corpus = read(**listed(calls, "wav/a.wav,sad\nwav/b.wav,sad\n", "path,emotion"), channel="each")

    assert [(clip.id, clip.channel) for clip in corpus.clips] == [("wav/a#1", 1), ("wav/a#2", 2), ("wav/b", None)]
    np.testing.assert_array_equal(corpus.source.load(corpus.clips[1]).samples, CUSTOMER)
    np.testing.assert_array_equal(corpus.source.load(corpus.clips[2]).samples, AGENT)


def test_each_channel_of_one_row_alone(calls: Path, read: Read) -> None:
    corpus = read(**listed(calls, "wav/a.wav,sad,each\nwav/c.wav,sad,\n"))

    assert [clip.id for clip in corpus.clips] == ["wav/a#1", "wav/a#2", "wav/c"]


def test_of_a_file_that_is_not_there_one_clip_stays_to_fail(calls: Path, read: Read) -> None:
    corpus = read(**listed(calls, "wav/none.wav,sad\n", "path,emotion"), channel="each")

    assert [clip.id for clip in corpus.clips] == ["wav/none"]


def test_each_channel_in_a_folder_per_emotion(tmp_path: Path, read: Read) -> None:
    call(tmp_path, "sad/a.wav", AGENT, CUSTOMER)

    corpus = read(kind="folder", root=str(tmp_path), channel="each")

    assert [(clip.id, clip.reference) for clip in corpus.clips] == [("sad/a#1", "sad"), ("sad/a#2", "sad")]


def test_the_hash_of_a_corpus_that_is_mixed_is_as_it_was_and_a_channel_s_is_another(
    calls: Path, read: Read
) -> None:
    table = listed(calls, "wav/a.wav,sad\n", "path,emotion")

    assert read(**table).hash == read(**table, channel="mix").hash
    assert len({read(**table).hash, read(**table, channel="left").hash, read(**table, channel=2).hash}) == 3


def test_words_that_are_no_channel_are_refused_where_they_stand(calls: Path, read: Read) -> None:
    with pytest.raises(CorpusError, match=r"list.csv:3: channel 'middle' is no channel; give mix, left"):
        read(**listed(calls, "wav/a.wav,sad,\nwav/b.wav,sad,middle\n"))
    with pytest.raises(ConfigError, match=r"dataset.channel: 'both' is no channel"):
        dataset_config_from({"name": "x", "kind": "folder", "channel": "both"})


def test_a_manifest_that_was_written_keeps_the_channels(calls: Path, read: Read) -> None:
    table = listed(calls, "wav/a.wav,neutral,left\nwav/a.wav,angry,right\nwav/b.wav,sad,\n")
    written = calls / "written.csv"

    write_manifest(dataset_config_from({"name": "x", **table}), written)

    again = read_corpus(
        dataset_config_from(
            {"name": "x", "kind": "manifest", "root": str(calls), "manifest": {"file": str(written)}}
        )
    )
    assert again.clips == read(**table).clips


def test_the_audit_names_channels_that_cancel_and_hears_the_one_that_is_chosen(calls: Path) -> None:
    call(calls, "wav/d.wav", AGENT, np.float32(-0.9) * AGENT)
    rows = "wav/a.wav,sad,\nwav/c.wav,sad,\nwav/d.wav,sad,\nwav/c.wav,sad,right\n"
    config = dataset_config_from({"name": "x", **listed(calls, rows)})

    audit = audit_corpus(config, CheckSettings(workers=1))

    found = {finding.code: [case["id"] for case in finding.cases] for finding in audit.findings}
    assert found["cancelling"] == ["wav/c", "wav/d"]
    assert "silent" not in found
