"""Every condition that comes with the house can be built, and is what its file is called."""

from __future__ import annotations

import pytest

from sv_eval.config.composing import composed
from sv_eval.config.places import conf_dir
from sv_eval.data.conditions.condition import condition_from
from tests.unit.codecs import skipped_where_it_is_lacking

ROOT = conf_dir() / "condition"
CHOICES = sorted(
    str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.rglob("*.yaml") if not path.name.startswith("_")
)
SWEEPS = ("telephone", "noise", "rooms", "atlas")


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_is_a_condition_of_its_name(choice: str) -> None:
    settings = composed("config", [f"condition={choice}"], ["condition"])["condition"]
    with skipped_where_it_is_lacking():
        found = condition_from(settings)

    assert settings["name"] == choice
    assert (found is None) == (choice == "none")


@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_sweep_over_conditions_begins_with_the_sound_as_it_is(sweep: str) -> None:
    params = composed("config", [f"sweep={sweep}"], ["sweep"])["sweep"]["params"]
    swept = [choice.strip() for choice in params["condition"].split(",")]

    assert swept[0] == "none"
    assert set(swept) <= set(CHOICES)
    assert len(swept) == len(set(swept))
    assert sweep != "atlas" or len(swept) > 48
