from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.backends.baselines.folds import CLIP_PARTS, WHOLE, folds_of, folds_setting
from sv_eval.backends.baselines.training import Training, read_training
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
from sv_eval.errors import ConfigError, CorpusError
from sv_eval.records import Clip

SIMULATED: dict[str, Any] = {"name": "sim", "kind": "simulated", "simulated": {"n_clips": 40, "n_speakers": 4}}


def clips_of(speakers: Sequence[str | None], labels: str = "happy") -> tuple[Clip, ...]:
    return tuple(
        Clip(id=f"c{place:03d}", reference=labels, speaker=speaker) for place, speaker in enumerate(speakers)
    )


def training(taught: Sequence[Clip], asked: Sequence[Clip] | None = None, *, same_people: bool = True) -> Training:
    corpus = read_corpus(dataset_config_from(SIMULATED))
    return Training(
        corpus=corpus,
        labelled=tuple(taught),
        asked=tuple(taught if asked is None else asked),
        same_people=same_people,
    )


@given(
    speakers=st.lists(st.sampled_from("abcdefg"), min_size=2, max_size=60).filter(lambda s: len(set(s)) > 2),
    folds=st.sampled_from(["loso", 2, 3]),
)
def test_no_clip_is_answered_by_a_model_that_has_heard_its_speaker(speakers: list[str], folds: str | int) -> None:
    clips = clips_of(speakers)
    found = folds_of(training(clips), folds)

    for clip in clips:
        taught = found.taught(found.part_of_clip[clip.id])
        assert taught
        assert clip.speaker not in {clips[place].speaker for place in taught}
    assert found.taught(WHOLE) == list(range(len(clips)))


def test_leaving_one_speaker_out_learns_from_all_the_others() -> None:
    clips = clips_of("abcabcab")
    found = folds_of(training(clips), "loso")

    for clip in clips:
        taught = {clips[place].speaker for place in found.taught(found.part_of_clip[clip.id])}
        assert taught == {"a", "b", "c"} - {clip.speaker}


def test_groups_of_speakers_are_about_equal() -> None:
    clips = clips_of([speaker for n, speaker in enumerate("abcdefghij", 1) for _ in range(n)])
    found = folds_of(training(clips), 5)

    sizes = [sum(part == other for other in found.part_of_clip.values()) for part in range(5)]
    assert sizes == [11, 11, 11, 11, 11]


def test_clips_without_a_speaker_are_refused_and_folds_of_clips_are_offered() -> None:
    clips = clips_of(["a", None, "b", None])

    with pytest.raises(CorpusError, match=r"2 clips have no speaker \(the first is 'c001'\).*backend\.folds=clips"):
        folds_of(training(clips), "loso")
    assert not folds_of(training(clips), "clips").part_of_clip.keys() ^ {clip.id for clip in clips}


def test_a_clip_asked_about_that_has_neither_label_nor_speaker_is_refused_too() -> None:
    taught = clips_of("abc")
    nobody = Clip(id="x", reference=None)

    with pytest.raises(CorpusError, match="'x'"):
        folds_of(training(taught, [*taught, nobody]), "loso")


def test_folds_of_clips_part_each_emotion_evenly_and_never_teach_the_clip_itself() -> None:
    clips = clips_of([None] * 50)
    found = folds_of(training(clips), "clips")

    assert found.by_clip
    for place, clip in enumerate(clips):
        taught = found.taught(found.part_of_clip[clip.id])
        assert place not in taught
        assert len(taught) == 50 - 50 // CLIP_PARTS


def test_another_corpus_needs_no_folds_even_if_its_speakers_have_the_same_names() -> None:
    found = folds_of(training(clips_of("ab"), clips_of("ab"), same_people=False), "loso")

    assert found.parts == [WHOLE]
    assert found.part_of_clip == {}


def test_another_part_of_the_same_corpus_keeps_shared_speakers_apart_and_only_those() -> None:
    taught = clips_of("aabb")
    asked = [Clip(id="x", reference="sad", speaker="a"), Clip(id="y", reference="sad", speaker="z")]
    found = folds_of(training(taught, asked), "loso")

    assert found.taught(found.part_of_clip["x"]) == [2, 3]
    assert found.part_of_clip["y"] == WHOLE
    assert found.parts == [0, WHOLE]


def test_one_speaker_is_too_few() -> None:
    with pytest.raises(CorpusError, match="one speaker only"):
        folds_of(training(clips_of("aaa")), "loso")


def test_more_groups_than_speakers_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"backend\.folds=5: .* has 3 speakers"):
        folds_of(training(clips_of("abc")), 5)


@pytest.mark.parametrize("wrong", ["lsoo", 1, 0, -3, True, None, 2.5])
def test_a_wrong_setting_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"backend\.folds"):
        folds_setting(wrong)


def test_a_corpus_is_itself_and_not_another() -> None:
    other = {**SIMULATED, "name": "other"}

    assert read_training(SIMULATED, None).same_people
    assert read_training(SIMULATED, SIMULATED).same_people
    assert not read_training(SIMULATED, other).same_people
    assert read_training(None, other).asked == ()


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"give backend\.train"):
        read_training(None, None)
    with pytest.raises(ConfigError, match=r"backend\.train: dataset: unknown key 'nmae'"):
        read_training(SIMULATED, {"nmae": "x", "name": "x", "kind": "simulated"})
    with pytest.raises(CorpusError, match="no clip has one of the seven emotions"):
        read_training({**SIMULATED, "simulated": {"labels": ["bored"]}}, None)
