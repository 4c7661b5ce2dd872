from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.report.reasons import Why
from sv_eval.report.transcripts import Transcripts
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.ratio_bounds import ratio_interval
from sv_eval.scoring.scope import Scope, scope_of
from sv_eval.scoring.transcript_errors import clip_errors, measure_of, normalised
from sv_eval.scoring.transcripts import known_languages, transcripts_of

TEXTS = st.lists(st.sampled_from("abcd"), max_size=9)


def edit_distance(spoken: list[str], recognised: list[str]) -> int:
    """Wagner and Fischer (1974), as plain as can be."""
    row = list(range(len(recognised) + 1))
    for i, said in enumerate(spoken, 1):
        before, row[0] = row[0], i
        for j, heard in enumerate(recognised, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (said != heard))
    return row[-1]


@given(st.lists(st.tuples(TEXTS.filter(bool), TEXTS), max_size=6))
def test_errors_are_the_edit_distance_clip_by_clip(pairs: list[tuple[list[str], list[str]]]) -> None:
    found = clip_errors([" ".join(spoken) for spoken, _ in pairs], [" ".join(heard) for _, heard in pairs])

    assert found.edits.tolist() == [edit_distance(spoken, heard) for spoken, heard in pairs]
    assert found.units.tolist() == [len(spoken) for spoken, _ in pairs]
    lengths = [len(heard) - len(spoken) for spoken, heard in pairs]
    assert (found.insertions - found.deletions).tolist() == lengths


@given(spoken=st.text(alphabet="今天气好OK １2", min_size=1), heard=st.text(alphabet="今天气坏ok 12，"))
def test_characters_are_compared_without_spaces_width_or_case(spoken: str, heard: str) -> None:
    one, other = normalised(spoken, "cer"), normalised(heard, "cer")
    if not one:
        return
    found = clip_errors([one], [other])

    assert found.edits.tolist() == [edit_distance(one.split(), other.split())]


@pytest.mark.parametrize(
    ("language", "transcript", "measure"),
    [
        ("zh", "x", "cer"), ("zh-CN", "x", "cer"), ("yue", "x", "cer"), ("ja", "x", "cer"), ("ko_KR", "x", "cer"),
        ("en", "今天", "wer"), ("de-AT", "x", "wer"), (None, "hello", "wer"), (None, "hello 今天", "cer"),
        (None, "안녕", "cer"), (None, "カナ", "cer"), (None, "", "wer"),
    ],
)  # fmt: skip
def test_the_language_decides_what_is_counted(language: str | None, transcript: str, measure: str) -> None:
    assert measure_of(language, transcript) == measure


def record(
    clip_id: str,
    spoken: str | None,
    heard: str | None,
    *,
    language: str | None = "en",
    emotion: str = "happy",
    answer: str | None = None,
    speaker: str | None = None,
    no_speech: bool = False,
) -> Record:
    clip = Clip(id=clip_id, reference=emotion, transcript=spoken, language=language, speaker=speaker)
    label = None if no_speech else answer or emotion
    forced = emotion if label in (None, "unknown") else label
    prediction = Prediction(label=label, forced=None if no_speech else forced, text=heard, no_speech=no_speech)
    return Record(clip=clip, outcome=prediction.outcome, prediction=prediction, latency_ms=1.0, audio_s=1.0)


def scope(*records: Record, policy: str = "wrong", labels: tuple[str, ...] = ("happy", "sad")) -> Scope:
    return scope_of(RunRecords.of_records(records), ScoringConfig(policy=policy, labels=labels, confidence=0.95))


def scores(*records: Record, known: tuple[str, ...] = (), policy: str = "wrong") -> Transcripts:
    found = transcripts_of(scope(*records, policy=policy), known)
    assert isinstance(found, Transcripts)
    return found


def test_errors_add_up_over_the_corpus_and_not_over_clips() -> None:
    found = scores(
        record("a", "one two three four five six", "one two three four five six", speaker="1"),
        record("b", "one two", "one to", speaker="2"),
    )

    assert found.wer.value == pytest.approx(1 / 8)
    assert (found.wer.substitutions, found.wer.units) == (1, 8)
    assert found.cer is None
    assert "no clip" in str(found.cer_reason)


def test_languages_are_measured_each_by_its_own() -> None:
    found = scores(
        record("a", "one two", "one"),
        record("b", "今天好", "今天", language="zh"),
        record("c", "x", "y", language=None),
    )

    rows = {(row.language, row.measure): row.value for row in found.by_language}
    assert rows == {("en", "wer"): 0.5, ("zh", "cer"): pytest.approx(1 / 3), ("unknown", "wer"): 1.0}
    assert found.wer.value == pytest.approx(2 / 3)


def test_a_language_that_the_recogniser_does_not_know_stays_out_and_is_named() -> None:
    german = [record(f"d{i}", "guten Tag", "good tech", language="de", answer="sad") for i in range(3)]
    found = scores(record("a", "one two", "one two"), *german, known=("en", "zh"))

    assert found.unknown_to_recogniser == {"de": 3}
    assert (found.n, found.n_scored) == (4, 1)
    assert found.wer.value == 0.0
    assert found.cross.n == 1
    assert [(row.language, row.known) for row in found.by_language] == [("de", False), ("en", True)]


def test_a_corpus_in_such_a_language_alone_has_no_figure_and_says_why() -> None:
    found = scores(record("d", "guten Tag", "good tech", language="de"), known=("en",))

    assert found.wer is None
    assert "recogniser knows" in str(found.wer_reason)
    assert found.cross is None
    assert "recogniser knows" in str(found.cross_reason)


def test_where_nothing_is_known_of_the_recogniser_all_is_scored() -> None:
    found = scores(record("d", "guten Tag", "guten Tag", language="de"))

    assert found.unknown_to_recogniser == {}
    assert found.by_language[0].known is None


def test_mandarin_by_its_own_name_is_chinese() -> None:
    found = scores(record("a", "今天", "今天", language="cmn-Hans"), known=("zh",))

    assert found.unknown_to_recogniser == {}


def test_no_speech_found_means_that_every_word_was_missed_and_no_text_given_means_nothing() -> None:
    found = scores(
        record("a", "one two", "one two"),
        record("b", "three four", None, no_speech=True),
        record("c", "five", None),
        record("d", "...", "six"),
        Record(
            clip=Clip(id="e", transcript="seven", language="en"),
            outcome=Outcome.FAILURE,
            failure=Failure(kind="timeout", message="late"),
        ),
    )

    assert (found.wer.deletions, found.wer.units) == (2, 4)
    assert (found.n, found.n_without_text, found.n_without_words, found.n_failed) == (2, 1, 1, 1)


def test_the_cross_table_sorts_clips_by_their_words_and_their_emotion() -> None:
    ten = "a b c d e f g h i j"
    found = scores(
        record("a", ten, ten),
        record("b", ten, ten, answer="sad"),
        record("c", ten, "a b c d e f g h i x"),
        record("d", ten, "a b c d e", emotion="sad"),
        record("e", ten, "", emotion="sad", answer="happy"),
        record("f", ten, "", emotion="sad", answer="unknown"),
        record("g", ten, ten, emotion="angry"),
    ).cross

    table = {(each.above, each.most): (each.right, each.wrong) for each in found.bins}
    assert table == {
        (0.0, 0.0): (1, 1),
        (0.0, 0.1): (1, 0),
        (0.1, 0.3): (0, 0),
        (0.3, 0.6): (1, 0),
        (0.6, None): (0, 2),
    }
    assert [each.accuracy for each in found.bins] == [0.5, 1.0, None, 1.0, 0.0]
    assert found.n == 6
    assert found.emotion_right.wer.value == pytest.approx(6 / 30)
    assert found.emotion_wrong.wer.value == pytest.approx(20 / 30)


def test_under_abstain_a_declined_answer_is_in_no_cell() -> None:
    records = (record("a", "x", "x"), record("b", "x", "x", answer="unknown"))

    assert scores(*records).cross.n == 2
    assert scores(*records, policy="abstain").cross.n == 1


def test_each_emotion_has_its_own_error_rate() -> None:
    found = scores(record("a", "x y", "x y"), record("b", "x y", "x", emotion="sad"))

    assert found.by_emotion["happy"].wer.value == 0.0
    assert found.by_emotion["sad"].wer.value == 0.5


@pytest.mark.parametrize(
    ("spoken", "heard", "reason"),
    [(None, "x", "the corpus has no transcripts"), ("x", None, "the recogniser gives no text")],
)
def test_nothing_to_compare_is_said(spoken: str | None, heard: str | None, reason: str) -> None:
    found = transcripts_of(scope(record("a", spoken, heard), labels=("happy",)))

    assert isinstance(found, Why)
    assert str(found) == reason


def test_a_corpus_without_transcripts_does_not_even_load_the_library() -> None:
    code = (
        "import sys; from sv_eval.record_file.run_records import RunRecords; "
        "from sv_eval.scoring.config import ScoringConfig; from sv_eval.scoring.scope import scope_of; "
        "from sv_eval.scoring.transcripts import transcripts_of; "
        "transcripts_of(scope_of(RunRecords.of_records([]), ScoringConfig(confidence=0.95))); "
        "sys.exit('jiwer' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_model_card_goes_before_what_can_be_asked_for() -> None:
    assert known_languages(("auto", "zh", "nospeech"), {"languages": ["en"]}) == ("en",)
    assert known_languages(("auto",), {}) == ()


def test_bounds_hold_the_truth_about_as_often_as_they_say() -> None:
    """Clusters of clips with a word error rate of their own around 30 %: 10 speakers, 400 corpora."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        rate = 0.3 * rng.gamma(8, 1 / 8, 10)
        speaker = np.repeat(np.arange(10), 12)
        words_spoken = rng.integers(3, 15, len(speaker))
        wrong = rng.poisson(rate[speaker] * words_spoken)
        found = ratio_interval(wrong, words_spoken, speaker, confidence=0.95)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.3 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_bounds_may_lie_above_one_and_never_below_zero() -> None:
    wrong, spoken = np.array([1, 30, 2]), np.array([5, 10, 5])
    found = ratio_interval(wrong, spoken, np.array([0, 1, 2]), confidence=0.95)

    assert found.value == 33 / 20
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high


@pytest.mark.parametrize(
    ("wrong", "speakers", "reason"),
    [
        ([1, 2], [0, 0], "one speaker only"),
        ([0, 0], [0, 1], "no error at all"),
        ([1, 1], [0, 1], "all speakers alike"),
    ],
)
def test_bounds_that_can_not_be_had_are_refused(wrong: list[int], speakers: list[int], reason: str) -> None:
    found = ratio_interval(np.array(wrong), np.array([4, 4]), np.array(speakers), confidence=0.95)

    assert (found.low, found.high) == (None, None)
    assert found.reason
    assert reason in str(found.reason)
