"""A sweep says which setting it is at, and how long the others will take."""

from __future__ import annotations

from sv_eval.studies.sweep.plan import Setting
from sv_eval.studies.sweep.progress import SweepProgress, current, telling


def setting(number: int) -> Setting:
    return Setting(
        number=number,
        directory=str(number),
        values={"backend.vad_threshold": number / 10},
        overrides=(),
        measured={},
    )


def test_each_setting_is_said_with_its_place_its_values_and_the_time_left() -> None:
    said: list[object] = []
    moments = iter([0.0, 60.0, 60.0, 90.0, 90.0])
    progress = SweepProgress(
        todo=[setting(number) for number in (2, 3, 5)], n_settings=5, clock=lambda: next(moments), tell=said.append
    )

    for number in (2, 3, 5):
        progress.before(number)
        if number != 5:
            progress.after(f"UAR of {number}")

    assert said == [
        "setting 3 of 5: vad_threshold=0.2",
        "  UAR of 2",
        "setting 4 of 5: vad_threshold=0.3; about 2 min left",
        "  UAR of 3",
        "setting 5 of 5: vad_threshold=0.5; about 45 s left",
    ]


def test_outside_of_a_sweep_there_is_none() -> None:
    progress = SweepProgress(todo=[], n_settings=0)

    with telling(progress):
        assert current() is progress
    assert current() is None
