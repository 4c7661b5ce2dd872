"""Tables and names as other tools write them: SenseVoice's own lines, pairs of words, accents in two characters."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sv_eval.data.corpus.companion_rule import Companion
from sv_eval.data.corpus.companions import Table
from sv_eval.data.corpus.reading import Corpus
from sv_eval.emotions import LabelMap
from sv_eval.errors import CorpusError

Read = Callable[..., Corpus]
Sound = Callable[..., Path]
NFC = unicodedata.normalize("NFC", "colère/élève ö.wav")
NFD = unicodedata.normalize("NFD", NFC)


def lines(folder: Path, *rows: dict[str, object]) -> dict[str, Any]:
    file = folder / "train.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return {"kind": "manifest", "manifest": {"file": str(file)}}


def of_sensevoice(key: str, emotion: str, source: str, **more: object) -> dict[str, object]:
    return {
        "key": key, "text_language": "<|zh|>", "emo_target": emotion, "event_target": "<|Speech|>",
        "with_or_wo_itn": "<|withitn|>", "target": "你好。", "source": source, "target_len": 2, "source_len": 140,
        **more,
    }  # fmt: skip


def test_the_lines_that_sensevoice_is_trained_with_are_a_manifest(tmp_path: Path, read: Read, sound: Sound) -> None:
    sound("wav/a.wav")
    tokens = ("HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED", "EMO_UNKNOWN")
    rows = [of_sensevoice(f"k{n}", f"<|{token}|>", "wav/a.wav") for n, token in enumerate(tokens)]

    corpus = read(**lines(tmp_path, *rows))

    assert [clip.reference for clip in corpus.clips] == [
        "happy", "sad", "angry", "neutral", "fearful", "disgusted", "surprised", "other",
    ]  # fmt: skip
    first = corpus.clips[0]
    assert (first.id, first.path, first.language, first.transcript, first.raw_label) == (
        "k0", "wav/a.wav", "zh", "你好。", "<|HAPPY|>",
    )  # fmt: skip
    assert corpus.source.load(first).duration_s == pytest.approx(0.1)


def test_a_key_that_was_named_goes_before_sensevoice_s_own(tmp_path: Path, read: Read, sound: Sound) -> None:
    sound("a.wav")
    options = lines(tmp_path, of_sensevoice("k", "<|HAPPY|>", "a.wav", mood="sad"))
    options["manifest"]["columns"] = {"emotion": "mood"}

    assert read(**options).clips[0].reference == "sad"


def test_a_line_without_its_emotion_still_says_which_key_is_missing(tmp_path: Path, read: Read) -> None:
    with pytest.raises(CorpusError, match="there is no column 'path', but key, source"):
        read(**lines(tmp_path, {"key": "k", "source": "a.wav"}))


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("开心/happy", "happy"), ("生气/angry", "angry"), ("难过/sad", "sad"), ("吃惊/surprised", "surprised"),
        ("其他/other", "other"), ("中立 / neutral", "neutral"), ("happy/开心", "happy"), ("喜び/happy", "happy"),
        ("<unk>", "other"), ("<|SAD|>", "sad"), ("happy/joy", "happy"),
        ("happy/sad", None), ("开心/sad", None), ("mixed/happy", None), ("/happy", None), ("a/b", None),
        ("<|NOTHING|>", None), ("喜び/悲しみ", None),
    ],
)  # fmt: skip
def test_pairs_of_words_mean_what_their_parts_agree_on(
    tmp_path: Path, read: Read, sound: Sound, word: str, emotion: str | None
) -> None:
    sound("a.wav")
    (tmp_path / "t.csv").write_text(f"path,emotion\na.wav,{word}\n", encoding="utf-8")
    options = {"kind": "manifest", "manifest": {"file": str(tmp_path / "t.csv")}}

    if emotion is None:
        with pytest.raises(CorpusError, match="has the label"):
            read(**options)
    else:
        assert read(**options).clips[0].reference == emotion


def test_where_capitals_count_nothing_is_guessed_of_pairs() -> None:
    words = LabelMap(name="x", entries={"A": "happy", "B": "happy"}, case_sensitive=True)

    assert words.canonical("A/B") is None


@pytest.mark.parametrize(("in_table", "on_disk"), [(NFC, NFD), (NFD, NFC), (NFC, NFC)])
def test_a_table_names_files_whose_accents_the_disk_writes_otherwise(
    tmp_path: Path, read: Read, sound: Sound, in_table: str, on_disk: str
) -> None:
    sound(on_disk)
    (tmp_path / "t.csv").write_text(f"path,emotion\n{in_table},sad\n", encoding="utf-8")

    corpus = read(kind="manifest", manifest={"file": str(tmp_path / "t.csv")})

    clip = corpus.clips[0]
    assert corpus.source.load(clip).duration_s == pytest.approx(0.1)
    assert clip.size_bytes is not None
    assert clip.id == in_table.removesuffix(".wav")


def test_folders_whose_accents_are_characters_of_their_own_are_labels(
    tmp_path: Path, read: Read, sound: Sound
) -> None:
    folder = unicodedata.normalize("NFD", "colère")
    sound(f"c/{folder}/a.wav")

    corpus = read(kind="folder", root=str(tmp_path / "c"), labels={unicodedata.normalize("NFC", "colère"): "angry"})

    assert [clip.reference for clip in corpus.clips] == ["angry"]


def test_a_companion_s_names_are_found_in_either_spelling() -> None:
    table = Table(Companion(files=("t.csv",), form="table", columns={"transcript": "words"}, key="{name}"))
    table.add({"name": NFC, "words": "x"}, "t.csv:2")

    assert table.row(NFD) == table.row(NFC) == {"transcript": "x"}
