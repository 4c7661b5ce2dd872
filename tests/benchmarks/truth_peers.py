"""What wrk and locust say of a server that knows its own latency: p50, p95 and p99 in milliseconds, closed loop.

Neither sends by a plan, so that both are asked for what they can do: so many callers, each waiting for its answer.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import tempfile
from pathlib import Path

_SHARES = (50, 95, 99)
_WRK = """
wrk.method = "POST"
wrk.body = string.rep("x", 2000)
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  print("at", latency:percentile(50), latency:percentile(95), latency:percentile(99))
end
"""
_LOCUST = """
from locust import FastHttpUser, constant, task

class Caller(FastHttpUser):
    wait_time = constant(0)

    @task
    def ask(self):
        self.client.post("/analyze", data=b"x" * 2000)
"""


def wrk(url: str, *, callers: int, seconds: int) -> tuple[float, ...]:
    """The percentiles that wrk reports."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is not here: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "ask.lua"
        script.write_text(_WRK, encoding="utf-8")
        command = [program, "-t1", f"-c{callers}", f"-d{seconds}s", "-s", str(script), f"{url}/analyze"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("at"))
    return tuple(float(word) / 1000 for word in line.split()[1:])


def locust(program: str, url: str, *, callers: int, seconds: int) -> tuple[float, ...]:
    """The percentiles that locust reports: whole milliseconds, two digits from 100 ms on."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "locustfile.py"
        script.write_text(_LOCUST, encoding="utf-8")
        command = [
            program, "-f", str(script), "--headless", "-u", str(callers), "-r", str(callers), "-t", f"{seconds}s",
            "-H", url, "--csv", str(Path(folder) / "found"), "--only-summary",
        ]  # fmt: skip
        subprocess.run(command, capture_output=True, text=True, check=True)
        with (Path(folder) / "found_stats.csv").open(encoding="utf-8") as file:
            (row,) = (row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    return tuple(float(row[f"{share}%"]) for share in _SHARES)
