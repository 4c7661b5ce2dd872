"""`python -m sv_eval.probe url=URL`: which dialect is spoken at an address, and does it tell emotions?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import UsageError
from sv_eval.machine.terminal import give, say

_HELP = """\
usage: sv-eval probe URL [KEY=VALUE ...]

Asks the service at URL one short clip in every dialect that fits the address, and says which of them it answers,
what its time is made of, where the emotion stands in the answer, and the command that measures it.

An address with a path is asked exactly as it is given first, as JSON with base64 under the usual names, as a form
and as the file itself. What came is shown, where emotion, scores, confidence, text and duration stand in it, and
how to ask is written to OUT/backend/NAME.yaml, a configuration of backend=remote/generic.

  http://host:8000           or https, ws, wss, grpc, grpcs; with or without the path
  only=[openai,kserve]       try these dialects only
  name=NAME  out=endpoints   what a description is called that is written, and the folder that it goes to
  timeout_s=4                for each dialect
  probe_clip=FILE            ask with this recording instead of bundled ones
  api_key_env=NAME           the environment variable with the key (SV_EVAL_API_KEY)
  api_key_file=FILE          a file with the key instead
  ca_file=FILE               PEM certificates to trust instead of the system's

Exit codes: 0 an emotion was seen, 2 wrong usage or none was seen, 5 nobody answers there.
"""


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(arguments: Sequence[str]) -> None:
    """Do what the words say."""
    from sv_eval.config.building import instantiated
    from sv_eval.config.composing import composed

    typed = parse(arguments, COMMANDS["probe"])
    settings = dict(typed.settings)
    if typed.names:
        if len(typed.names) > 1 or "url" in settings:
            raise UsageError("one address at a time: sv-eval probe http://host:8000")
        settings["url"] = typed.names[0]
    if "url" not in settings:
        raise UsageError("give an address: sv-eval probe http://host:8000")
    if "://" not in settings["url"]:
        settings["url"] = f"http://{settings['url']}"
    probe: Any = instantiated(composed("probe", [f"{key}={value}" for key, value in settings.items()]), "probe")
    give(result=asyncio.run(probe.run(say)))
