"""Codecs that a build of PyAV may lack, and rooms without their extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sv_eval.errors import ConfigError


@contextmanager
def skipped_where_it_is_lacking() -> Iterator[None]:
    """A test of a codec or a room is skipped where there is no package for it; any other refusal is one."""
    try:
        yield
    except ConfigError as error:
        if not any(words in str(error) for words in ("the installed PyAV has no", "room needs pyroomacoustics")):
            raise
        pytest.skip(str(error))
