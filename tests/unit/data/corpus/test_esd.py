"""ESD as its owners and others hand it on: folders, numbers, splits, halves and words in four encodings."""

from __future__ import annotations

from collections import Counter

import pytest

from sv_eval.data.corpus.card import find_card
from sv_eval.errors import CorpusError

FIRST = {"Neutral": 1, "Angry": 351, "Happy": 701, "Sad": 1051, "Surprise": 1401}
EMOTIONS = {"Neutral": "neutral", "Angry": "angry", "Happy": "happy", "Sad": "sad", "Surprise": "surprised"}
SPEAKERS = [f"{number:04d}" for number in range(1, 21)]


def part_of(place: int) -> str:
    """The official part of a sentence's place among the 350, as the corpus's folders have it."""
    return "evaluation" if place <= 20 else "test" if place <= 50 else "train"


def files(*, parts: bool, places: tuple[int, ...] = (1, 20, 21, 50, 51, 350)) -> list[str]:
    """A few files of every speaker and emotion, with or without the parts' folders."""
    return [
        f"{speaker}/{emotion}/{part_of(place) + '/' if parts else ''}{speaker}_{first + place - 1:06d}.wav"
        for speaker in SPEAKERS
        for emotion, first in FIRST.items()
        for place in places
    ]


@pytest.mark.parametrize("parts", [True, False])
@pytest.mark.parametrize("above", ["", "Emotional Speech Dataset (ESD)/Emotion Speech Dataset/"])
def test_tree_with_and_without_parts_is_read_alike(read, tree, parts, above):
    root = tree(*(above + file for file in files(parts=parts)))

    corpus = read(card="esd", root=str(root))

    assert len(corpus.clips) == 600
    assert Counter(clip.reference for clip in corpus.clips) == dict.fromkeys(EMOTIONS.values(), 120)
    first = corpus.clips[0]
    assert (first.id, first.raw_label, first.speaker, first.sex, first.language) == (
        "0001_000001", "Neutral", "0001", "female", "zh",
    )  # fmt: skip
    for split, count in {"train": 200, "evaluation": 200, "test": 200}.items():
        clips = read(card="esd", root=str(root), split=split).clips
        assert len(clips) == count
        assert {part_of((int(clip.id[5:]) - 1) % 350 + 1) for clip in clips} == {split}


def test_folder_of_the_part_goes_before_the_number(read, tree):
    root = tree("0001/Angry/test/0001_000351.wav", "0001/Angry/train/0001_000401.wav")

    corpus = read(card="esd", root=str(root), split="test")

    assert [clip.id for clip in corpus.clips] == ["0001_000351"]
    assert [note.values for note in corpus.notes if note.code == "contradictions"] == [
        {"n": 1, "example": "0001/Angry/test/0001_000351.wav"}
    ]


def test_files_without_any_folder_are_told_by_their_numbers(read, tree, told):
    root = tree("0011_000350.wav", "0011_000351.wav", "0011_001750.wav")

    corpus = read(card="esd", root=str(root))

    assert corpus.variant == "numbers"
    assert told(corpus, "raw_label", "language") == {
        "0011_000350": ("Neutral", "en"),
        "0011_000351": ("Angry", "en"),
        "0011_001750": ("Surprise", "en"),
    }


def test_file_in_another_emotions_folder_is_noted(read, tree, told):
    root = tree("0001/Happy/0001_000351.wav", "0001/Happy/0001_000701.wav")

    corpus = read(card="esd", root=str(root))

    assert told(corpus, "raw_label") == {"0001_000351": ("Happy",), "0001_000701": ("Happy",)}
    assert [note.values for note in corpus.notes if note.code == "contradictions"] == [
        {"n": 1, "example": "0001/Happy/0001_000351.wav"}
    ]


def test_copy_that_is_both_flat_and_parted_is_read_once(read, tree, codes):
    root = tree("0001/Angry/0001_000401.wav", "0001/Angry/train/0001_000401.wav")

    corpus = read(card="esd", root=str(root))

    assert [clip.path for clip in corpus.clips] == ["0001/Angry/0001_000401.wav"]
    assert codes(corpus)["copies"] == {"n": 1}


def test_sexes_and_languages_are_the_read_mes():
    speakers = find_card("esd").speakers

    female = {name for name, speaker in speakers.items() if speaker.sex == "female"}
    assert female == {f"{number:04d}" for number in (1, 2, 3, 7, 9, 15, 16, 17, 18, 19)}
    assert {name for name, speaker in speakers.items() if speaker.language == "zh"} == set(SPEAKERS[:10])
    assert {speaker.clips for speaker in speakers.values()} == {1750}


@pytest.mark.parametrize("fold", [1, 2, 3, 4, 5])
def test_emobox_folds_keep_speakers_apart(read, tree, fold):
    root = tree(*files(parts=False, places=(1,)))

    test, train = (
        read(card="esd", root=str(root), split=f"emobox_fold{fold}{end}").clips for end in ("", "_train")
    )

    assert len({clip.speaker for clip in test}) == 4
    assert not {clip.speaker for clip in test} & {clip.speaker for clip in train}
    assert len(test) + len(train) == 100


@pytest.mark.parametrize(("language", "speakers"), [("zh", SPEAKERS[:10]), ("en", SPEAKERS[10:])])
def test_half_of_it_by_language(read, tree, codes, language, speakers):
    root = tree(*files(parts=False))

    corpus = read(card="esd", root=str(root), only={"language": [language]})

    assert {clip.speaker for clip in corpus.clips} == set(speakers)
    assert codes(corpus)["restricted"] == {"n": 300, "total": 600, "only": [f"language={language}"]}
    assert corpus.completeness.expected == 17_500
    assert corpus.completeness.found == 300
    assert set(corpus.completeness.by_speaker) == set(speakers)


def test_counts_are_exact_by_label_and_speaker(read, tree):
    root = tree(*files(parts=False))

    whole = read(card="esd", root=str(root), split="test").completeness

    assert (whole.found, whole.expected, whole.complete) == (600, 35_000, False)
    assert whole.by_label == dict.fromkeys(EMOTIONS, (120, 7000))
    assert whole.by_speaker == dict.fromkeys(SPEAKERS, (30, 1750))


def test_unknown_split_names_the_nearest(read, tree):
    root = tree("0001/Angry/0001_000401.wav")

    with pytest.raises(
        CorpusError, match=r"dataset.split=evaluate: esd has no such split; did you mean evaluation"
    ):
        read(card="esd", root=str(root), split="evaluate")


TEXTS = {
    "0001": ("gb2312", "0001_000351\t打远一看，它们的确很是美丽，\t生气\n"),
    "0003": ("utf-16-le", "0003_000351\t打远一看，它们的确很是美丽，\t生气\r\n"),
    "0006": ("utf-16", "0006_000351\t打远一看，它们的确很是美丽，\t生气\n"),
    "0011": ("utf-8", "0011_000351\tThe nine the eggs, I keep.\tAngry\n"),
    "0012": ("utf-16-le", "0012_000351\tThe nine the eggs, I keep.\tAngry\n"),
    "0016": ("cp1252", "0016_000351\tThat’s the café’s.\tAngry\n"),
    "0013": ("ascii", "0013_000351 That is the cafe. Angry\n"),
}


@pytest.mark.parametrize("speaker", TEXTS)
def test_words_in_every_encoding(read, tree, speaker):
    encoding, text = TEXTS[speaker]
    root = tree(f"{speaker}/Angry/{speaker}_000351.wav", encoding=encoding, **{f"{speaker}/{speaker}.txt": text})

    corpus = read(card="esd", root=str(root))

    words = text.split("\t")[1] if "\t" in text else "That is the cafe."
    assert corpus.clips[0].transcript == words


def test_missing_words_are_no_harm(read, tree):
    corpus = read(card="esd", root=str(tree("0001/Angry/0001_000351.wav")))

    assert corpus.clips[0].transcript is None
