from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from sv_eval.errors import ConfigError
from sv_eval.scoring.config import ScoringConfig, scoring_config_from

DEFAULT = Path(__file__).resolve().parents[3] / "conf" / "scoring" / "default.yaml"


def test_the_default_file_holds_every_option_at_its_default() -> None:
    options = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))

    assert set(options) == set(ScoringConfig.__slots__)
    assert scoring_config_from(options) == ScoringConfig()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"polcy": "ban"}, "scoring: unknown key 'polcy'; did you mean policy"),
        ({"policy": "abstian"}, "did you mean abstain"),
        ({"labels": "all"}, "neither 'auto' nor a list"),
        ({"labels": []}, "neither 'auto' nor a list"),
        ({"labels": ["sad", "sad"]}, "twice"),
        ({"labels": 3}, "should be a list"),
        ({"confidence": 95}, "not from 0.5 to below 1"),
        ({"confidence": "high"}, "should be a number"),
        ({"resamples": 5}, "not from 100"),
        ({"resamples": 1e4}, "should be a whole number"),
        ({"seed": True}, "should be a whole number"),
        ({"seed": -1}, "negative"),
        ({"duration_bins_s": [0, 4, 2]}, "must ascend from 0"),
        ({"duration_bins_s": [1, 2]}, "must ascend from 0"),
        ({"duration_bins_s": [0, math.inf]}, "must ascend from 0|finite"),
        ({"duration_bins_s": [0, math.nan, 4]}, "must ascend from 0|finite"),
        ({"duration_bins_s": []}, "must ascend from 0"),
        ({"second_opinion": "yes"}, "should be true or false"),
    ],
)
def test_a_wrong_option_is_refused_with_a_hint(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        scoring_config_from(options)
