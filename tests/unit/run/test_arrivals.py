"""The planned moments of open loops."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from sv_eval.errors import ConfigError
from sv_eval.run.arrivals import poisson, ramp, read_trace, trace
from sv_eval.run.load import load_config_from


def test_a_poisson_process_has_exponential_gaps() -> None:
    moments = np.fromiter(islice(poisson(50.0, seed=3), 40_000), float)
    gaps = np.diff(moments)

    assert np.all(gaps > 0)
    # Mean and standard deviation of an exponential distribution are equal.
    assert gaps.mean() == pytest.approx(1 / 50, rel=0.02)
    assert gaps.std() == pytest.approx(1 / 50, rel=0.03)
    # Counts in windows are Poisson: their variance is their mean.
    counts = np.bincount((moments / 0.5).astype(int))[:-1]
    assert counts.var() == pytest.approx(counts.mean(), rel=0.15)


def test_a_seed_draws_the_same_moments_again_and_another_one_others() -> None:
    first, again, other = (list(islice(poisson(10, seed), 5)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


@pytest.mark.parametrize(("first", "last"), [(10.0, 50.0), (50.0, 10.0), (20.0, 20.0)])
def test_a_ramp_sends_as_many_as_its_rate_adds_up_to(first: float, last: float) -> None:
    moments = np.fromiter(islice(ramp(first, last, 10.0), 600), float)

    assert np.all(np.diff(moments) > 0)
    assert (moments < 10).sum() == pytest.approx(10 * (first + last) / 2, abs=1)
    after = moments[moments > 10.5]
    assert np.diff(after) == pytest.approx(1 / last)


def test_a_trace_begins_at_zero_and_goes_round(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("second,path\n100.0,/a\n100.5,/b\n\n# a note\n102.0,/a\n")

    moments = read_trace(str(file))

    assert moments == (0.0, 0.5, 2.0)
    assert list(islice(trace(moments), 5)) == [0.0, 0.5, 2.0, 3.0, 3.5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1\nx\n", "line 2: 'x' is no number"),
        ("2\n1\n", "line 2: 1 comes before"),
        ("# empty\n", "holds no moments"),
    ],
)
def test_a_trace_that_can_not_be_used_is_explained(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "log.csv"
    file.write_text(content)

    with pytest.raises(ConfigError, match=said):
        read_trace(str(file))


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "poisson", "rate": 0},
        {"schedule": "ramp", "ramp_s": -1},
        {"schedule": "closed", "concurrency": 0},
        {"schedule": "closed", "think_s": -1.0},
        {"schedule": "trace"},
        {"schedule": "poison"},
    ],
)
def test_settings_that_can_not_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"load[.=]"):
        load_config_from(wrong)
