"""EmoBox's manifests: their forms, folds, speakers and paths; every line of the excerpt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fsspec
import pytest

from sv_eval.data.corpus.card import find_card
from sv_eval.data.corpus.emobox import member_card
from sv_eval.data.corpus.path_facts import PathRule
from sv_eval.errors import CorpusError

EXCERPT = Path(__file__).resolve().parents[5] / "shared" / "data" / "emobox_excerpt"
MEMBERS = sorted(find_card("emobox").members)
NOT_IN_PATH = ("iemocap", "meld", "mer2023", "m3ed", "msppodcast")
DISPLAYED = {
    "happy": {"happy", "happiness", "joy", "excited"}, "sad": {"sad", "sadness"}, "angry": {"angry", "anger"},
    "neutral": {"neutral", "neutrality"}, "fearful": {"fear", "fearful"}, "disgusted": {"disgust", "disgusted"},
    "surprised": {"surprise", "surprised", "pleasant_surprise"},
}  # fmt: skip
"""What a label, or the meaning of its code, may be called for each emotion."""


def line(name: str, key: str, path: str, label: str, **more: Any) -> str:
    """A line of a manifest."""
    wav = f"downloads/{name}/{path}"
    return (
        json.dumps({"key": key, "dataset": name, "wav": wav, "type": "raw", "emo": label, "channel": 1, **more})
        + "\n"
    )


def stm(key: str, speaker: str, label: str) -> str:
    """A line of data.seg.wrd.stm."""
    return f"{key} 1 {speaker} 0 1.08 <id={key},lang=en,spk={speaker},emotion={label}> {label}\n"


def test_there_are_32_members_whose_labels_have_emotions():
    assert len(MEMBERS) == 32
    for name in MEMBERS:
        card = member_card(find_card("emobox"), name)
        assert all(card.labels.canonical(raw) is not None for raw in card.expected), name


@pytest.mark.parametrize("name", MEMBERS)
def test_every_line_of_the_excerpt_maps_as_its_label_says(name):
    file = EXCERPT / f"{name}.jsonl"
    if not file.is_file():
        pytest.skip("EmoBox's excerpt is not beside this checkout (../shared/data/emobox_excerpt)")
    card = member_card(find_card("emobox"), name)
    own = find_card(card.member.card) if card.member.card else None
    in_path = 0
    for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
        raw = row["emo"]
        emotion = card.labels.canonical(raw)
        meanings = {key.casefold(): word for key, word in card.words.meanings.items()}
        word = meanings.get(raw.casefold(), raw).casefold()
        assert emotion == next((name for name, words in DISPLAYED.items() if word in words), "other"), raw
        if own is None or own.layout.kind != "pattern" or "/subject 6/" in row["wav"]:
            continue
        path = row["wav"].removeprefix(f"downloads/{name}/")
        facts = next(facts for option in own.layout.options if (facts := PathRule(option).facts(path)))
        if name in NOT_IN_PATH:
            assert "label" not in facts.fields
            continue
        assert own.labels.canonical(facts.fields["label"]) == emotion, path
        in_path += 1
    assert in_path == (0 if own is None or name in NOT_IN_PATH else 39 if name == "enterface" else 40)


def test_labels_and_folds_are_emoboxs_and_speakers_our_cards(read, tree, told):
    first, second = "iemocap-Ses01F_impro01_M001", "iemocap-Ses02M_script01_1_F000"
    paths = {
        first: "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M001.wav",
        second: "Session2/sentences/wav/Ses02M_script01_1/Ses02M_script01_1_F000.wav",
    }
    lines = {key: line("iemocap", key, path, "exc", length=1.5) for key, path in paths.items()}
    folder = "data/iemocap/"
    root = tree(
        *(f"downloads/iemocap/{path}" for path in paths.values()),
        **{
            folder + "iemocap.jsonl": "".join(lines.values()),
            folder + "data.seg.wrd.stm": stm(first, "Ses01F", "exc") + stm(second, "Ses02M", "exc"),
            folder + "fold_1/iemocap_test_fold_1.jsonl": lines[first],
            folder + "fold_1/iemocap_train_fold_1.jsonl": lines[second],
            folder + "fold_2/iemocap_test_fold_2.json": json.dumps({second: json.loads(lines[second])}),
        },
    )

    corpus = read(card="emobox", name="iemocap", root=str(root))

    assert corpus.card.name == "emobox_iemocap"
    assert told(corpus) == {
        first: ("exc", "happy", "Ses01M", "male", "en", None),
        second: ("exc", "happy", "Ses02F", "female", "en", None),
    }
    splits = {
        "emobox_fold1": first,
        "emobox_fold1_test": first,
        "emobox_fold1_train": second,
        "emobox_fold2": second,
    }
    for split, key in splits.items():
        clips = read(card="emobox", name="iemocap", root=str(root), split=split).clips
        assert [clip.id for clip in clips] == [key]
    with pytest.raises(CorpusError, match=r"dataset.split=fold1: .* no such split; did you mean emobox_fold1"):
        read(card="emobox", name="iemocap", root=str(root), split="fold1")


@pytest.mark.parametrize("above", ["downloads/urdu/", "urdu/", ""])
def test_audio_lies_where_it_lies(read, tree, told, above, codes):
    key = "urdu-SM1_F16_A016"
    manifest = line("urdu", key, "Angry/SM1_F16_A016.wav", "A")
    data = tree(folder="clone", **{"data/urdu/fold_1/urdu_test_fold_1.jsonl": manifest})
    root = tree(above + "Angry/SM1_F16_A016.wav")

    corpus = read(
        card="emobox", name="urdu", root=str(root), emobox={"data": str(data / "data")}, split="emobox_fold1"
    )

    assert told(corpus) == {key: ("A", "angry", "SM1", "male", "ur", None)}
    assert corpus.clips[0].path == above + "Angry/SM1_F16_A016.wav"
    assert codes(corpus) == {"folds_overlap": {"title": "URDU"}}
    assert corpus.completeness is None


@pytest.mark.parametrize("lists", ["there", "here"])
def test_lists_and_audio_may_lie_in_a_store(read, tree, sound, lists):
    key, accented = "urdu-SM1_F16_A016", "urdu-SM2_F1_A01"
    manifest = line("urdu", key, "Angry/SM1_F16_A016.wav", "A") + line(
        "urdu", accented, "Fröhlich/SM2_F1_A01.wav", "H"
    )
    texts = {"data/urdu/urdu.jsonl": manifest, "data/urdu/fold_1/urdu_test_fold_1.jsonl": manifest.splitlines()[0]}
    root = tree(**texts, **{"data/urdu/data.seg.wrd.stm": stm(key, "SM1", "A")})
    sound("root/downloads/urdu/Angry/SM1_F16_A016.wav")
    # As macOS writes it.
    sound("root/downloads/urdu/Fro\u0308hlich/SM2_F1_A01.wav", value=0.2)
    files = fsspec.filesystem("memory")
    files.put(str(root) + "/", "/lists/", recursive=True)
    options = {} if lists == "there" else {"emobox": {"data": str(root / "data")}}
    try:
        for split in ("all", "emobox_fold1"):
            here = read(card="emobox", name="urdu", root=str(root), split=split)
            there = read(card="emobox", name="urdu", root="memory://lists", split=split, **options)

            assert there.hash == here.hash
            assert [(clip.id, clip.speaker, clip.path) for clip in there.clips] == [
                (clip.id, clip.speaker, clip.path) for clip in here.clips
            ]
            assert len(here.clips) == (2 if split == "all" else 1)
            for clip in there.clips:
                assert len(there.source.load(clip).samples) == 1600
    finally:
        files.rm("/lists", recursive=True)
    with pytest.raises(CorpusError, match=r"memory://lists/data/urdu: EmoBox's manifests aren't there"):
        read(card="emobox", name="urdu", root="memory://lists")
    with pytest.raises(CorpusError, match=r"a web server can't say which files it has"):
        read(card="emobox", name="urdu", root="http://127.0.0.1:9/lists")


def test_corpus_too_large_for_a_manifest_is_put_together_from_its_maps(read, tree, told):
    keys = {"m3ed-anjia_11_38": "B_anjia_11_38.wav", "m3ed-jimao_1_1": "A_jimao_1_1.wav"}
    folder = "data/m3ed/"
    root = tree(
        *(f"downloads/m3ed/modality_speech/{name}" for name in keys.values()),
        **{
            folder + "data.seg.audmap": "".join(
                f"{key} 1 0 1.92 downloads/m3ed/modality_speech/{name}\n" for key, name in keys.items()
            ),
            folder + "data.seg.wrd.stm": (
                stm("m3ed-anjia_11_38", "anjia_严阿姨", "Anger") + stm("m3ed-jimao_1_1", "jimao_ 邱英杰", "Fear")
            ),
        },
    )

    assert told(read(card="emobox", name="m3ed", root=str(root))) == {
        "m3ed-anjia_11_38": ("Anger", "angry", "anjia_严阿姨", None, "zh", None),
        "m3ed-jimao_1_1": ("Fear", "fearful", "jimao_邱英杰", None, "zh", None),
    }


def test_mer2023_has_fields_of_other_names_and_no_speakers(read, tree, told):
    key = "mer2023-sample_00005074.mp4"
    row = {"key": key, "audio": "downloads/mer2023/test2/sample_00005074.mp4", "label": "worried"}
    root = tree(
        "test2/sample_00005074.mp4",
        **{
            "data/mer2023/fold_1/mer2023_test2_fold_1.jsonl": json.dumps(row) + "\n",
            "data/mer2023/data.seg.wrd.stm": stm(key, "sample_00005074.mp4", "worried"),
        },
    )

    corpus = read(card="emobox", name="mer2023", root=str(root), split="emobox_fold1_test2")

    assert told(corpus) == {key: ("worried", "other", None, None, "zh", None)}


def test_newer_form_of_a_fold_goes_before_the_older(read, tree):
    old, new = (line("emodb", f"emodb-03a01{letter}a", f"wav/03a01{letter}a.wav", "happy") for letter in "FN")
    root = tree(
        "downloads/emodb/wav/03a01Fa.wav", "downloads/emodb/wav/03a01Na.wav",
        **{"data/emodb/fold_1/emodb_test_fold1.jsonl": old, "data/emodb/fold_1/emodb_test_fold_1.jsonl": new},
    )  # fmt: skip

    clips = read(card="emobox", name="emodb", root=str(root), split="emobox_fold1").clips

    assert [(clip.id, clip.speaker, clip.sex) for clip in clips] == [("emodb-03a01Na", "03", "male")]
    assert clips[0].transcript == "Der Lappen liegt auf dem Eisschrank."


def test_stretches_of_long_files(read, tree, told):
    row = line("pavoque", "pavoque-m0002-angry", "pavoque-angry.flac", "poker", start_time=196.44, end_time=200.22)
    root = tree("downloads/pavoque/pavoque-angry.flac", **{"data/pavoque/pavoque.jsonl": row})

    corpus = read(card="emobox", name="pavoque", root=str(root))

    assert told(corpus, "reference", "start_s", "end_s") == {"pavoque-m0002-angry": ("other", 196.44, 200.22)}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "EmoBox's manifests aren't there; give the folder `data`"),
        ({"data/urdu/other.txt": ""}, "there is neither urdu.jsonl nor a fold"),
        (
            {"data/urdu/urdu.jsonl": line("urdu", "a", "Angry/x.wav", "A")},
            "none of the 1 files that EmoBox lists is",
        ),
        ({"data/urdu/urdu.jsonl": "\n"}, r"urdu\.jsonl: it lists no clip"),
        ({"data/urdu/urdu.jsonl": "{"}, r"urdu\.jsonl:1 isn't JSON"),
        ({"data/urdu/urdu.jsonl": "[]"}, r"urdu\.jsonl:1 is list, not an object"),
        ({"data/urdu/urdu.jsonl": '{"key": "a"}'}, r"urdu\.jsonl:1 lacks a key or a path"),
        ({"data/urdu/urdu.jsonl": line("urdu", "a", "x.wav", "A", start_time="0")}, "is no time in seconds"),
        ({"data/urdu/urdu.jsonl": line("urdu", "a", "here.wav", "B")}, r"urdu\.jsonl:1 has the label 'B'"),
    ],
)
def test_broken_manifest_is_told_in_a_line(read, tree, texts, message):
    root = tree("here.wav", **texts)

    with pytest.raises(CorpusError, match=message) as error:
        read(card="emobox", name="urdu", root=str(root))
    assert "\n" not in str(error.value)


def test_unknown_member_names_the_nearest(read, tmp_path):
    with pytest.raises(CorpusError, match=r"dataset.name=iemocp: EmoBox has no such corpus; did you mean iemocap"):
        read(card="emobox", name="iemocp", root=str(tmp_path))
