"""Acted corpora with odd names: blanks, brackets, old code pages, letters that mean two things."""

from __future__ import annotations

import os

import pytest

from sv_eval.data.corpus.card import find_card


def test_enterface_trusts_its_folders(read, tree, told, codes):
    root = tree(
        "subject 1/anger/sentence 1/s1_an_1.avi", "subject 11/fear/sentence 3/s12_fe_3.avi",
        "subject 12/fear/sentence 3/s12_fe_3.avi", "subject 3/surprise/sentence 2/s_3_su_2.avi",
        "subject 16/surprise/sentence 3/s16_su_3avi.avi", "subject 6/anger/s6_an.avi",
        "subject 2/anger/sentence 1/s2_an_2.avi",
        "subject 1/anger/sentence 1/Thumbs.db",
    )  # fmt: skip

    corpus = read(card="enterface", root=str(root))

    assert told(corpus, "reference", "speaker", "language") == {
        "subject1_anger_1": ("angry", "1", "en"),
        "subject11_fear_3": ("fearful", "11", "en"),
        "subject12_fear_3": ("fearful", "12", "en"),
        "subject16_surprise_3": ("surprised", "16", "en"),
        "subject2_anger_1": ("angry", "2", "en"),
        "subject3_surprise_2": ("surprised", "3", "en"),
    }
    assert codes(corpus) == {}


def test_shemo_f_is_a_woman_in_front_and_fear_behind(read, tree, told):
    words = "\ufeffبلاخره کار خودشو کرد\u200f"
    root = tree(
        "female/F01F02.wav", "male/M01A01.wav", "male/M03W01.wav", "male/M03S01.wav",
        **{"transcript/final text/F01F02.ort": words},
    )  # fmt: skip

    corpus = read(card="shemo", root=str(root))

    assert told(corpus) == {
        "F01F02": ("F", "fearful", "F01", "female", "fa", words.strip("\ufeff\u200f")),
        "M01A01": ("A", "angry", "M01", "male", "fa", None),
        "M03S01": ("S", "sad", "M03", "male", "fa", None),
        "M03W01": ("W", "surprised", "M03", "male", "fa", None),
    }


def test_urdu_f_in_the_middle_is_no_woman(read, tree, told):
    root = tree(
        "Angry/SM1_F10_A010.wav", "Happy/SF7_F1_H039.wav", "Neutral/SM20_F9_N0100.wav", "Sad/SM23_F2_S08.wav"
    )

    assert told(read(card="urdu", root=str(root)), "reference", "speaker", "sex", "language") == {
        "SM1_F10_A010": ("angry", "SM1", "male", "ur"),
        "SF7_F1_H039": ("happy", "SF7", "female", "ur"),
        "SM20_F9_N0100": ("neutral", "SM20", "male", "ur"),
        "SM23_F2_S08": ("sad", "SM23", "male", "ur"),
    }


def test_aesdd_with_its_irregular_names(read, tree, told):
    root = tree("anger/a03 (3).wav", "fear/f10 (01).wav", "sadness/s04 (5)b.wav", "sadness/s05 (3).wav")

    assert told(read(card="aesdd", root=str(root)), "reference", "speaker", "sex", "language") == {
        "a03 (3)": ("angry", "3", None, "el"),
        "f10 (01)": ("fearful", "1", None, "el"),
        "s04 (5)b": ("sad", "5", None, "el"),
    }


def test_cafe_in_folders_of_another_code_page(read, tree, told):
    folder = os.fsdecode(b"CaFE_48k/Col\x8are/Fort/")
    root = tree(folder + "01-C-2-1.wav", "CaFE_48k/Neutre/12-N-1-4.wav", "CaFE_48k/ColŠre/Faible/02-P-1-6.wav")

    assert told(read(card="cafe", root=str(root))) == {
        "01-C-2-1": ("C", "angry", "01", "male", "fr-CA", "Un cheval fou dans mon jardin"),
        "02-P-1-6": ("P", "fearful", "02", "female", "fr-CA", "Six ours aimants domestiqués"),
        "12-N-1-4": ("N", "neutral", "12", "female", "fr-CA", "Quatre vieilles truies éléphantesques"),
    }


def test_cafe_of_48_khz_goes_before_that_of_192(read, tree, codes):
    root = tree("CaFE_192k/Joie/Faible/06-J-1-3.aiff", **{"CaFE_48k/Joie/Faible/06-J-1-3.wav": "shorter"})

    corpus = read(card="cafe", root=str(root))

    assert [clip.path for clip in corpus.clips] == ["CaFE_48k/Joie/Faible/06-J-1-3.wav"]
    assert codes(corpus) == {"superseded": {"n": 1, "preferred": "**/CaFE_48k/**"}}


def test_subesco_numbers_women_and_men_apart(read, tree, told):
    root = tree("F_02_MONIKA_S_1_NEUTRAL_5.wav", "M_02_NIPUN_S_10_FEAR_1.wav", "F_02_MONIKA_S_2_SURPRISE_3].wav")

    assert told(read(card="subesco", root=str(root)), "reference", "speaker", "sex", "language") == {
        "F_02_MONIKA_S_1_NEUTRAL_5": ("neutral", "F02", "female", "bn"),
        "F_02_MONIKA_S_2_SURPRISE_3": ("surprised", "F02", "female", "bn"),
        "M_02_NIPUN_S_10_FEAR_1": ("fearful", "M02", "male", "bn"),
    }


ASVPESD = (
    "Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav", "Audio/actor_/03-01-02-01-03-12-01.wav",
    "Bonus/actor_200/03-01-17-02-11-200-02-02.wav", "Audio/actor_83/03-02-01-01-10-83-02-02-02-07.wav",
)  # fmt: skip


@pytest.mark.parametrize(("split", "count"), [("all", 4), ("speech", 3), ("nonspeech", 1)])
def test_asvp_esd_by_channel(read, tree, told, split, count):
    corpus = read(card="asvpesd", root=str(tree(*ASVPESD)), split=split)

    assert len(corpus.clips) == count
    facts = set(told(corpus, "raw_label", "reference", "speaker", "language").values())
    if split == "speech":
        assert facts == {("09", "happy", "36", None), ("02", "neutral", None, None), ("17", "other", "200", None)}


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (
            ("jenie_Amused/amused_57-84_0057.wav", "bea_Disgusted/Disgust_1-28_0001.wav"),
            ("jenie_Amused_amused_57-84_0057", "bea_Disgusted_Disgust_1-28_0001"),
        ),
        (
            ("jenie/Amused/amused_57-84_0057.wav", "bea/Disgusted/disgust_1_28_0001.wav"),
            ("jenie_Amused_amused_57-84_0057", "bea_Disgusted_disgust_1_28_0001"),
        ),
    ],
)
def test_emov_db_in_both_trees(read, tree, told, names, ids):
    words = '( arctic_a0001 "Author of the danger trail, Philip Steels, etc." )\n( arctic_a0002 "Not at this." )\n'
    root = tree(*names, **{"cmuarctic.data": words})

    corpus = read(card="emovdb", root=str(root))

    first = "Author of the danger trail, Philip Steels, etc."
    assert told(corpus) == {
        ids[0]: ("Amused", "other", "jenie", "female", "en-US", None),
        ids[1]: ("Disgusted", "disgusted", "bea", "female", "en-US", first),
    }


def test_mead_numbers_begin_anew_in_every_folder(read, tree, told, codes):
    root = tree(
        "M003/audio/angry/level_1/001.m4a", "M003/audio/angry/level_2/001.m4a",
        "W009/audio/neutral/level_1/031.m4a",
        "W009/audio/contempt/level_3/025.m4a", "W009/audio/contempt/level_3/024.m4a",
        "W009/audio/neutral/level_1/030.m4a",
        "M003/video/front/angry/level_1/001.mp4",
    )  # fmt: skip

    corpus = read(card="mead", root=str(root))

    facts = told(corpus, "reference", "speaker", "sex")
    assert facts["M003_angry_1_001"] == facts["M003_angry_2_001"] == ("angry", "M003", "male")
    assert facts["W009_contempt_3_025"] == ("other", "W009", "female")
    assert codes(corpus) == {}
    test, train = (read(card="mead", root=str(root), split=split).clips for split in ("test", "train"))
    assert {clip.id for clip in test} == {"W009_neutral_1_031", "W009_contempt_3_025"}
    assert len(train) == 4


def test_resd_in_both_spellings(read, tree, told):
    root = tree(
        "train/happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav",
        "test/01_happiness_anger/01_happiness_anger a_010.wav",
    )

    assert told(read(card="resd", root=str(root)), "reference", "speaker", "language") == {
        "32_happiness_enthusiasm_h_120": ("happy", None, "ru"),
        "01_happiness_anger a_010": ("angry", None, "ru"),
    }
    assert len(read(card="resd", root=str(root), split="test").clips) == 1


def test_csemotions_reads_its_own_columns():
    options = find_card("csemotions").layout.huggingface

    assert (options.label_column, options.speaker_column, options.transcript_column) == (
        "emotion",
        "speaker",
        "text",
    )
