"""What raters said, as manifests write it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from sv_eval.data.corpus.config import DatasetConfig, ManifestOptions
from sv_eval.data.corpus.manifest_writer import write_manifest
from sv_eval.data.corpus.reading import Corpus, read_corpus
from sv_eval.errors import CorpusError

ONE_CLIP_EACH = ("a.wav", "b.wav", "c.wav", "d.wav")


def corpus(folder: Path, rows: list[list[str]], name: str = "list.csv", **options: object) -> Corpus:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    (folder / name).write_text(text.getvalue(), encoding="utf-8")
    return read_corpus(config(folder / name, **options))


def config(file: Path, **options: object) -> DatasetConfig:
    given = {"name": "manifest", "kind": "manifest", "manifest": ManifestOptions(file=str(file)), **options}
    return DatasetConfig(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cell",
    ['{"angry": 3, "sad": 1}', "angry=3;sad=1", "angry = 3, sad = 1", '["angry", "sad", "angry", "angry"]',
     "angry;angry;sad;angry", '{"angry": 3, "sad": 1, "happy": 0}'],
)  # fmt: skip
def test_votes_are_read_however_they_are_written(tmp_path: Path, cell: str) -> None:
    (clip,) = corpus(tmp_path, [["path", "emotion", "votes"], ["a.wav", "sad", cell]]).clips

    assert (clip.votes, clip.raters, clip.reference) == ({"angry": 3, "sad": 1}, None, "sad")


@pytest.mark.parametrize("cell", ['{"r1": "angry", "r2": ["sad", "angry"]}', "r1:angry;r2:sad|angry"])
def test_raters_are_kept_with_what_each_said(tmp_path: Path, cell: str) -> None:
    (clip,) = corpus(tmp_path, [["path", "emotion", "votes"], ["a.wav", "sad", cell]]).clips

    assert (clip.votes, clip.raters) == (None, {"r1": ("angry",), "r2": ("sad", "angry")})


def test_a_column_an_emotion_holds_votes_or_shares(tmp_path: Path) -> None:
    header = ["path", "emotion", "votes_angry", "votes_sad"]
    rows = [["a.wav", "sad", "3", "1.0"], ["b.wav", "sad", "0.25", "0.75"], ["c.wav", "sad", "", ""]]

    clips = corpus(tmp_path, [header, *rows]).clips

    assert [clip.votes for clip in clips] == [{"angry": 3, "sad": 1}, {"angry": 0.25, "sad": 0.75}, None]


def test_without_a_label_most_votes_make_it_and_a_tie_makes_none(tmp_path: Path) -> None:
    cells = ["angry=3;sad=1", "angry=2;sad=2", "angry=2;sad=1;happy=1", ""]

    clips = corpus(tmp_path, [["path", "votes"], *zip(ONE_CLIP_EACH, cells, strict=True)]).clips

    assert [clip.reference for clip in clips] == ["angry", None, "angry", None]


def test_words_of_one_emotion_are_counted_together(tmp_path: Path) -> None:
    (clip,) = corpus(
        tmp_path, [["path", "votes"], ["a.wav", "exc=2;hap=2;sad=3"]], labels={"exc": "happy", "hap": "happy"}
    ).clips

    assert clip.reference == "happy"


def test_a_rule_goes_before_the_label_that_is_given(tmp_path: Path) -> None:
    cells = ["angry=3;sad=1", "angry=2;happy=1;neutral=1", ""]
    rows = [["path", "emotion", "votes"], *([path, "sad", cell] for path, cell in zip("abc", cells, strict=True))]

    def labels(**options: object) -> list[str | None]:
        return [clip.reference for clip in corpus(tmp_path, rows, **options).clips]

    assert labels() == ["sad", "sad", "sad"]
    assert labels(vote_label="plurality") == ["angry", "angry", "sad"]
    assert labels(vote_label="majority") == ["angry", None, "sad"]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("angry=-1", "number of raters"), ("angry=nan", "number of raters"), ("angry=0.5;sad=0.7", "add up to 1"),
        ("angry=1;angry=2", "twice"), ('{"angry": 3', "the votes are"), ('{"angry": {"x": 1}}', "number of raters"),
        ("angry=3;sad", "the votes are"), ("zorbed=3", "label map"), ('{"r1": []}', "the votes are"),
    ],
)  # fmt: skip
def test_what_can_be_no_votes_is_refused_with_its_line(tmp_path: Path, cell: str, why: str) -> None:
    with pytest.raises(CorpusError, match=f"list.csv:2.*{why}"):
        corpus(tmp_path, [["path", "emotion", "votes"], ["a.wav", "sad", cell]])


@pytest.mark.parametrize("cell", ["happy;surprised", '["happy", "surprised", "happy"]'])
def test_several_emotions_of_a_clip_are_read(tmp_path: Path, cell: str) -> None:
    (clip,) = corpus(tmp_path, [["path", "emotion", "emotions"], ["a.wav", "happy", cell]]).clips

    assert (clip.reference, clip.emotions) == ("happy", ("happy", "surprised"))


def test_json_lines_hold_votes_as_objects(tmp_path: Path) -> None:
    line = {"path": "a.wav", "emotion": "sad", "votes": {"angry": 3, "sad": 1}, "emotions": ["sad", "angry"]}
    file = tmp_path / "list.jsonl"
    file.write_text(json.dumps(line) + "\n", encoding="utf-8")

    (clip,) = read_corpus(config(file)).clips

    assert (clip.votes, clip.emotions) == ({"angry": 3, "sad": 1}, ("sad", "angry"))


def test_what_is_written_is_read_back_with_the_same_hash(tmp_path: Path) -> None:
    rows = [
        ["path", "emotion", "votes", "emotions"], ["a.wav", "sad", "angry=3;sad=1", "sad;angry"],
        ["b.wav", "sad", "r1:angry;r2:sad|angry", ""], ["c.wav", "sad", "", ""],
    ]  # fmt: skip
    first = corpus(tmp_path, rows)
    write_manifest(config(tmp_path / "list.csv"), tmp_path / "again.csv")

    again = read_corpus(config(tmp_path / "again.csv"))

    assert again.clips == first.clips


def test_other_votes_are_another_corpus(tmp_path: Path) -> None:
    header = ["path", "emotion", "votes"]

    hashes = {corpus(tmp_path, [header, ["a.wav", "sad", cell]]).hash for cell in ("", "sad=3", "sad=2;angry=1")}
    turned = corpus(tmp_path, [header, ["a.wav", "sad", "angry=1;sad=2"]]).hash

    assert len(hashes) == 3
    assert turned in hashes
