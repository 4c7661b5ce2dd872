"""Conditions know which corruption they are a level of."""

from __future__ import annotations

from typing import Any

import pytest

from sv_eval.studies.robustness.corruption import corruption_of, severity


@pytest.mark.parametrize(
    ("steps", "name", "axis", "level"),
    [
        ({"noise": {"color": "pink", "snr_db": 20.0}}, "noise_pink", "snr_db", 20.0),
        ({"mine": {"kind": "noise", "snr_db": 5}}, "noise_white", "snr_db", 5.0),
        ({"telephone": {"codec": "opus", "bit_rate": 6000}}, "line_opus", "bit_rate", 6000.0),
        ({"telephone": {"codec": "mulaw", "bit_rate": None, "loss": 0.0}}, "line_mulaw", None, None),
        ({"telephone": {"codec": "g722", "loss": 0.2}}, "packet_loss", "loss", 0.2),
        ({"telephone": {"loss": 0.2, "conceal": "none"}}, "packet_loss_unconcealed", "loss", 0.2),
        ({"room": {"rt60_s": 0.6, "distance_m": 3.0}}, "room_3m", "rt60_s", 0.6),
        ({"level": {"gain_db": -20.0}}, "softer", "gain_db", -20.0),
        ({"level": {"gain_db": 6.0}}, "louder", "gain_db", 6.0),
        ({"level": {"gain_db": None, "speech_dbfs": -30.0}}, "level", "gain_db", None),
        ({"speed": {"factor": 0.9}}, "slower", "factor", 0.9),
        ({"pitch": {"semitones": 2.0}}, "higher", "semitones", 2.0),
        ({"padding": {"lead_s": 1.0, "tail_s": 0.5}}, "padding", "silence_s", 1.5),
        ({"clipping": {"share": 0.2}}, "clipping", "share", 0.2),
        ({"plugged": {"_target_": "a.B"}}, "plugged", None, None),
        ({"noise": {}, "telephone": {}}, "chain", None, None),
        ({}, "chain", None, None),
    ],
)  # fmt: skip
def test_a_condition_is_a_level_of(steps: dict[str, Any], name: str, axis: str | None, level: float | None) -> None:
    found = corruption_of({"name": "x", "steps": steps})

    assert (found.name, found.axis, found.level) == (name, axis, level)


@pytest.mark.parametrize(
    ("axis", "mildest_first"),
    [
        ("snr_db", [30, 10, 0, -5]), ("bit_rate", [24000, 6000]), ("rt60_s", [0.3, 1.2]), ("gain_db", [-20, -40]),
        ("factor", [0.9, 0.7]), ("semitones", [-1, -2]), ("high_hz", [6000, 2000]), ("loss", [0.05, 0.2]),
    ],
)  # fmt: skip
def test_levels_are_put_in_the_order_in_which_they_hurt(axis: str, mildest_first: list[float]) -> None:
    assert sorted(mildest_first, key=lambda level: severity(axis, level)) == mildest_first
