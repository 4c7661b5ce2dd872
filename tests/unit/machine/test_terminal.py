"""A command's output reaches a narrow stream, too."""

from __future__ import annotations

import io
import sys

import pytest

from sv_eval.machine.terminal import say


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("utf-8", "✓ 70 % – 情绪\n"), ("ascii", "+ 70 % - ??\n"), ("latin-1", "+ 70 % - ??\n")],
)
def test_what_an_encoding_lacks_is_stood_in_for(
    encoding: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)

    say("✓ 70 % – 情绪")

    stream.flush()
    assert stream.buffer.getvalue().decode(encoding) == written  # type: ignore[attr-defined]
