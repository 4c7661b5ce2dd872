"""Whether the service's memory stays flat under load that does not stop.

    python tests/benchmarks/soak_service.py [--seconds N] [--callers N]      (pip install aiohttp)

Sends bundled clips, some of them damaged, as fast as the callers get answers, and prints the resident memory of the
server at every tenth of the time. Ends with 1 when the second half grew by more than 5 %.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import aiohttp

_CLIPS = Path(__file__).parents[2] / "datasets" / "demo" / "clips"


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def soak(url: str, pid: int, seconds: float, callers: int) -> list[float]:
    """Resident MiB at every tenth of the time."""
    draw = random.Random(0)
    clips = [path.read_bytes() for path in sorted(_CLIPS.glob("*.flac"))]
    end = time.monotonic() + seconds
    codes: Counter[str] = Counter()
    headers = {"content-type": "application/json"}

    async def caller(session: aiohttp.ClientSession) -> None:
        while time.monotonic() < end:
            data = draw.choice(clips)
            if draw.random() < 0.2:
                data = data[: draw.randrange(len(data))]
            body = json.dumps({"audio": base64.b64encode(data).decode(), "chunk_size": draw.choice((None, 1.0))})
            async with session.post(f"{url}/v1/emotion", data=body) as answer:
                codes[(await answer.json(content_type=None)).get("code", "ok")] += 1

    sizes = []
    async with aiohttp.ClientSession(headers=headers) as session:
        tasks = [asyncio.create_task(caller(session)) for _ in range(callers)]
        for tenth in range(1, 11):
            await asyncio.sleep(max(0.0, end - seconds + tenth * seconds / 10 - time.monotonic()))
            sizes.append(resident_mib(pid))
            print(f"{tenth * 10:3d} %: {sizes[-1]:.1f} MiB, {sum(codes.values())} answers", flush=True)
        await asyncio.gather(*tasks)
    print(dict(codes))
    return sizes


def main() -> int:
    parser = argparse.ArgumentParser(description="Memory of the service under load.")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--callers", type=int, default=16)
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "sv_eval.serve", "serve.port=0", "serve.grpc_port=null", "backend.threads=1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    url = ""
    for line in process.stderr:
        if '"listening"' in line:
            url = json.loads(line)["http"]
        if '"ready"' in line:
            break
    threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
    try:
        sizes = asyncio.run(soak(url, process.pid, arguments.seconds, arguments.callers))
    finally:
        process.terminate()
        process.wait(30)
    growth = sizes[-1] / sizes[4] - 1
    print(f"second half: {growth:+.1%}")
    return int(growth > 0.05)


if __name__ == "__main__":
    sys.exit(main())
