"""Groups of speakers are told apart where they differ, by whole speakers, and not where they don't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Outcome, Prediction, Record
from sv_eval.report.fairness import Fairness, Group
from sv_eval.reports.fairness import fairness_sections
from sv_eval.reports.wording import Wording
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.fairness import FEWEST, fairness_of
from sv_eval.scoring.scope import scope_of
from sv_eval.sound_facts import SoundFacts

LABELS = ("happy", "sad", "angry")
QUICK = ScoringConfig(resamples=200)
Answered = tuple[str, str | None, str | None, dict[str, Any]]
"""Reference, answer, speaker, and what else is known of the clip."""


def found_in(answers: Sequence[Answered], config: ScoringConfig = QUICK) -> Fairness | None:
    records = []
    for number, (reference, answer, speaker, known) in enumerate(answers):
        pitch = known.get("pitch_hz")
        clip = Clip(
            id=f"c{number:04d}", reference=reference, speaker=speaker, sex=known.get("sex"),
            language=known.get("language"), age=known.get("age"), accent=known.get("accent"),
        )  # fmt: skip
        said = Prediction(label=answer, forced=answer if answer in LABELS else "sad")
        sound = None if pitch is None else SoundFacts(rate_hz=16_000, channels=1, pitch_hz=pitch, silence=0.1)
        records.append(
            Record(clip=clip, outcome=Outcome.LABEL if answer in LABELS else said.outcome, prediction=said,
                   latency_ms=5.0, audio_s=1.0, sound=sound)
        )  # fmt: skip
    return fairness_of(scope_of(RunRecords.of_records(records), config))


def drawn(
    rng: np.random.Generator, accuracy: dict[str, float], *, speakers: int, clips: int, spread: float = 0.05
) -> list[Answered]:
    """Clips of so many speakers of each sex, who are harder or easier."""
    answers: list[Answered] = []
    for sex, level in accuracy.items():
        for speaker in range(speakers):
            own = level + rng.normal(0, spread)
            for n in range(clips):
                right = rng.random() < own
                answers.append(
                    (LABELS[n % 3], LABELS[(n + (not right)) % 3], f"{sex}{speaker}", {"sex": sex})
                )  # fmt: skip
    return answers


def group(found: Fairness | None, attribute: str, name: str) -> Group:
    assert found is not None
    return next(one for one in found.attributes[attribute].groups if one.name == name)


def test_figures_of_a_group_are_those_of_its_clips() -> None:
    answers = drawn(np.random.default_rng(0), {"female": 0.9, "male": 0.6}, speakers=6, clips=18)

    found = found_in(answers)

    for sex, other in (("female", "male"), ("male", "female")):
        one = group(found, "sex", sex)
        recalls = {
            whose: {
                label: np.mean([a == r for r, a, _, known in answers if r == label and known["sex"] == whose])
                for label in LABELS
            }
            for whose in (sex, other)
        }
        assert (one.n, one.n_speakers) == (108, 6)
        assert one.uar.value == pytest.approx(np.mean(list(recalls[sex].values())))
        assert one.uar_difference.value == pytest.approx(
            np.mean(list(recalls[sex].values())) - np.mean(list(recalls[other].values()))
        )
        for label in LABELS:
            assert one.recall[label].value == pytest.approx(recalls[sex][label])
            assert one.recall_difference[label].before == pytest.approx(recalls[other][label])
    assert found is not None
    assert found.attributes["sex"].worst == "male"


def test_a_planted_difference_is_found_and_two_groups_mirror_each_other() -> None:
    found = found_in(drawn(np.random.default_rng(1), {"female": 0.9, "male": 0.6}, speakers=8, clips=30))

    female, male = (group(found, "sex", name) for name in ("female", "male"))
    assert male.uar_difference.p_adjusted is not None
    assert male.uar_difference.p_adjusted < 0.01
    assert male.uar_difference.value == pytest.approx(-(female.uar_difference.value or 0))
    assert male.uar_difference.p_adjusted == female.uar_difference.p_adjusted
    assert found is not None
    assert found.n_tests == 2 + len(LABELS)


def test_equal_groups_are_told_apart_no_more_often_than_the_level() -> None:
    """Speakers differ, so that tests which take clips for independent would find a difference every third time."""
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(120):
        found = found_in(drawn(rng, {"female": 0.7, "male": 0.7}, speakers=6, clips=30, spread=0.12))
        assert found is not None
        groups = found.attributes["sex"].groups
        alarms += any(
            one.p_adjusted is not None and one.p_adjusted < 0.05
            for each in groups
            for one in (each.uar_difference, each.accuracy_difference, *each.recall_difference.values())
        )

    assert alarms <= 13


def test_intervals_of_a_difference_hold_it() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(120):
        one = group(found_in(drawn(rng, {"female": 0.8, "male": 0.7}, speakers=8, clips=24)), "sex", "male")
        assert one.accuracy_difference.low is not None
        assert one.accuracy_difference.high is not None
        held += one.accuracy_difference.low <= -0.1 <= one.accuracy_difference.high

    assert held >= 107


def test_one_speaker_a_side_has_no_interval() -> None:
    found = found_in(drawn(np.random.default_rng(4), {"female": 0.9, "male": 0.6}, speakers=1, clips=40))

    one = group(found, "sex", "female")
    assert one.uar_difference.value is not None
    assert one.uar_difference.low is None
    assert one.uar_difference.reason
    assert found is not None
    (section,) = fairness_sections(Wording("en"), found)
    assert "No interval" in section.notes


def test_a_group_of_few_clips_is_named_and_not_judged() -> None:
    answers = drawn(np.random.default_rng(5), {"female": 0.9, "male": 0.6}, speakers=4, clips=12)
    few = [(LABELS[0], LABELS[0], "x", {"language": "fr"}) for _ in range(FEWEST - 1)]
    told = [(r, a, s, {**known, "language": "de" if n % 2 else "en"}) for n, (r, a, s, known) in enumerate(answers)]

    found = found_in([*told, *few])

    assert found is not None
    assert found.attributes["language"].too_few == {"fr": FEWEST - 1}
    assert {one.name for one in found.attributes["language"].groups} == {"de", "en"}
    assert found.attributes["sex"].n_unknown == FEWEST - 1


def test_emotions_that_only_one_side_has_are_in_no_mean_difference() -> None:
    answers: list[Answered] = []
    for speaker in range(4):
        for n in range(12):
            answers.append((LABELS[n % 3], LABELS[n % 3], f"f{speaker}", {"sex": "female"}))
            answers.append((LABELS[n % 2], LABELS[(n + n // 2) % 2], f"m{speaker}", {"sex": "male"}))

    male = group(found_in(answers), "sex", "male")

    assert male.uar_difference.before == pytest.approx(1.0)
    assert male.recall_difference["angry"].value is None


def test_pitch_stands_in_only_where_sex_is_not_known() -> None:
    answers = drawn(np.random.default_rng(6), {"female": 0.9, "male": 0.6}, speakers=6, clips=18)
    pitch = {speaker: 100.0 + 20 * place for place, speaker in enumerate(sorted({a[2] or "" for a in answers}))}
    known = [(r, a, s, {**k, "pitch_hz": pitch[s or ""]}) for r, a, s, k in answers]
    unknown = [(r, a, s, {"pitch_hz": pitch[s or ""]}) for r, a, s, _ in answers]

    with_sex, without = found_in(known), found_in(unknown)

    assert with_sex is not None
    assert without is not None
    assert set(with_sex.attributes) == {"sex"}
    thirds = without.attributes["pitch"]
    assert thirds.stands_in_for == "sex"
    assert [(one.name, one.n_speakers) for one in thirds.groups] == [("low", 4), ("middle", 4), ("high", 4)]
    assert thirds.groups[0].low is None
    assert thirds.groups[0].high == thirds.groups[1].low
    for language, word in (("en", "stand in"), ("zh", "基频")):
        (section,) = fairness_sections(Wording(language), without)
        assert word in section.notes
        assert "Hz" in section.rows[0][0]


def test_one_group_is_nothing_to_compare() -> None:
    assert found_in(drawn(np.random.default_rng(7), {"female": 0.9}, speakers=4, clips=12)) is None


@pytest.mark.parametrize("policy", ["wrong", "abstain", "ban"])
def test_unknown_answers_count_as_the_policy_has_it(policy: str) -> None:
    answers: list[Answered] = []
    for speaker in range(4):
        for n in range(12):
            answers.append((LABELS[n % 3], LABELS[n % 3], f"f{speaker}", {"sex": "female"}))
            silent = n % 2 == 0
            answers.append((LABELS[n % 3], "unknown" if silent else LABELS[n % 3], f"m{speaker}", {"sex": "male"}))

    male = group(found_in(answers, replace(QUICK, policy=policy)), "sex", "male")

    expected = {"wrong": 0.5, "abstain": 1.0, "ban": 0.5 + 1 / 6}[policy]
    assert male.accuracy.value == pytest.approx(expected)
    assert male.accuracy_difference.value == pytest.approx(expected - 1)


def test_figures_by_group_are_those_of_fairlearn() -> None:
    metrics = pytest.importorskip("fairlearn.metrics", reason="fairlearn is not installed")
    from sklearn.metrics import accuracy_score, recall_score

    answers = drawn(np.random.default_rng(8), {"female": 0.85, "male": 0.65}, speakers=5, clips=21)

    def uar(truth: Any, given: Any) -> float:
        return float(recall_score(truth, given, labels=list(LABELS), average="macro"))

    frame = metrics.MetricFrame(
        metrics={"uar": uar, "accuracy": accuracy_score},
        y_true=[a[0] for a in answers],
        y_pred=[a[1] for a in answers],
        sensitive_features=[a[3]["sex"] for a in answers],
    )
    found = found_in(answers)
    for sex in ("female", "male"):
        one = group(found, "sex", sex)
        assert one.uar.value == pytest.approx(frame.by_group["uar"][sex])
        assert one.accuracy.value == pytest.approx(frame.by_group["accuracy"][sex])
    assert found is not None
    assert found.attributes["sex"].worst == frame.by_group["uar"].idxmin()
    spread = abs(group(found, "sex", "male").uar_difference.value or 0)
    assert spread == pytest.approx(frame.difference()["uar"])


def test_ages_are_looked_at_in_bands_and_accents_by_name() -> None:
    ages = (17, 18, 29, 30, 44, 45, 59, 60, 90, None)
    answers: list[Answered] = []
    for number in range(400):
        age, accent = ages[number % 10], ("", "north", "south")[number % 3] or None
        wrong = accent == "south" and number % 2 == 0
        reference = LABELS[number % 3]
        answer = LABELS[(number + wrong) % 3]
        answers.append((reference, answer, f"s{number % 20}", {"age": age, "accent": accent}))

    found = found_in(answers)

    assert found is not None
    bands = found.attributes["age"]
    assert {group.name: group.n for group in bands.groups} == {
        "under 18": 40, "18 to 29": 80, "30 to 44": 80, "45 to 59": 80, "60 and over": 80,
    }  # fmt: skip
    assert bands.n_unknown == 40
    accents = found.attributes["accent"]
    assert ({group.name for group in accents.groups}, accents.worst) == ({"north", "south"}, "south")
    chinese = fairness_sections(Wording("zh"), found)
    assert "18–29 岁" in str(chinese)
    assert "口音" in str(chinese)
