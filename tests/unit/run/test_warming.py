"""Which clips a backend is warmed up with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sv_eval.records import Clip, Failure, Waveform
from sv_eval.run.prefetch import Decoded
from sv_eval.run.warming import candidates, chosen


def clips_of(*sizes: int | None) -> list[Clip]:
    return [Clip(id=f"c{place}", size_bytes=size) for place, size in enumerate(sizes)]


def decoded(*seconds: float) -> list[Decoded]:
    """Clips of these lengths; 0 is one that can't be decoded."""
    return [
        Decoded(
            clip=Clip(id=f"c{place}"),
            waveform=Waveform(samples=np.zeros(round(length * 16_000), np.float32)) if length else None,
            failure=None if length else Failure(kind="truncated", message="ends early"),
            decode_ms=1.0,
        )
        for place, length in enumerate(seconds)
    ]


def ids(items: Sequence[Clip] | Sequence[Decoded]) -> list[str]:
    return [item.id if isinstance(item, Clip) else item.clip.id for item in items]


def test_they_are_of_all_lengths_the_longest_first() -> None:
    assert ids(chosen(decoded(1.0, 4.0, 2.0, 5.0, 3.0), 3)) == ["c3", "c4", "c0"]


def test_one_clip_is_the_longest() -> None:
    assert ids(chosen(decoded(1.0, 4.0, 2.0), 1)) == ["c1"]


def test_what_can_not_be_decoded_and_a_giant_are_left_out() -> None:
    assert ids(chosen(decoded(0.0, 2.0, 0.0, 3.0, 900.0, 2.5), 2)) == ["c3", "c1"]
    assert chosen(decoded(0.0, 0.0), 2) == []
    assert chosen([], 2) == []


def test_all_are_candidates_where_there_are_few() -> None:
    assert ids(candidates(clips_of(5000, 7000, None), 8)) == ["c0", "c1", "c2"]
    assert candidates(clips_of(5000, 7000), 0) == []
    assert candidates([], 8) == []


def test_of_many_files_small_and_large_ones_are_decoded() -> None:
    sizes = [1000 + 10 * (place * 37 % 400) for place in range(400)]

    found = candidates(clips_of(*sizes), 2)

    assert 7 <= len(found) <= 8
    largest = sorted(sizes)[-4:]
    assert set(largest) <= {clip.size_bytes for clip in found}
    assert min(sizes) in {clip.size_bytes for clip in found}


def test_an_hour_among_seconds_is_not_decoded_for_this() -> None:
    found = candidates(clips_of(*[90_000] * 50, 115_000_000), 4)

    assert "c50" not in ids(found)


def test_stretches_and_whole_files_are_told_apart() -> None:
    stretches = [Clip(id=f"s{n}", start_s=10.0 * n, end_s=10.0 * n + n, size_bytes=9_000_000) for n in range(1, 40)]
    files = [Clip(id=f"f{n}", size_bytes=32_000 * n) for n in range(20, 60)]
    # Up to its end, and from its beginning to the file's: of these two only the first one's length is known.
    odd = [Clip(id="until", end_s=39.5, size_bytes=9_000_000), Clip(id="from", start_s=1.0, size_bytes=9_000_000)]

    found = ids(candidates([*stretches, *files, *odd], 2))

    assert {"until", "s39", "f59"} <= set(found)
    assert "from" not in found


def test_files_that_hold_nothing_say_nothing_of_lengths() -> None:
    found = candidates(clips_of(*[44] * 60, *range(50_000, 90_000, 2000)), 2)

    assert ids(found) == [f"c{place}" for place in range(60, 80) if f"c{place}" in ids(found)]
    assert len(chosen([*decoded(0.0, 0.0), *decoded(1.0, 2.0)], 2)) == 2


def test_the_first_ones_are_decoded_where_nothing_is_known() -> None:
    assert ids(candidates(clips_of(*[None] * 100), 2)) == [f"c{place}" for place in range(8)]
