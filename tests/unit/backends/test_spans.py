from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sv_eval.backends.segmentation.spans import Span, SpeechRule, cut, speech_spans
from sv_eval.records import SAMPLE_RATE_HZ

FRAME = 160
"""10 ms, so that a frame's number is its time in units of 10 ms."""

probabilities = st.lists(st.floats(0, 1, width=32), max_size=120)
rules = st.builds(
    SpeechRule,
    threshold=st.floats(0.01, 0.99),
    min_speech_ms=st.floats(0, 300),
    min_silence_ms=st.floats(0, 300),
    pad_ms=st.floats(0, 300),
)


def rule(
    threshold: float = 0.5, min_speech_ms: float = 0, min_silence_ms: float = 0, pad_ms: float = 0
) -> SpeechRule:
    return SpeechRule(
        threshold=threshold, min_speech_ms=min_speech_ms, min_silence_ms=min_silence_ms, pad_ms=pad_ms
    )


def frames_of(values: Sequence[float], how: SpeechRule, samples: int | None = None) -> list[tuple[float, float]]:
    """The spans of speech as numbers of frames."""
    track = np.array(values, np.float32)
    count = len(values) * FRAME if samples is None else samples
    return [(s.start / FRAME, s.end / FRAME) for s in speech_spans(track, frame=FRAME, samples=count, rule=how)]


def test_frames_at_the_threshold_are_speech() -> None:
    assert frames_of([0.1, 0.5, 0.9, 0.1, 0.1], rule()) == [(1, 3)]


def test_speech_goes_on_while_the_probability_stays_near_the_threshold() -> None:
    assert frames_of([0.9, 0.4, 0.36, 0.4, 0.34, 0.9], rule()) == [(0, 4), (5, 6)]


def test_a_probability_near_the_threshold_begins_no_speech() -> None:
    assert frames_of([0.4, 0.45, 0.49, 0.9], rule()) == [(3, 4)]


def test_a_low_threshold_still_lets_speech_end() -> None:
    assert frames_of([0.2, 0.2, 0.0, 0.0, 0.2], rule(threshold=0.1)) == [(0, 2), (4, 5)]


@pytest.mark.parametrize(("min_speech_ms", "kept"), [(20, [(1, 3), (4, 7)]), (30, [(4, 7)]), (40, [])])
def test_speech_shorter_than_the_minimum_is_dropped(min_speech_ms: float, kept: list[tuple[int, int]]) -> None:
    values = [0.0, 0.9, 0.9, 0.0, 0.9, 0.9, 0.9, 0.0]

    assert frames_of(values, rule(min_speech_ms=min_speech_ms)) == kept


@pytest.mark.parametrize(("min_silence_ms", "expected"), [(20, [(0, 1), (3, 4)]), (30, [(0, 4)])])
def test_a_pause_shorter_than_the_minimum_is_bridged(
    min_silence_ms: float, expected: list[tuple[int, int]]
) -> None:
    values = [0.9, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0]

    assert frames_of(values, rule(min_silence_ms=min_silence_ms)) == expected


def test_a_short_pause_at_the_end_is_no_speech() -> None:
    assert frames_of([0.9, 0.9, 0.0], rule(min_silence_ms=500)) == [(0, 2)]


def test_two_short_bits_with_a_short_pause_count_as_one() -> None:
    values = [0.9, 0.9, 0.0, 0.9, 0.9, 0.0, 0.0, 0.0]

    assert frames_of(values, rule(min_speech_ms=50, min_silence_ms=30)) == [(0, 5)]


def test_padding_is_added_at_both_ends_and_stays_inside() -> None:
    values = [0.0, 0.0, 0.9, 0.0, 0.0]

    assert frames_of(values, rule(pad_ms=10)) == [(1, 4)]
    assert frames_of(values, rule(pad_ms=100)) == [(0, 5)]


def test_padding_shares_a_pause_that_is_too_short_for_both() -> None:
    values = [0.9, 0.0, 0.0, 0.9]

    assert frames_of(values, rule(pad_ms=15)) == [(0, 2), (2, 4)]


def test_a_dropped_span_takes_no_padding_from_its_neighbour() -> None:
    values = [0.9, 0.0, 0.9, 0.9, 0.9]

    assert frames_of(values, rule(min_speech_ms=20, pad_ms=20)) == [(0, 5)]


def test_a_last_frame_that_is_not_full_ends_with_the_clip() -> None:
    assert frames_of([0.0, 0.9], rule(pad_ms=30), samples=FRAME + 40) == [(0, 1.25)]


def test_nothing_gives_no_spans() -> None:
    assert frames_of([], rule()) == []
    assert frames_of([0.1, 0.2], rule()) == []


@given(values=probabilities, how=rules, missing=st.integers(0, FRAME - 1))
def test_spans_are_in_order_apart_and_inside(values: list[float], how: SpeechRule, missing: int) -> None:
    samples = max(0, len(values) * FRAME - missing)

    spans = speech_spans(np.array(values, np.float32), frame=FRAME, samples=samples, rule=how)

    borders = [border for span in spans for border in (span.start, span.end)]
    assert borders == sorted(borders)
    assert all(span.start < span.end for span in spans)
    assert not spans or (borders[0] >= 0 and borders[-1] <= samples)


@given(values=probabilities, how=rules)
def test_every_span_holds_speech_and_without_a_minimum_all_speech_is_held(
    values: list[float], how: SpeechRule
) -> None:
    plain = rule(threshold=how.threshold, min_silence_ms=how.min_silence_ms)
    track = np.array(values, np.float32)

    spans = speech_spans(track, frame=FRAME, samples=len(values) * FRAME, rule=plain)

    speech = set(np.flatnonzero(track.astype(float) >= how.threshold).tolist())
    inside = {n for span in spans for n in range(span.start // FRAME, span.end // FRAME)}
    assert speech <= inside
    assert all(speech & set(range(span.start // FRAME, span.end // FRAME)) for span in spans)


@given(values=probabilities, how=rules, pads=st.tuples(st.floats(0, 200), st.floats(0, 200)))
def test_more_padding_never_makes_a_span_shorter(
    values: list[float], how: SpeechRule, pads: tuple[float, float]
) -> None:
    track, samples = np.array(values, np.float32), len(values) * FRAME
    less, more = (
        speech_spans(
            track,
            frame=FRAME,
            samples=samples,
            rule=rule(how.threshold, how.min_speech_ms, how.min_silence_ms, pad_ms=pad),
        )
        for pad in sorted(pads)
    )

    assert len(less) == len(more)
    for inner, outer in zip(less, more, strict=True):
        assert outer.start <= inner.start
        assert inner.end <= outer.end


def test_a_span_knows_its_times() -> None:
    span = Span(8_000, 24_000)

    assert (span.start_s, span.end_s, span.duration_s) == (0.5, 1.5, 1.0)


def test_a_span_within_the_limit_is_left_as_it_is() -> None:
    span = Span(100, 16_100)

    assert cut(span, np.zeros(200, np.float32), frame=FRAME, longest=16_000) == [span]


def test_the_cut_falls_on_the_least_likely_frame_of_the_last_third() -> None:
    likelihood = np.ones(400, np.float32)
    likelihood[[10, 90, 180]] = [0.0, 0.2, 0.1]  # only the second lies in the last third before the limit

    pieces = cut(Span(0, 240 * FRAME), likelihood, frame=FRAME, longest=120 * FRAME)

    assert pieces[0] == Span(0, 90 * FRAME + FRAME // 2)
    assert pieces[1].end == 180 * FRAME + FRAME // 2


def test_frames_are_counted_from_the_beginning_of_the_waveform() -> None:
    likelihood = np.ones(400, np.float32)
    likelihood[210] = 0.0

    pieces = cut(Span(120 * FRAME, 300 * FRAME), likelihood, frame=FRAME, longest=120 * FRAME)

    assert pieces == [
        Span(120 * FRAME, 210 * FRAME + FRAME // 2),
        Span(210 * FRAME + FRAME // 2, 300 * FRAME),
    ]


def test_of_frames_that_are_equally_unlikely_the_last_is_cut() -> None:
    pieces = cut(Span(0, 300 * FRAME), np.zeros(300, np.float32), frame=FRAME, longest=120 * FRAME)

    assert pieces[0] == Span(0, 119 * FRAME + FRAME // 2)


def test_a_long_span_without_any_likelihood_is_cut_at_the_limit() -> None:
    pieces = cut(Span(0, 40_000), np.zeros(0, np.float32), frame=FRAME, longest=16_000)

    assert pieces == [Span(0, 16_000), Span(16_000, 32_000), Span(32_000, 40_000)]


def test_no_short_piece_is_left_at_the_end() -> None:
    longest = 3 * SAMPLE_RATE_HZ
    likelihood = np.ones(400, np.float32)

    pieces = cut(Span(0, longest + 100), likelihood, frame=FRAME, longest=longest)

    assert len(pieces) == 2
    assert pieces[1].duration_s >= 0.5


@given(
    start=st.integers(0, 50_000),
    length=st.integers(1, 400_000),
    longest=st.integers(8_000, 100_000),
    frame=st.sampled_from([160, 320, 512]),
    seed=st.integers(0, 2**32 - 1),
)
def test_pieces_tile_the_span_within_the_limit_and_none_is_short(
    start: int, length: int, longest: int, frame: int, seed: int
) -> None:
    span = Span(start, start + length)
    likelihood = np.random.default_rng(seed).random(-(-span.end // frame)).astype(np.float32)

    pieces = cut(span, likelihood, frame=frame, longest=longest)

    assert [pieces[0].start, *(piece.end for piece in pieces)] == [*(p.start for p in pieces), span.end]
    lengths = [piece.end - piece.start for piece in pieces]
    assert max(lengths) <= longest
    if len(pieces) > 1:
        assert min(lengths) >= min(8_000, longest // 3)
        assert all(piece >= longest * 2 // 3 - 1 for piece in lengths[:-2])


@given(seed=st.integers(0, 2**32 - 1), longest=st.integers(8_000, 60_000))
@example(seed=0, longest=16_128)  # two thirds of it are a whole number of frames
def test_no_frame_near_the_limit_is_less_likely_than_the_one_that_is_cut(seed: int, longest: int) -> None:
    span, frame = Span(0, 3 * longest), 512
    likelihood = np.random.default_rng(seed).random(-(-span.end // frame)).astype(np.float32)

    place = cut(span, likelihood, frame=frame, longest=longest)[0].end

    near = range(-(-(longest * 2 // 3) // frame), longest // frame)
    assert likelihood[place // frame] == min(likelihood[n] for n in near)
