"""All settings counted by the same units: values, resamples and what is left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sv_eval.record_file.table import RecordTable
from sv_eval.report.interval import DIGITS
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.policies import scores_of
from sv_eval.scoring.scope import scope_over
from sv_eval.studies.sweep.units import paired_units

LABELS = ("happy", "sad", "angry")
Make = Callable[..., RecordTable]


def mixed(table_of: Make, rng: np.random.Generator, speakers: list[str | None]) -> list[RecordTable]:
    references = rng.choice([*LABELS, "other"], len(speakers)).tolist()
    said = [*LABELS, "unknown", None]
    return [table_of([said[n] for n in rng.integers(0, 5, len(speakers))], references, speakers) for _ in range(4)]


@pytest.mark.parametrize("policy", ["wrong", "abstain", "ban"])
@pytest.mark.parametrize("known", [True, False])
def test_the_uar_of_each_setting_is_that_of_its_own_run(table_of: Make, policy: str, known: bool) -> None:
    rng = np.random.default_rng(3)
    speakers = [f"s{n % 7}" if known else None for n in range(300)]
    tables = mixed(table_of, rng, speakers)

    units = paired_units(tables, LABELS, policy)

    config = ScoringConfig(policy=policy, resamples=100)
    expected = [scores_of(scope_over(table, LABELS, config)).policies[policy].uar.value for table in tables]
    assert units.uar().round(DIGITS) == pytest.approx(expected, abs=1e-12)
    assert units.counts.kind == ("speaker" if known else "clip")
    assert units.n_clips == int(sum(np.isin(tables[0].reference, [0, 1, 2])))


def test_equal_clips_without_a_speaker_are_kept_once_and_weigh_as_many(table_of: Make) -> None:
    tables = mixed(table_of, np.random.default_rng(4), [None] * 4000)

    units = paired_units(tables, LABELS, "wrong")

    assert units.counts.n == units.n_clips
    assert len(units.counts.multiplicity) <= 3 * 2**4 < units.n_clips
    without = units.without_each()
    # Without one clip that all four got right, each of them loses as much.
    right_by_all = np.flatnonzero((units.counts.counts[4:].sum(axis=1) == 1).all(axis=0))
    assert len(right_by_all)
    assert (without[:, right_by_all] < units.uar()[:, None]).all()


def test_leaving_a_speaker_out_is_scoring_without_that_speaker(table_of: Make) -> None:
    speakers: list[str | None] = [f"s{n % 5}" for n in range(200)]
    tables = mixed(table_of, np.random.default_rng(5), speakers)

    without = paired_units(tables, LABELS, "wrong").without_each()

    for number in range(5):
        others = [f"s{n}" for n in range(5) if n != number]
        assert without[:, number] == pytest.approx(paired_units(tables, LABELS, "wrong", chosen=others).uar())


def test_a_clip_that_one_setting_failed_on_is_left_out_for_all(table_of: Make) -> None:
    references, speakers = ["happy", "sad", "angry", "happy"], ["a", "a", "b", "b"]
    sound = table_of(references, references, speakers)
    broken = table_of(references, references, speakers, failed=[3])

    units = paired_units([sound, broken], LABELS, "wrong")

    assert (units.n_clips, units.n_left_out) == (3, 1)
    assert units.uar().tolist() == [1.0, 1.0]


def test_resamples_are_the_same_for_every_setting(table_of: Make) -> None:
    speakers: list[str | None] = [f"s{n % 9}" for n in range(270)]
    one = mixed(table_of, np.random.default_rng(6), speakers)[0]

    draws = paired_units([one, one, one], LABELS, "wrong").resamples(resamples=500, seed=0)

    assert draws.shape == (3, 500)
    assert (draws[0] == draws[1]).all()
    assert draws[0].std() > 0
