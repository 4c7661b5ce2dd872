"""`python -m sv_eval.serve`: the service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from sv_eval.cli.help import help_of
from sv_eval.errors import ConfigError

_HEADER = """\
sv-eval serve answers emotion and transcript of a voice over HTTP, websocket and gRPC.

  sv-eval serve                                   bundled demonstration model on http://127.0.0.1:8000
  sv-eval serve backend.model=DIR                 a SenseVoice model of yours
  sv-eval serve serve.port=9000 serve.host=0.0.0.0
  SV_EVAL_API_KEYS=secret sv-eval serve           only for those who have the key
  sv-eval serve calibration=FILE thresholds=FILE  confidence that means what it says; unknown below a threshold

The page is at /, the documentation at /docs, Prometheus' figures at /metrics.
"""
_FOOTER = """\
SIGTERM finishes what was accepted and ends with 0.
Exit codes: 0 stopped, 1 error, 2 wrong usage or configuration.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints for the choices that the words make."""
    return help_of(words, main_file="serve", header=_HEADER, footer=_FOOTER)


def run(arguments: Sequence[str]) -> None:
    """Serve until told to stop."""
    # gRPC's core writes lines of its own to stderr, between those of the log; what matters comes as an error.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from sv_eval.config.composing import composed
    from sv_eval.config.named_files import with_named_files

    try:
        import fastapi  # noqa: F401
        import grpc  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"the service needs the extra [serve] ({error}): pip install 'sv-eval[serve]'") from error
    from sv_eval.scoring.labels.config import labels_config_from
    from sv_eval.serve.config import serve_config_from
    from sv_eval.serve.processes import run

    settings = composed("serve", with_named_files(arguments, "serve"), ("backend", "serve", "labels"))
    labels = labels_config_from(settings["labels"])
    run(settings["backend"], replace(serve_config_from(settings["serve"]), labels=labels))
