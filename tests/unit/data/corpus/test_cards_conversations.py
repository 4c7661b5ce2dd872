"""Corpora whose labels lie in tables beside the audio: IEMOCAP, MELD, MER2023, MSP-Podcast, M3ED."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sv_eval.errors import CorpusError

IEMOCAP = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
IEMOCAP_LABELS = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-F1:\tNeutral;\t(curious)

[10.0100 - 11.3925]\tSes01F_impro01_M001\texc\t[2.5000, 2.5000, 2.5000]
[12.0100 - 13.3925]\tSes01F_impro01_M002\txxx\t[2.5000, 2.5000, 2.5000]
"""
IEMOCAP_WORDS = """Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
F: (laughs)
Ses01F_impro01_M001 [010.0100-011.3925]: Yeah.
Ses01F_impro01_MXX0 [011.0-011.1]: Uh-huh.
"""


def iemocap(tree: Any, **texts: str) -> str:
    """A session with two clips that are there, one that isn't, and the long recording that is no clip."""
    folder = "Session1/sentences/wav/Ses01F_impro01/"
    given = {IEMOCAP: IEMOCAP_LABELS, "Session1/dialog/transcriptions/Ses01F_impro01.txt": IEMOCAP_WORDS, **texts}
    return str(
        tree(
            folder + "Ses01F_impro01_F000.wav",
            folder + "Ses01F_impro01_M001.wav",
            "Session1/dialog/wav/Ses01F_impro01.wav",
            "Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt",
            "Session1/dialog/EmoEvaluation/Categorical/Ses01F_impro01_e2_cat.txt",
            **given,
        )
    )


def test_iemocap_speaker_is_who_speaks_and_not_who_wore_markers(read, tree, told, codes):
    corpus = read(card="iemocap", root=iemocap(tree))

    assert told(corpus) == {
        "Ses01F_impro01_F000": ("neu", "neutral", "Ses01F", "female", "en", "Excuse me."),
        "Ses01F_impro01_M001": ("exc", "happy", "Ses01M", "male", "en", "Yeah."),
    }
    assert codes(corpus) == {"absent": {"n": 1, "listed": 3, "clips": ["Ses01F_impro01_M002"]}}


def test_iemocap_splits_are_sessions(read, tree):
    root = iemocap(
        tree,
        **{
            "Session2/dialog/EmoEvaluation/Ses02M_script01_1.txt": (
                "[1.0 - 2.0]\tSes02M_script01_1_F000\tfru\t[2.0, 2.0, 2.0]\n"
            ),
            "Session2/sentences/wav/Ses02M_script01_1/Ses02M_script01_1_F000.wav": "",
        },
    )

    names = {split: [clip.id for clip in read(card="iemocap", root=root, split=split).clips]
             for split in ("session2", "emobox_fold2", "emobox_fold1_train")}  # fmt: skip

    assert set(map(tuple, names.values())) == {("Ses02M_script01_1_F000",)}


def test_iemocap_four_classes(read, tree):
    corpus = read(card="iemocap", root=iemocap(tree), only={"label": ["neu", "ang", "sad", "hap"]})

    assert [clip.raw_label for clip in corpus.clips] == ["neu"]


def test_iemocap_without_its_labels_says_where_they_are(read, tree):
    root = tree("Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav")

    with pytest.raises(
        CorpusError, match=r"the table with label and .*dominance isn't there \(\*\*/EmoEvaluation/\*\.txt\)"
    ) as error:
        read(card="iemocap", root=str(root))
    assert "\n" not in str(error.value)


MELD_HEAD = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\r\n"
)
MELD_ROW = '{n},"{text}",{who},{emotion},neutral,{d},{u},8,21,"00:16:16,059","00:16:21,731"\r\n'
SAID = "also I was the point person on my company\x92s transition"
FOLDERS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}


def meld_table(emotion: str, who: str = "Joey", text: str = "Yes?", more: str = "") -> str:
    """A table with the clip dia0_utt0 and whatever else is given."""
    return MELD_HEAD + MELD_ROW.format(n=1, text=text, who=who, emotion=emotion, d=0, u=0) + more


@pytest.mark.parametrize("above", ["", "train/", "MELD.Raw/"])
def test_meld_keys_are_scoped_by_split(read, tree, told, codes, above):
    more = MELD_ROW.format(n=2, text="So", who="Phoebe Sr.", emotion="sadness", d=125, u=3)
    root = tree(
        *(f"{above}{folder}/dia0_utt0.mp4" for folder in FOLDERS.values()),
        **{
            f"{above}train_sent_emo.csv": meld_table("neutral", text=SAID),
            f"{above}dev_sent_emo.csv": meld_table("joy", more=more),
            f"{above}test_sent_emo.csv": meld_table("surprise", who="Ross and Joey"),
        },
    )

    corpus = read(card="meld", root=str(root))

    assert told(corpus) == {
        "train/dia0_utt0": (
            "neutral", "neutral", "Joey", None, "en", "also I was the point person on my company’s transition",
        ),
        "dev/dia0_utt0": ("joy", "happy", "Joey", None, "en", "Yes?"),
        "test/dia0_utt0": ("surprise", "surprised", "Ross and Joey", None, "en", "Yes?"),
    }  # fmt: skip
    assert codes(corpus) == {"absent": {"n": 1, "listed": 4, "clips": ["dev/dia125_utt3"]}}
    for split in FOLDERS:
        clips = read(card="meld", root=str(root), split=split).clips
        assert [clip.id for clip in clips] == [f"{split}/dia0_utt0"]


def test_meld_prefers_the_right_scene_and_leaves_out_what_no_table_lists(read, tree, codes):
    folder = "output_repeated_splits_test/"
    root = tree(
        folder + "dia9_utt9.mp4",
        **{
            folder + "dia0_utt0.mp4": "wrong",
            folder + "final_videos_testdia0_utt0.mp4": "right one",
            "test_sent_emo.csv": meld_table("anger"),
        },
    )

    corpus = read(card="meld", root=str(root))

    assert [clip.path for clip in corpus.clips] == [folder + "final_videos_testdia0_utt0.mp4"]
    assert codes(corpus) == {
        "superseded": {"n": 1, "preferred": "**/final_videos_test*"},
        "unlisted": {"n": 1},
    }


def test_meld_table_with_another_column_is_told(read, tree):
    table = meld_table("anger").replace("Emotion", "Emotions")
    root = tree("train_splits/dia0_utt0.mp4", **{"train_sent_emo.csv": table})

    with pytest.raises(
        CorpusError, match=r"train_sent_emo\.csv:2: there is no column 'emotion'; did you mean emotions"
    ):
        read(card="meld", root=str(root))


@pytest.mark.parametrize(
    "folders", [("train", "test2", "test3"), ("mer2023train/train", "test2", "mer2023train/test3")]
)
def test_mer2023_finds_clips_by_name_and_not_by_ending(read, tree, told, codes, folders):
    train, test2, test3 = folders
    root = tree(
        f"{train}/sample_00002721.avi", f"{test2}/sample_00000099.mp4", f"{test3}/samplenew_00000001.mp4",
        f"{test3}/sample_00009999.avi",
        **{
            "train-label.csv": "name,discrete,valence\nsample_00002721,worried,-1.0\n",
            "test-labels/test2-label.csv": "name,discrete,valence\nsample_00000099,surprise,1.0\n",
            "test-labels/test3-label.csv": "name,discrete\nsamplenew_00000001,sad\n",
        },
    )  # fmt: skip

    corpus = read(card="mer2023", root=str(root))

    assert told(corpus, "raw_label", "reference", "speaker", "language") == {
        "train/sample_00002721": ("worried", "other", None, "zh"),
        "test2/sample_00000099": ("surprise", "surprised", None, "zh"),
        "test3/samplenew_00000001": ("sad", "sad", None, "zh"),
    }
    assert codes(corpus) == {"unlisted": {"n": 1}}
    assert [clip.id for clip in read(card="mer2023", root=str(root), split="test3").clips] == [
        "test3/samplenew_00000001"
    ]


MSP_CSV = (
    "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
    "MSP-PODCAST_0001_0008.wav,N,4,4,4,127,Male,{validation}\n"
    "MSP-PODCAST_0002_0010_0002.wav,C,4,4,4,Unknown,Unknown,Test1\n"
    "MSP-PODCAST_0003_0010.wav,X,4,4,4,7,Female,Train\n"
)


@pytest.mark.parametrize(
    ("audio", "table", "validation"),
    [("Audios", "labels_consensus", "Development"), ("Audio", "labels_concensus", "Validation"),
     ("Audios/Audios", "labels_consensus", "Development")],
)  # fmt: skip
@pytest.mark.parametrize("form", ["csv", "json"])
def test_msp_podcast_of_old_and_new_releases(read, tree, told, codes, audio, table, validation, form):
    text = MSP_CSV.format(validation=validation)
    if form == "json":
        head, *rows = (line.split(",") for line in text.splitlines())
        text = json.dumps({row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows})
    names = ("MSP-PODCAST_0001_0008", "MSP-PODCAST_0002_0010_0002", "MSP-PODCAST_9999_0001")
    root = tree(
        *(f"{audio}/{name}.wav" for name in names),
        **{f"Labels/{table}.{form}": text, "Transcripts/MSP-PODCAST_0001_0008.txt": "Well, I think so.\n"},
    )

    corpus = read(card="msppodcast", root=str(root))

    assert told(corpus) == {
        "MSP-PODCAST_0001_0008": ("N", "neutral", "127", "male", "en", "Well, I think so."),
        "MSP-PODCAST_0002_0010_0002": ("C", "other", None, None, "en", None),
    }
    assert codes(corpus) == {
        "unlisted": {"n": 1},
        "absent": {"n": 1, "listed": 3, "clips": ["MSP-PODCAST_0003_0010"]},
    }
    for split in ("Validation", "development"):
        assert [clip.speaker for clip in read(card="msppodcast", root=str(root), split=split).clips] == ["127"]
    assert len(read(card="msppodcast", root=str(root), split="test1").clips) == 1


def m3ed(series: str, emotion: str, name: str) -> dict[str, Any]:
    """A dialogue of one utterance, as annotation.json has it."""
    emotions = {"EmoAnnotator1": "Neutral", "final_mul_emo": emotion, "final_main_emo": emotion}
    line = {
        "StartTime": "00:00:01:00",
        "EndTime": "00:00:02:00",
        "Text": "好吧",
        "Speaker": "B",
        "EmoAnnotation": emotions,
    }
    speakers = {"A": {"Name": "王胜男"}, "B": {"Name": name}}
    return {f"{series}_1": {"SpeakerInfo": speakers, "Dialog": {f"{series}_1_1": line}}}


def test_m3ed_speaker_is_series_and_name(read, tree, told, codes):
    annotation = {
        "shaonianpai": m3ed("shaonianpai", "Happy", "林大为"),
        "woju": m3ed("woju", "Fear", " 邱英杰"),
        "yijiarenzhiming": m3ed("yijiarenzhiming", "Sad", "林大为"),
    }
    root = tree(
        "modality_speech/B_shaonianpai_1_1.wav", "modality_speech/B_woju_1_1.wav",
        **{"annotation.json": json.dumps(annotation, ensure_ascii=False)},
    )  # fmt: skip

    corpus = read(card="m3ed", root=str(root))

    assert told(corpus) == {
        "B_shaonianpai_1_1": ("Happy", "happy", "shaonianpai_林大为", None, "zh", "好吧"),
        "B_woju_1_1": ("Fear", "fearful", "woju_邱英杰", None, "zh", "好吧"),
    }
    assert codes(corpus) == {"absent": {"n": 1, "listed": 3, "clips": ["B_yijiarenzhiming_1_1"]}}
    assert [clip.id for clip in read(card="m3ed", root=str(root), split="test").clips] == ["B_woju_1_1"]
    assert [clip.id for clip in read(card="m3ed", root=str(root), split="train").clips] == ["B_shaonianpai_1_1"]
