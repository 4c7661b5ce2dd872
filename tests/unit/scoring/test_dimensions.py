"""Agreement figures equal their peers, their bounds allow for speakers, and nothing is compared without ranges."""

from __future__ import annotations

import math
from typing import Any

import audmetric
import numpy as np
import pytest
from numpy.typing import NDArray

from sv_eval.dimensions import led, range_from, ranges_from
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.report.dimensions import DimensionFigures, Dimensions
from sv_eval.scoring.dimensions.bounds import agreement_of, ccc_of
from sv_eval.scoring.dimensions.judging import dimensions_of
from sv_eval.scoring.dimensions.moments import Moments, concordance
from sv_eval.scoring.dimensions.sides import Ranges, ccc_difference, sides_of

SEVEN, UNIT = (1.0, 7.0), (0.0, 1.0)
Floats = NDArray[np.float64]


def pairs(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    reference = rng.normal(rng.normal(0, 20), rng.uniform(0.1, 3), n)
    return reference, reference * rng.normal() + rng.normal(0, 2, n) + rng.normal(0, 5)


def records_of(
    rows: list[tuple[float | None, float | None, str | None]], name: str = "arousal", **known: Any
) -> RunRecords:
    """Records of references and answers of one dimension, by speaker; an answer `nan` failed."""
    records = []
    for number, (truth, told, speaker) in enumerate(rows):
        clip = Clip(
            id=f"c{number:04d}", reference="sad", speaker=speaker,
            dimensions=None if truth is None else {name: truth},
            **{fact: values[number % len(values)] for fact, values in known.items()},
        )  # fmt: skip
        if told is not None and math.isnan(told):
            failure = Failure(kind="timeout", message="no answer")
            records.append(Record(clip=clip, outcome=Outcome.FAILURE, failure=failure))
            continue
        said = Prediction(label="sad", dimensions=None if told is None else {name: told})
        records.append(Record(clip=clip, outcome=said.outcome, prediction=said))
    return RunRecords.of_records(records)


def drawn(n: int = 240, speakers: int = 8, seed: int = 0) -> list[tuple[float | None, float | None, str | None]]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 7, n).round(4)
    told = np.clip((truth - 1) / 6 + rng.normal(0, 0.1, n), 0, 1).round(6)
    return [(x, y, f"s{i % speakers}") for i, (x, y) in enumerate(zip(truth.tolist(), told.tolist(), strict=True))]


def judged(
    rows: list[tuple[float | None, float | None, str | None]],
    *,
    told: Any = UNIT,
    declared: Any = SEVEN,
    **known: Any,
) -> Dimensions:
    found = dimensions_of(
        records_of(rows, **known).answers,
        {} if told is None else {"arousal": told},
        {} if declared is None else {"arousal": declared},
        0.95,
    )
    assert found is not None
    return found


def figures(rows: list[tuple[float | None, float | None, str | None]], **how: Any) -> DimensionFigures:
    return judged(rows, **how).figures["arousal"]


def test_figures_equal_audmetrics_and_hand_computation() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(3, 300))
        reference, answer = pairs(rng, n)
        whole = Moments.of(reference, answer, rng.integers(0, 4, n)).whole()
        apart = answer - reference

        assert whole.ccc[0] == pytest.approx(audmetric.concordance_cc(reference, answer), abs=1e-9)
        by_hand = (
            2
            * np.cov(reference, answer, ddof=0)[0, 1]
            / (reference.var() + answer.var() + (reference.mean() - answer.mean()) ** 2)
        )
        assert concordance(reference, answer) == pytest.approx(by_hand, abs=1e-9)
        assert whole.pearson[0] == pytest.approx(audmetric.pearson_cc(reference, answer), abs=1e-9)
        assert whole.rmse[0] == pytest.approx(math.sqrt(audmetric.mean_squared_error(reference, answer)), abs=1e-9)
        assert whole.bias[0] == pytest.approx(apart.mean(), abs=1e-9)
        assert whole.upper_limit[0] == pytest.approx(apart.mean() + 1.959964 * apart.std(ddof=1), abs=1e-5)


def test_figures_without_a_speaker_are_those_of_the_other_clips() -> None:
    rng = np.random.default_rng(1)
    reference, answer = pairs(rng, 120)
    unit = rng.integers(0, 5, 120)

    without = Moments.of(reference, answer, unit).without_each()

    for one in range(5):
        rest = Moments.of(reference[unit != one], answer[unit != one], np.zeros(int((unit != one).sum()), np.int64))
        for name in ("ccc", "pearson", "rmse", "bias", "lower_limit"):
            assert getattr(without, name)[one] == pytest.approx(getattr(rest, name)[0], abs=1e-9), name


def test_values_far_from_zero_keep_their_digits() -> None:
    rng = np.random.default_rng(2)
    reference, answer = pairs(rng, 100)

    assert concordance(reference + 1e6, answer + 1e6) == pytest.approx(concordance(reference, answer), abs=1e-7)


def test_answers_are_led_to_the_corpuss_range_and_the_scale_changes_nothing_but_the_unit() -> None:
    rows = drawn()
    other = [(x, None if y is None else led(y, UNIT, (-1.0, 1.0)), who) for x, y, who in rows]

    ours, theirs = figures(rows), figures(other, told=(-1.0, 1.0))
    in_their_unit = figures(
        [(None if x is None else led(x, SEVEN, UNIT), y, who) for x, y, who in rows], declared=UNIT
    )

    assert ours.ccc.value == pytest.approx(theirs.ccc.value, abs=1e-5)
    assert ours.ccc.value == pytest.approx(in_their_unit.ccc.value, abs=1e-5)
    assert ours.rmse.value == pytest.approx(6 * (in_their_unit.rmse.value or 0), abs=1e-5)


def test_without_a_declared_range_nothing_is_scored_and_the_reason_is_told() -> None:
    unranged = judged(drawn(), told=None)
    unreferenced = judged(drawn(), declared=None)
    silent = judged([(x, None, who) for x, _, who in drawn()])

    for found, code in ((unranged, "no_range_of"), (unreferenced, "no_reference_of"), (silent, "no_answer_of")):
        assert found.figures == {}
        assert found.left
        assert found.left["arousal"].codes == (code,)


def test_a_run_that_tells_no_dimension_has_no_figures() -> None:
    rows = [(x, None, who) for x, _, who in drawn()]

    assert dimensions_of(records_of(rows).answers, {}, {"arousal": SEVEN}, 0.95) is None


def test_missing_answers_failures_and_answers_outside_the_range_are_counted() -> None:
    rows = drawn(60)
    rows[3], rows[4], rows[5] = (2.0, None, "s1"), (2.0, math.nan, "s1"), (None, 0.5, "s1")
    rows[6] = (6.0, 1.4, "s1")

    found = figures(rows)

    assert (found.n, found.n_missing, found.n_failed, found.n_outside) == (57, 1, 1, 1)
    assert max(answer for _, answer in found.points) == pytest.approx(led(1.4, UNIT, SEVEN))


def test_constant_answers_have_a_concordance_of_zero_and_no_correlation() -> None:
    found = figures([(x, 0.5, who) for x, _, who in drawn()])

    assert (found.ccc.value, found.ccc.low, found.pearson.value) == (0.0, None, None)
    assert found.ccc.reason
    assert found.ccc.reason.codes == ("constant_answers",)
    assert found.pearson.reason
    assert found.pearson.reason.codes == ("constant_answers",)


def test_where_nothing_differs_there_is_nothing_to_agree_on() -> None:
    found = figures([(4.0, 0.5, who) for _, _, who in drawn()])

    assert (found.ccc.value, found.pearson.value, found.rmse.value) == (None, None, 0.0)
    assert found.ccc.reason
    assert found.ccc.reason.codes == ("nothing_to_agree_on",)


def test_one_speaker_gives_values_without_bounds() -> None:
    found = figures([(x, y, "s0") for x, y, _ in drawn()])

    for figure in (found.ccc, found.pearson, found.rmse, found.bias, found.lower_limit):
        assert figure.value is not None
        assert figure.low is None
        assert figure.reason
        assert figure.reason.codes == ("one_unit",)


def test_bounds_stay_within_what_a_concordance_can_be_with_two_speakers() -> None:
    found = figures(drawn(40, speakers=2))

    assert found.ccc.low is not None
    assert found.ccc.high is not None
    assert -1 <= found.ccc.low <= (found.ccc.value or 0) <= found.ccc.high <= 1


def test_clips_without_speakers_are_units_of_their_own() -> None:
    found = figures([(x, y, None) for x, y, _ in drawn()])

    assert found.ccc.n_clusters == 240
    assert found.lower_limit.method == "jackknife_t_wide"


def test_bounds_hold_the_concordance_of_other_speakers() -> None:
    rng, held, runs, truth = np.random.default_rng(3), 0, 400, []
    for places in (20_000, *(4,) * runs):
        unit = np.repeat(np.arange(places), 30)
        reference = rng.normal(0, 0.3, places)[unit] + rng.normal(0, 1, len(unit))
        answer = 0.7 * reference + rng.normal(0, 0.3, places)[unit] + rng.normal(0, 0.8, len(unit))
        units = Moments.of(reference, answer, unit)
        if places > 4:
            truth.append(float(units.whole().ccc[0]))
            continue
        found = ccc_of(units, 0.95)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth[0] <= found.high

    # Of 400 corpora of four speakers 380 are due; three deviations are 13.
    assert 367 <= held <= 393


def test_groups_are_told_where_there_are_two_of_ten_clips() -> None:
    found = figures(drawn(), sex=("female", "male"), language=("de",))

    assert {fact: [one.name for one in groups] for fact, groups in found.groups.items()} == {
        "sex": ["female", "male"]
    }
    assert sum(one.n for one in found.groups["sex"]) == found.n


def test_points_are_a_spread_sample_of_all_clips() -> None:
    found = figures(drawn(900))

    assert len(found.points) == 300
    assert len(figures(drawn(40)).points) == 40


def test_a_difference_of_two_runs_is_paired_by_clips_and_speakers() -> None:
    rows = drawn()
    rng = np.random.default_rng(5)
    worse = [(x, y + float(rng.normal(0, 0.15)), who) for x, y, who in rows if x is not None and y is not None]
    before, after = records_of(rows).answers, records_of(worse).answers
    ranges = Ranges(reference=SEVEN, answer=UNIT)

    sides = sides_of(before, after, "arousal", (ranges, ranges))
    found, same = ccc_difference(sides), ccc_difference(sides_of(before, before, "arousal", (ranges, ranges)))

    assert found.before == pytest.approx(concordance(sides.reference, sides.before), abs=1e-12)
    assert found.after == pytest.approx(concordance(sides.reference, sides.after), abs=1e-12)
    assert found.high is not None
    assert found.high < 0
    assert (same.value, same.p_value) == (0.0, 1.0)


def test_clips_that_only_one_run_told_are_left_out_and_counted() -> None:
    rows = drawn(100)
    fewer = [(x, None if place < 10 else y, who) for place, (x, y, who) in enumerate(rows)]
    ranges = Ranges(reference=SEVEN, answer=UNIT)

    sides = sides_of(records_of(rows).answers, records_of(fewer).answers, "arousal", (ranges, ranges))

    assert (len(sides.reference), sides.told_before, sides.untold) == (90, 100, 10)


@pytest.mark.parametrize("pair", [[7, 1], [1], [1, 2, 3], "17", None, [1, math.inf], [True, 3], [2, 2]])
def test_what_is_no_range_is_refused(pair: object) -> None:
    with pytest.raises(ValueError, match=r"arousal: .* is no range"):
        range_from("arousal", pair)


def test_what_is_no_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="'tension' is no emotional dimension"):
        ranges_from("dimensions", {"tension": [0, 1]})


def test_all_figures_have_bounds_with_several_speakers() -> None:
    rng = np.random.default_rng(6)
    reference, answer = pairs(rng, 200)

    found = agreement_of(Moments.of(reference, answer, rng.integers(0, 6, 200)), 0.95)

    for name in ("ccc", "pearson", "rmse", "bias", "lower_limit", "upper_limit"):
        figure = getattr(found, name)
        assert figure.low < figure.value < figure.high, name
