"""`python -m sv_eval.backends.faulty [FAULT]`: serve the bundled model through faulty wiring, until Ctrl-C."""

from __future__ import annotations

import asyncio
import sys

from sv_eval.backends.faulty.faults import FAULTS
from sv_eval.backends.faulty.service import FaultyService
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.errors import SvEvalError
from sv_eval.machine.terminal import complain, say

_HELP = """\
usage: python -m sv_eval.backends.faulty [FAULT]

Serves the bundled model over HTTP at a free port, as this project's service does (POST /analyze, POST /v1/emotion,
websockets at /v1/emotion/stream), with one fault in its wiring; without a fault it is sound. Says its address, and
ends with Ctrl-C.

  python -m sv_eval.certify backend=remote/service_form backend.url=ADDRESS
  python -m sv_eval.certify backend=remote/service_websocket backend.url=ws://HOST:PORT    (faults of streams)

Faults:
"""


async def _serve(fault: str | None) -> None:
    async with OnnxBackend(threads=1) as inner, FaultyService(inner, fault) as service:
        say(service.url)
        await asyncio.Event().wait()


def main(words: list[str]) -> int:
    """Serve, or explain."""
    if len(words) > 1 or words[:1] in (["--help"], ["-h"]):
        say(_HELP + "\n".join(f"  {one.name:20}{one.what}" for one in FAULTS.values()))
        return 0 if len(words) == 1 else 2
    try:
        asyncio.run(_serve(words[0] if words else None))
    except SvEvalError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
