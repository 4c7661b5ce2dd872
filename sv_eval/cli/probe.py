"""`python -m sv_eval.probe url=URL`: which dialect is spoken at an address, and does it tell emotions?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sv_eval.cli.command import main_of
from sv_eval.machine.terminal import say

_HELP = """\
usage: python -m sv_eval.probe url=URL [KEY=VALUE ...]

Asks the service at URL one short clip in every dialect that fits the address, and says which of them it answers,
what its time is made of, where the emotion stands in the answer, and the command that measures it.

  url=http://host:8000       or https, ws, wss, grpc, grpcs; with or without the path
  only=[openai,kserve]       try these dialects only
  timeout_s=4                for each dialect
  probe_clip=FILE            ask with this recording instead of bundled ones
  api_key_env=NAME           the environment variable with the key (SV_EVAL_API_KEY)
  api_key_file=FILE          a file with the key instead
  ca_file=FILE               PEM certificates to trust instead of the system's

Exit codes: 0 an emotion was seen, 2 wrong usage or none was seen, 5 nobody answers there.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code comes back."""
    return main_of(arguments, _HELP, _probe)


def _probe(arguments: Sequence[str]) -> None:
    from sv_eval.config.building import instantiated
    from sv_eval.config.composing import composed

    probe: Any = instantiated(composed("probe", arguments), "probe")
    asyncio.run(probe.run(say))
