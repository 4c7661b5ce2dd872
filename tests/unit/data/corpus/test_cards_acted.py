"""Acted corpora whose names say all: small trees with the official file names, read as their cards tell."""

from __future__ import annotations

import pytest

from sv_eval.data.corpus.card import find_card


def test_casia_folders_with_their_strays(read, tree, told, codes):
    words = "201.就是下雨也去\r\n202. 欢迎你\r\n"
    root = tree(
        "liuchanhg/fear/202.wav", "ZhaoZuoxiang/angry/201.wav", "wangzhe/neutral/250.wav",
        "zhaoquanyin/sad/203.wav",
        "liuchanhg/fear/202.lab", "liuchanhg/fear/202.tag", "liuchanhg/fear/_desktop.ini", "201.wav", "202.wav",
        encoding="gb18030", **{"相同的文本201--250.txt": words},
    )  # fmt: skip

    corpus = read(card="casia", root=str(root))

    assert corpus.variant == "folders"
    assert told(corpus) == {
        "liuchanhg_fear_202": ("fear", "fearful", "liuchanhg", "female", "zh", "欢迎你"),
        "wangzhe_neutral_250": ("neutral", "neutral", "wangzhe", "male", "zh", None),
        "zhaoquanyin_sad_203": ("sad", "sad", "zhaoquanyin", "female", "zh", None),
        "zhaozuoxiang_angry_201": ("angry", "angry", "zhaozuoxiang", "male", "zh", "就是下雨也去"),
    }
    assert codes(corpus) == {"strays": {"n": 2, "example": "201.wav"}}
    assert [clip.speaker for clip in read(card="casia", root=str(root), split="emobox_fold3").clips] == [
        "liuchanhg"
    ]


def test_casia_flat_and_full(read, tree, told):
    flat = read(card="casia", root=str(tree("angry/201-angry-ZhaoZuoxiang.wav", folder="flat")))
    root = tree("相同文本300/wangzhe/happy/001.wav", "不同文本100/Chang.Liu/normal/301.wav", folder="full")
    full = read(card="casia", root=str(root))

    assert (flat.variant, full.variant) == ("flat", "full")
    assert told(flat, "reference", "speaker") == {"zhaozuoxiang_angry_201": ("angry", "zhaozuoxiang")}
    assert set(told(full, "reference", "speaker").values()) == {("happy", "wangzhe"), ("neutral", "liuchanhg")}


def test_casia_complete_edition_is_recognised(read, tree):
    speakers = ("liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang")
    labels = ("angry", "fear", "happy", "neutral", "sad", "surprise")
    names = [f"{who}/{label}/{number}.wav" for who in speakers for label in labels for number in range(201, 251)]

    whole = read(card="casia", root=str(tree(*names))).completeness

    assert (whole.found, whole.expected, whole.complete, whole.edition) == (1200, 1200, True, None)


def test_cremad(read, tree, told):
    root = tree(
        "AudioWAV/1001_IEO_ANG_HI.wav", "AudioWAV/1002_DFA_NEU_XX.wav", "AudioWAV/1040_ITH_SAD_X.wav",
        "AudioMP3/1001_IEO_ANG_HI.mp3", "VideoFlash/1001_IEO_ANG_HI.flv",
    )  # fmt: skip

    corpus = read(card="cremad", root=str(root))

    assert told(corpus) == {
        "1001_IEO_ANG_HI": ("ANG", "angry", "1001", "male", "en", "It's eleven o'clock."),
        "1002_DFA_NEU_XX": ("NEU", "neutral", "1002", "female", "en", "Don't forget a jacket."),
        "1040_ITH_SAD_X": ("SAD", "sad", "1040", "male", "en", "I think I have a doctor's appointment."),
    }


def test_cremad_counts_every_actor():
    speakers = find_card("cremad").speakers

    assert sum(speaker.clips or 0 for speaker in speakers.values()) == 7442
    assert [sum(speaker.sex == sex for speaker in speakers.values()) for sex in ("male", "female")] == [48, 43]


@pytest.mark.parametrize("above", ["", "Audio_Speech_Actors_01-24/"])
def test_ravdess(read, tree, told, codes, above):
    names = ["Actor_01/03-01-02-01-01-02-01.wav", "Actor_02/03-01-08-02-02-01-02.wav"]
    song = "Actor_02/03-02-03-01-02-01-02.wav"
    root = tree(*(above + name for name in (*names, song)))

    corpus = read(card="ravdess", root=str(root))

    assert told(corpus) == {
        "03-01-02-01-01-02-01": ("02", "other", "01", "male", "en", "Kids are talking by the door."),
        "03-01-08-02-02-01-02": ("08", "surprised", "02", "female", "en", "Dogs are sitting by the door."),
    }
    assert codes(corpus) == {}


def test_ravdess_double_tree_is_read_once(read, tree, codes):
    name = "Actor_01/03-01-03-01-02-01-01.wav"
    root = tree(name, "audio_speech_actors_01-24/" + name)

    corpus = read(card="ravdess", root=str(root))

    assert [clip.path for clip in corpus.clips] == [name]
    assert codes(corpus) == {"copies": {"n": 1}}


def test_tess_labels_come_from_the_names(read, tree, told):
    root = tree(
        "OAF_Pleasant_surprise/OAF_back_ps.wav", "YAF_pleasant_surprised/YAF_back_ps.wav",
        "OAF_Fear/OAF_bar_fear.wav",
        "OAF_neutral/OA_bite_neutral.wav", "TESS/OAF_Fear/OAF_bar_fear.wav",
    )  # fmt: skip

    corpus = read(card="tess", root=str(root))

    assert told(corpus) == {
        "OAF_back_ps": ("ps", "surprised", "OAF", "female", "en-CA", "Say the word back."),
        "YAF_back_ps": ("ps", "surprised", "YAF", "female", "en-CA", "Say the word back."),
        "OAF_bar_fear": ("fear", "fearful", "OAF", "female", "en-CA", "Say the word bar."),
        "OAF_bite_neutral": ("neutral", "neutral", "OAF", "female", "en-CA", "Say the word bite."),
    }
    assert [clip.id for clip in read(card="tess", root=str(root), split="younger").clips] == ["YAF_back_ps"]


@pytest.mark.parametrize(
    "names", [("AudioData/DC/su01.wav", "AudioData/KL/n30.wav"), ("ALL/DC_su01.wav", "ALL/KL_n30.wav")]
)
def test_savee_in_both_trees(read, tree, told, names):
    corpus = read(card="savee", root=str(tree(*names)))

    assert told(corpus) == {
        "DC_su01": ("su", "surprised", "DC", "male", "en-GB", None),
        "KL_n30": ("n", "neutral", "KL", "male", "en-GB", None),
    }


def test_savee_speakers_folder_may_be_the_root_of_nothing_else(read, tree, told):
    corpus = read(card="savee", root=str(tree("JE/sa01.wav", "JE/a01.wav")))

    assert {labels for (labels,) in told(corpus, "reference").values()} == {"sad", "angry"}


def test_emovo(read, tree, told):
    root = tree("EMOVO/f1/dis-f1-b1.wav", "EMOVO/m3/gio-m3-l3.wav", "EMOVO/m1/tri-m1-n5.wav")
    corpus = read(card="emovo", root=str(root))

    assert told(corpus) == {
        "dis-f1-b1": ("dis", "disgusted", "f1", "female", "it", "Gli operai si alzano presto"),
        "gio-m3-l3": ("gio", "happy", "m3", "male", "it", None),
        "tri-m1-n5": ("tri", "sad", "m1", "male", "it", "Uno quarantatré dieci mille cinquantasette venti"),
    }
    assert [clip.speaker for clip in read(card="emovo", root=str(root), split="emobox_fold2").clips] == ["m3"]


def test_nemo_reads_its_words_from_its_table(read, tree, told):
    table = (
        "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
        "EB0_anger_1.wav\tanger\tCzy mogę zobaczyć?\tczy mogę zobaczyć\t        EB0\tfemale\t25\n"
    )
    root = tree("samples/EB0_anger_1.wav", "samples/MP0_surprised_90.wav", **{"data.tsv": table})

    corpus = read(card="nemo", root=str(root))

    assert told(corpus) == {
        "EB0_anger_1": ("anger", "angry", "EB0", "female", "pl", "Czy mogę zobaczyć?"),
        "MP0_surprised_90": ("surprised", "surprised", "MP0", "male", "pl", None),
    }


def test_jl_corpus_reads_the_words_beside(read, tree, told):
    folder = "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/"
    texts = {
        folder + "male2_concerned_6b_1.txt": "Carl leaps into a jeep.\r\n",
        folder + "female1_excited_1a_2.txt": "Tom beats that farmer.",
    }
    root = tree(folder + "male2_concerned_6b_1.wav", folder + "female1_excited_1a_2.wav", **texts)

    corpus = read(card="jlcorpus", root=str(root))

    assert told(corpus) == {
        "male2_concerned_6b_1": ("concerned", "other", "male2", "male", "en-NZ", "Carl leaps into a jeep."),
        "female1_excited_1a_2": ("excited", "happy", "female1", "female", "en-NZ", "Tom beats that farmer."),
    }
    assert [clip.speaker for clip in read(card="jlcorpus", root=str(root), split="emobox_fold1").clips] == ["male2"]


@pytest.mark.parametrize(
    ("paths", "variant", "speakers", "labels"),
    [
        ("actor_1/fear/206.wav actor_2/happy/207.wav", "folders", "actor_1 actor_2", "fear happy"),
        ("fear/liuchanhg/206.wav Happy/wangzhe/207.WAV", "emotion_first", "liuchanhg wangzhe", "fear happy"),
        ("liuchanhg_fear_206.wav x/wangzhe_happy_207.wav", "joined", "liuchanhg wangzhe", "fear happy"),
        ("相同文本300_liuchanhg_happy_201.wav", "joined", "liuchanhg", "happy"),
        ("actor_1_sad_201.wav Actor2_sad_201.wav", "joined", "actor_1 actor2", "sad sad"),
        ("liuchanhg/生气/206.wav wangzhe/高兴/207.wav", "folders", "liuchanhg wangzhe", "angry happy"),
        ("生气/liuchanhg/206.wav 惊讶/wangzhe/207.wav", "emotion_first", "liuchanhg wangzhe", "angry surprise"),
        ("wangzhe/中性/206.wav wangzhe/难过/207.wav", "folders", "wangzhe wangzhe", "neutral sad"),
    ],
)
def test_casia_as_others_pass_it_on(read, tree, paths, variant, speakers, labels):
    corpus = read(card="casia", root=str(tree(*paths.split())))

    by_path = {clip.path: clip for clip in corpus.clips}
    assert corpus.variant == variant
    assert [by_path[path].speaker for path in paths.split()] == speakers.split()
    assert [by_path[path].raw_label for path in paths.split()] == labels.split()


def test_ased(read, tree, told):
    root = tree("01Neutral/n1-05-02-02-65.wav", "04Sad/S4-04-02-01-29.wav", "05Angry/a5-01-02-01-05.WAV")

    assert told(read(card="ased", root=str(root))) == {
        "n1-05-02-02-65": ("n", "neutral", "65", None, "am", None),
        "S4-04-02-01-29": ("s", "sad", "29", None, "am", None),
        "a5-01-02-01-05": ("a", "angry", "05", None, "am", None),
    }


def test_turevdb(read, tree, told):
    root = tree("Sound Source/Angry/1157_kz_acik.wav", "Sound Source/Calm/1234_sk_eger.wav", "1358_mt_eger.wav")

    assert told(read(card="turevdb", root=str(root))) == {
        "1157_kz_acik": ("Angry", "angry", "1157", None, "tr", None),
        "1234_sk_eger": ("Calm", "other", "1234", None, "tr", None),
        "1358_mt_eger": ("Happy", "happy", "1358", None, "tr", None),
    }
