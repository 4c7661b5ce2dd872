"""Copies as people have them: there twice, renamed, in other capitals, packed under Chinese Windows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sv_eval.data.audit.audit import audit_corpus
from sv_eval.data.audit.settings import CheckSettings
from sv_eval.data.corpus.card import find_card, list_cards
from sv_eval.data.corpus.config import dataset_config_from
from sv_eval.data.corpus.layout_rule import Layout
from sv_eval.data.corpus.manifest_writer import write_manifest
from sv_eval.data.corpus.path_facts import PathRule, spellings
from sv_eval.data.corpus.reading import Corpus, open_corpus
from sv_eval.data.corpus.tree import is_clip
from sv_eval.data.corpus.unread import content_of
from sv_eval.errors import CorpusError

Read = Callable[..., Corpus]
Tree = Callable[..., Path]
PATTERNS = [name for name in list_cards() if find_card(name).layout.kind == "pattern"]
OPTIONS = [
    pytest.param(name, option, id=f"{name}-{option.variant or 'own'}")
    for name in PATTERNS
    for option in find_card(name).layout.options
]
NEED_TABLES = [name for name in PATTERNS if any(one.needed for one in find_card(name).layout.companions)]


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_card_shows_a_path_that_it_reads(name: str, option: Layout) -> None:
    assert option.example is not None
    assert is_clip(option.example, option.glob, option.exclude)
    assert PathRule(option).facts(option.example) is not None


@pytest.mark.parametrize("respelled", [str.upper, str.lower, str.swapcase])
@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_capitals_change_nothing(name: str, option: Layout, respelled: Callable[[str], str]) -> None:
    card = find_card(name)
    rule = PathRule(option, spelled=spellings(card))
    facts = rule.facts(option.example or "")
    other = rule.facts(respelled(option.example or ""))

    assert facts is not None
    assert other is not None
    kept = ("label", "speaker", "split") if name != "m3ed" else ("label",)
    assert {key: other.fields.get(key) for key in kept} == {key: facts.fields.get(key) for key in kept}
    # Sexes are read without regard to capitals.
    assert other.fields.get("sex", "").casefold() == facts.fields.get("sex", "").casefold()
    if card.transcript_group is not None:
        assert other.groups[card.transcript_group] == facts.groups[card.transcript_group]


@pytest.mark.parametrize("name", [name for name in PATTERNS if name not in NEED_TABLES])
def test_a_tree_that_is_there_twice_is_read_once(read: Read, tree: Tree, name: str) -> None:
    example = find_card(name).layout.options[0].example or ""
    root = tree(f"one/{example}", f"two/copy/{example}")

    corpus = read(card=name, root=str(root))

    assert len(corpus.clips) == 1
    assert corpus.clips[0].path.startswith("one/")
    assert {note.code: note.values["n"] for note in corpus.notes if note.code == "copies"} == {"copies": 1}


@pytest.mark.parametrize("name", NEED_TABLES)
def test_corpora_with_a_table_of_their_own_are_read_once_too(name: str) -> None:
    assert find_card(name).layout.copies


@pytest.mark.parametrize("name", PATTERNS)
def test_a_refusal_shows_what_a_path_should_look_like(read: Read, tree: Tree, name: str) -> None:
    layout = find_card(name).layout
    wanted = layout.options[0].example or ""
    root = tree(f"elsewhere/renamed by hand.{wanted.rpartition('.')[2]}")
    with pytest.raises(CorpusError) as error:
        read(card=name, root=str(root))

    message = str(error.value)
    assert wanted in message or "the table with" in message
    assert "renamed by hand" in message or "the table with" in message
    assert "(?P<" not in message


def renamed(tree: Tree) -> Path:
    return tree("wang/angry/201.wav", "li/happy/202.wav")


@pytest.mark.parametrize("split", ["emobox_fold1_train", "EMOBOX_FOLD4_TRAIN"])
def test_what_a_fold_leaves_is_refused_where_nothing_is_left_out(
    read: Read, tree: Tree, tmp_path: Path, split: str
) -> None:
    root = str(renamed(tree))
    config = dataset_config_from({"name": "casia", "card": "casia", "root": root, "split": split})
    message = "of which there is no clip here: its speakers are .*, and there are li, wang; .* names back"

    with pytest.raises(CorpusError, match=message):
        read(card="casia", root=root, split=split)
    with pytest.raises(CorpusError, match=message):
        audit_corpus(config, CheckSettings(workers=1))
    with pytest.raises(CorpusError, match=message):
        write_manifest(config, tmp_path / "out.csv")


def test_a_fold_of_a_copy_that_is_named_as_it_should_be_is_read(read: Read, tree: Tree) -> None:
    root = tree("wangzhe/angry/201.wav", "liuchanhg/happy/202.wav")

    clips = read(card="casia", root=str(root), split="emobox_fold1_train").clips

    assert [clip.speaker for clip in clips] == ["liuchanhg"]


def in_gb18030(root: Path, *names: str) -> None:
    """Empty files whose names are bytes of GB18030, as a zip from Chinese Windows leaves them."""
    for name in names:
        path = os.path.join(os.fsencode(root), name.encode("gb18030"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass


def test_folders_named_in_gb18030_are_emotions(read: Read, tmp_path: Path) -> None:
    in_gb18030(tmp_path, "data/开心/甲/1.wav", "data/生气/2.wav")

    corpus = read(kind="folder", root=str(tmp_path / "data"))

    assert [(clip.id, clip.raw_label, clip.reference) for clip in corpus.clips] == [
        ("开心/甲/1", "开心", "happy"), ("生气/2", "生气", "angry"),
    ]  # fmt: skip
    files = [corpus.source.encoded(clip) for clip in corpus.clips]
    assert all(isinstance(file, Path) and file.is_file() for file in files)


def test_a_card_s_names_are_found_in_gb18030(read: Read, tmp_path: Path) -> None:
    in_gb18030(tmp_path, "data/相同文本300/wangzhe/happy/201.wav", "data/相同的文本201--250.txt")
    table = os.path.join(os.fsencode(tmp_path / "data"), "相同的文本201--250.txt".encode("gb18030"))
    with open(table, "wb") as file:
        file.write("201. 就是下雨也去\r\n".encode("gb18030"))

    corpus = read(card="casia", root=str(tmp_path / "data"))

    assert corpus.variant == "full"
    assert [clip.transcript for clip in corpus.clips] == ["就是下雨也去"]


def test_names_of_other_encodings_stay_and_their_tip_is_one_that_works(read: Read, tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path / "data"), b"Col\xe8re")
    os.makedirs(folder)
    with open(os.path.join(folder, b"1.wav"), "wb"):
        pass

    with pytest.raises(CorpusError, match=r"is no UTF-8, and no label map can hold it; rename .*convmv"):
        read(kind="folder", root=str(tmp_path / "data"))


def tone(path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(len(str(path))).standard_normal(8_000)
    soundfile.write(path, samples, 16_000, **{"format": "WAV", **options})


def test_strays_and_unread_audio_are_findings_with_what_they_are(tmp_path: Path) -> None:
    tone(tmp_path / "wav/03a01Fa.wav")
    tone(tmp_path / "renamed/clip 1.wav")
    tone(tmp_path / "renamed/clip 2.wav", format="AIFF")
    tone(tmp_path / "mp3/03a01Fa.mp3", format="MP3")
    tone(tmp_path / "without ending/03a01Wa", format="FLAC")
    (tmp_path / "renamed/clip 3.wav").write_text("version https://git-lfs.github.com/spec/v1\n")
    (tmp_path / "notes.txt").write_text("no audio")
    config = dataset_config_from({"name": "emodb", "card": "emodb", "root": str(tmp_path)})

    audit = audit_corpus(config, CheckSettings(workers=1))

    found = {finding.code: [dict(case) for case in finding.cases] for finding in audit.findings}
    assert found["strays"] == [
        {"path": "renamed/clip 1.wav", "content": "wav", "misnamed": False},
        {"path": "renamed/clip 2.wav", "content": "aiff", "misnamed": True},
        {"path": "renamed/clip 3.wav", "content": None, "misnamed": False},
    ]
    assert found["unread_audio"] == [
        {"path": "mp3/03a01Fa.mp3", "content": "mp3", "misnamed": False},
        {"path": "without ending/03a01Wa", "content": "flac", "misnamed": False},
    ]


def test_a_table_that_is_missing_is_a_finding(tmp_path: Path) -> None:
    tone(tmp_path / "samples/EB0_anger_1.wav")
    config = dataset_config_from({"name": "nemo", "card": "nemo", "root": str(tmp_path)})

    audit = audit_corpus(config, CheckSettings(workers=1))

    (finding,) = [one for one in audit.findings if one.code == "companions"]
    assert [(case["n"], case["of"]) for case in finding.cases] == [(0, 1)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_lies_beside_is_said_in_show_and_check(tmp_path: Path, language: str) -> None:
    from sv_eval.data.corpus.counting import count_entries
    from sv_eval.reports.audit import render_audit
    from sv_eval.reports.cards import render_beside

    tone(tmp_path / "samples/EB0_anger_1.wav")
    tone(tmp_path / "renamed.wav", format="AIFF")
    config = dataset_config_from({"name": "nemo", "card": "nemo", "root": str(tmp_path)})

    checked = render_audit(audit_corpus(config, CheckSettings(workers=1)).to_json() | {"overrides": []}, language)
    card, opened = open_corpus(config)
    count_entries(card, opened)
    assert opened.unread is not None
    shown = render_beside(opened.notes, tuple(opened.unread.sniffed()))

    for text in ("renamed.wav", "aiff", "transcript"):
        assert text in checked
        assert text in shown
    assert "0 of 1" in shown


@pytest.mark.parametrize(
    ("options", "content"),
    [
        ({"format": "WAV"}, "wav"), ({"format": "RF64"}, "wav"), ({"format": "FLAC"}, "flac"),
        ({"format": "OGG"}, "ogg"), ({"format": "MP3"}, "mp3"), ({"format": "AIFF"}, "aiff"),
        ({"format": "AU"}, "au"), ({"format": "CAF"}, "caf"), ({"format": "W64"}, "w64"),
    ],
)  # fmt: skip
def test_audio_is_known_by_its_first_bytes(tmp_path: Path, options: dict[str, str], content: str) -> None:
    tone(tmp_path / "x", **options)

    assert content_of(tmp_path / "x") == content


def test_what_is_no_audio_is_known_for_it(tmp_path: Path) -> None:
    for number, data in enumerate([b"", b"\0" * 100, b"some words", b"\xff\xfe", b"PK\x03\x04"]):
        (tmp_path / str(number)).write_bytes(data)
        assert content_of(tmp_path / str(number)) is None
    assert content_of(tmp_path / "none") is None
