"""What raters said, from the tables that corpora have beside their audio."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.reading import Corpus, read_corpus
from sv_eval.errors import CorpusError
from sv_eval.records import Clip

RESPONSES = """\
"","localid","pos","ans","ttr","queryType","numTries","clipNum","questNum","subType","clipName","respEmo","dispEmo"
1,"1-7",1,"A_80",900,1,0,1,1,4,"1001_DFA_ANG_XX","A","A"
2,"1-8",1,"N_80",900,1,0,1,1,4,"1001_DFA_ANG_XX","N","A"
3,"1-8",2,"A_80",900,1,0,1,1,4,"1001_DFA_ANG_XX","A","A"
4,"1-9",1,"N_80",900,1,0,1,1,4,"1001_DFA_ANG_XX","N","A"
5,"1-9",1,"A_80",900,2,0,1,1,4,"1001_DFA_ANG_XX","A","A"
6,"1-9",1,"H_80",900,3,0,1,1,4,"1001_DFA_ANG_XX","H","A"
"""


@pytest.fixture
def cremad(tmp_path: Path) -> Path:
    (tmp_path / "AudioWAV").mkdir()
    for name in ("1001_DFA_ANG_XX", "1002_DFA_HAP_XX"):
        (tmp_path / "AudioWAV" / f"{name}.wav").write_bytes(b"")
    (tmp_path / "finishedResponses.csv").write_text(RESPONSES, encoding="utf-8")
    return tmp_path


def read(card: str, root: Path, **options: object) -> Corpus:
    return read_corpus(DatasetConfig(name=card, card=card, root=str(root), **options))  # type: ignore[arg-type]


def test_crema_ds_participants_are_read_when_they_are_asked_for(cremad: Path) -> None:
    plain, voice = read("cremad", cremad).clips, read("cremad", cremad, votes_of="voice").clips
    face = read("cremad", cremad, votes_of="face").clips

    assert [clip.raters for clip in plain] == [None, None]
    # Of a participant's two responses the first holds.
    assert voice[0].raters == {"1-7": ("ANG",), "1-8": ("NEU",), "1-9": ("NEU",)}
    assert (voice[0].reference, voice[1].raters) == ("angry", None)
    assert face[0].raters == {"1-9": ("ANG",)}


def test_what_participants_heard_may_be_the_label(cremad: Path) -> None:
    found = read("cremad", cremad, votes_of="voice", vote_label="plurality")
    (note,) = [note for note in found.notes if note.code.startswith("voted")]

    assert [(clip.reference, clip.raw_label) for clip in found.clips] == [("neutral", "NEU"), ("happy", "HAP")]
    assert note.to_json() == {"code": "voted_plurality", "n": 1, "of": 2, "ties": 0}


def test_votes_that_are_asked_for_and_not_there_are_an_error(cremad: Path) -> None:
    (cremad / "finishedResponses.csv").unlink()

    with pytest.raises(CorpusError, match=r"the votes 'voice' aren't there .*finishedResponses.csv"):
        read("cremad", cremad, votes_of="voice")
    with pytest.raises(CorpusError, match=r"votes_of=vioce.*did you mean voice"):
        read("cremad", cremad, votes_of="vioce")
    with pytest.raises(CorpusError, match="its card names none"):
        read("casia", cremad, votes_of="voice")


EVALUATION = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Anger;\t()
C-E4:\tSleepy;\t(tired; very)
C-F1:\tNeutral;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_F001\txxx\t[2.5000, 2.5000, 2.5000]
C-E2:\tFrustration;\t()
C-E3:\tExcited;\t()
"""


def iemocap(root: Path) -> Clip:
    wav = root / "Session1/sentences/wav/Ses01F_impro01"
    wav.mkdir(parents=True)
    labels = root / "Session1/dialog/EmoEvaluation"
    (labels / "Categorical").mkdir(parents=True)
    (labels / "Ses01F_impro01.txt").write_text(EVALUATION, encoding="utf-8")
    (labels / "Categorical" / "Ses01F_impro01_e2_cat.txt").write_text("C-E9: Anger;", encoding="utf-8")
    for number in range(2):
        (wav / f"Ses01F_impro01_F00{number}.wav").write_bytes(b"")
    return read("iemocap", root).clips[0]


def test_iemocaps_evaluators_are_read_and_its_actors_are_not(tmp_path: Path) -> None:
    clip = iemocap(tmp_path)
    none = read("iemocap", tmp_path, votes_of="none").clips

    assert clip.raters == {"E2": ("neu",), "E3": ("neu", "ang"), "E4": ("oth",)}
    assert (clip.reference, clip.raw_label) == ("neutral", "neu")
    assert read("iemocap", tmp_path).clips[1].raters == {"E2": ("fru",), "E3": ("exc",)}
    assert [one.raters for one in none] == [None, None]


def msp(root: Path) -> None:
    (root / "Audios").mkdir()
    (root / "Labels").mkdir()
    (root / "Audios/MSP-PODCAST_0001_0008.wav").write_bytes(b"")
    (root / "Labels/labels_consensus.csv").write_text(
        "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
        "MSP-PODCAST_0001_0008.wav,N,4.2,3.6,4.4,127,Male,Test1\n",
        encoding="utf-8",
    )


ROWS = [("WORKER01", "Neutral"), ("WORKER02", "Other-annoyed"), ("WORKER03", "Surprise")]
SAID = {"WORKER01": ("N",), "WORKER02": ("O",), "WORKER03": ("U",)}


@pytest.mark.parametrize("column", ["WorkerID", "Workers"])
def test_msp_podcasts_raters_are_read_from_its_table(tmp_path: Path, column: str) -> None:
    msp(tmp_path)
    rows = "".join(f"MSP-PODCAST_0001_0008.wav,{who},{what},Calm\n" for who, what in ROWS)
    header = f"FileName,{column},EmoClass_Major,EmoClass_Second\n"
    (tmp_path / "Labels/labels_detailed.csv").write_text(header + rows, encoding="utf-8")

    (clip,) = read("msppodcast", tmp_path).clips

    assert (clip.raters, clip.reference) == (SAID, "neutral")


def test_msp_podcasts_raters_are_read_from_json(tmp_path: Path) -> None:
    msp(tmp_path)
    said = {"MSP-PODCAST_0001_0008.wav": {who: {"EmoClass_Major": what, "EmoAct": 4} for who, what in ROWS}}
    (tmp_path / "Labels/labels_detailed.json").write_text(json.dumps(said), encoding="utf-8")

    assert read("msppodcast", tmp_path).clips[0].raters == SAID


def test_raters_without_names_are_counted(tmp_path: Path) -> None:
    msp(tmp_path)
    rows = "".join(f"MSP-PODCAST_0001_0008.wav,{what}\n" for what in ("Neutral", "Angry", "Neutral"))
    (tmp_path / "Labels/labels_detailed.csv").write_text("FileName,EmoClass_Major\n" + rows, encoding="utf-8")

    (clip,) = read("msppodcast", tmp_path).clips

    assert (clip.votes, clip.raters) == ({"N": 2, "A": 1}, None)


def test_a_corpus_without_its_votes_is_read_as_ever(tmp_path: Path) -> None:
    msp(tmp_path)

    assert read("msppodcast", tmp_path).clips[0].raters is None
