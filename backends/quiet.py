"""Upstream libraries at work without their chatter."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


@contextmanager
def quiet() -> Iterator[io.StringIO]:
    """No log lines, warnings, progress bars or prints meanwhile; what was printed can be read from what comes back.

    FunASR prints notices when it is imported and warnings when it loads; errors come as exceptions all the same.
    """
    # It logs through the root logger, and may set one up.
    level, bars = logging.root.manager.disable, os.environ.get("TQDM_DISABLE")
    logging.disable(logging.ERROR)
    os.environ["TQDM_DISABLE"] = "1"
    said = io.StringIO()
    try:
        with warnings.catch_warnings(), redirect_stdout(said), redirect_stderr(said):
            warnings.simplefilter("ignore")
            yield said
    finally:
        logging.disable(level)
        if bars is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = bars
