"""Codecs that a build of PyAV may lack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sv_eval.errors import ConfigError


@contextmanager
def skipped_where_it_is_lacking() -> Iterator[None]:
    """A test of a codec is skipped where PyAV has none; any other refusal is one."""
    try:
        yield
    except ConfigError as error:
        if "the installed PyAV has no" not in str(error):
            raise
        pytest.skip(str(error))
