"""Which clips a backend is warmed up with."""

from __future__ import annotations

from sv_eval.records import Clip
from sv_eval.run.warming import warm_up_clips


def clips_of(*sizes: int | None) -> list[Clip]:
    return [Clip(id=f"c{place}", size_bytes=size) for place, size in enumerate(sizes)]


def ids(clips: list[Clip]) -> list[str]:
    return [clip.id for clip in clips]


def test_they_are_of_all_lengths_and_the_longest_is_among_them() -> None:
    clips = clips_of(*range(100, 200))

    chosen = warm_up_clips(clips, 4)

    assert ids(chosen) == ["c0", "c33", "c66", "c99"]


def test_one_clip_is_the_longest() -> None:
    assert ids(warm_up_clips(clips_of(5, 9, 7), 1)) == ["c1"]


def test_a_giant_among_short_clips_is_not_one_of_them() -> None:
    chosen = warm_up_clips(clips_of(10, 11, 12, 13, 14, 15_000), 3)

    assert "c5" not in ids(chosen)
    assert "c4" in ids(chosen)


def test_stretches_of_a_recording_are_as_long_as_they_are() -> None:
    clips = [Clip(id=f"c{n}", start_s=10.0 * n, end_s=10.0 * n + length, size_bytes=999)
             for n, length in enumerate([2.0, 6.0, 3.0, 4.0])]  # fmt: skip

    assert ids(warm_up_clips(clips, 1)) == ["c1"]


def test_it_is_the_first_ones_where_lengths_are_not_known() -> None:
    assert ids(warm_up_clips(clips_of(5, None, 7, 9), 2)) == ["c0", "c1"]


def test_there_may_be_fewer_than_asked_for_and_none_may_be_asked_for() -> None:
    assert ids(warm_up_clips(clips_of(5, 7), 8)) == ["c0", "c1"]
    assert warm_up_clips(clips_of(5, 7), 0) == []
    assert warm_up_clips([], 8) == []
    assert len(warm_up_clips(clips_of(*[3] * 20), 8)) == 8
