"""G.711 held against the reference's own loops, value by value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sv_eval.data.conditions.g711 import coded, decoded

EVERY = np.arange(-32_768, 32_768)
SEGMENT_ENDS = {
    # Tables 2a and 1a of the recommendation: the code of the lowest positive value of each segment, and that value.
    "mulaw": {0xFF: 0, 0xEF: 4 * 33, 0xDF: 4 * 99, 0xCF: 4 * 231, 0xBF: 4 * 495, 0xAF: 4 * 1023, 0x9F: 4 * 2079},
    "alaw": {0xD5: 8, 0xC5: 264, 0xF5: 528, 0xE5: 1056, 0x95: 2112, 0x85: 4224, 0xB5: 8448, 0xA5: 16_896},
}


def ulaw_by_the_reference(linear: int) -> int:
    """`ulaw_compress` of G.191, line by line."""
    absno = ((~linear) >> 2) + 33 if linear < 0 else (linear >> 2) + 33
    absno = min(absno, 0x1FFF)
    i, segno = absno >> 6, 1
    while i:
        segno, i = segno + 1, i >> 1
    return (((8 - segno) << 4) | (0xF - ((absno >> segno) & 0xF))) | (0x80 if linear >= 0 else 0)


def alaw_by_the_reference(linear: int) -> int:
    """`alaw_compress` of G.191, line by line."""
    ix = (~linear) >> 4 if linear < 0 else linear >> 4
    if ix > 15:
        iexp = 1
        while ix > 16 + 15:
            ix, iexp = ix >> 1, iexp + 1
        ix = ix - 16 + (iexp << 4)
    return (ix | (0x80 if linear >= 0 else 0)) ^ 0x55


@pytest.mark.parametrize(("law", "reference"), [("mulaw", ulaw_by_the_reference), ("alaw", alaw_by_the_reference)])
def test_every_value_has_the_references_code(law: str, reference: Callable[[int], int]) -> None:
    expected = [reference(value) for value in EVERY.tolist()]

    assert coded(EVERY.astype(np.int16), law).tolist() == expected


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_every_code_has_the_value_that_ffmpeg_decodes(law: str) -> None:
    import av

    decoder: Any = av.CodecContext.create(f"pcm_{law}", "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    (frame,) = decoder.decode(av.Packet(bytes(range(256))))

    assert decoded(np.arange(256, dtype=np.uint8), law).tolist() == frame.to_ndarray()[0].tolist()


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_codes_survive_the_way_to_values_and_back(law: str) -> None:
    codes = np.array([code for code in range(256) if (law, code) != ("mulaw", 0x7F)], dtype=np.uint8)

    assert coded(decoded(codes, law), law).tolist() == codes.tolist()


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_segments_begin_where_the_recommendation_has_them(law: str) -> None:
    for code, value in SEGMENT_ENDS[law].items():
        assert decoded(np.array([code], dtype=np.uint8), law)[0] == value
