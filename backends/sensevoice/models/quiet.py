"""Upstream libraries at work without their chatter."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def quiet() -> Iterator[io.StringIO]:
    """No log lines and nothing on stdout meanwhile; what was printed can be read from what comes back.

    FunASR prints notices when it is imported and warnings when it loads; errors come as exceptions all the same.
    """
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()) as said:
            yield said
    finally:
        logging.disable(before)
