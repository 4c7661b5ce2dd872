"""`sv-eval plan`, on the command line."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.inside import inside

RUN = ("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=800", "dataset.simulated.n_speakers=40",
       "load.warmup_clips=0", "run.telemetry_s=null", "scoring.resamples=100")  # fmt: skip


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


@pytest.fixture
def pilots(call: Any) -> None:
    for name, seed in (("a", 0), ("b", 1)):
        done = call(*RUN, f"backend.seed={seed}", f"hydra.run.dir={name}")
        assert done.returncode == 0, done.stderr


def test_two_pilots_say_how_many_clips_a_margin_takes(pilots: None, call: Any) -> None:
    done = call("a", "b", "margin=0.02", "drop=0.05", "power=0.9", module="sv_eval.plan")

    assert done.returncode == 0, done.stderr
    assert "of the pilot runs: 40 speakers of 20.0 clips" in done.stdout
    found = re.findall(r": (\d+) clips of (\d+) speakers, with power 0\.9", done.stdout)
    assert len(found) == 2
    # What is to be shown is smaller than what is to be found.
    assert int(found[0][0]) > int(found[1][0]) > 40


def test_a_run_says_how_many_calls_a_percentile_takes(pilots: None, call: Any, tmp_path: Path) -> None:
    done = call("a", "percentile=p50", "width=0.5", "--json", module="sv_eval.plan")

    assert done.returncode == 0, done.stderr
    assert '"clips": ' in done.stdout


def test_what_cannot_be_had_is_an_error_with_the_way_out(call: Any) -> None:
    done = call("margin=0.02", "flips=0.1", "uneven=0.05", "speakers=10", module="sv_eval.plan")

    assert done.returncode == 2
    assert "41 speakers are" in done.stderr


def test_words_that_are_no_question_are_told(call: Any) -> None:
    assert "say what is asked" in call("flips=0.1", module="sv_eval.plan").stderr
    assert "give a number" in call("margin=much", module="sv_eval.plan").stderr
    assert "did you mean margin" in call("margins=0.02", module="sv_eval.plan").stderr
