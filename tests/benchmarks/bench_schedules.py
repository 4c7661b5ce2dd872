"""One model under every load schedule: what each says, and the caveats that each report carries.

python tests/benchmarks/bench_schedules.py [--limit 200] [--load 0.5] [BACKEND_SETTING ...]

Runs `python -m sv_eval` once for each schedule, with the given settings (backend.model=DIR backend.threads=1 ...),
on the bundled clips. Open loops run at a share (`--load`) of the throughput of single_stream, ramp up to all of it.
Prints a table in Markdown; the runs stay in a directory whose reports can be read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def measure(folder: Path, name: str, settings: list[str]) -> dict[str, Any]:
    """The metrics of a run."""
    command = [sys.executable, "-m", "sv_eval", f"load={name}", *settings, f"hydra.run.dir={folder / name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    found: dict[str, Any] = json.loads((folder / name / "metrics.json").read_text(encoding="utf-8"))
    return found


def shown(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    bounds = (
        "" if figure["low"] is None or figure["high"] is None else f" [{figure['low']:.1f}, {figure['high']:.1f}]"
    )
    return f"{figure['value']:.1f}{bounds}"


def row(name: str, metrics: dict[str, Any]) -> str:
    latency, load = metrics["latency_ms"], metrics["load"]
    codes = [one["code"] for one in metrics["caveats"] if one["code"] != "corpus_note"]
    cells = [
        f"`{name}`",
        str(latency["n_calls"]),
        *(shown(latency[p]) for p in ("p50", "p95", "p99")),
        f"{load['answered_per_s']:.1f}" if load.get("answered_per_s") else "–",
        "–" if metrics["rtf"] is None else f"{metrics['rtf']:.4f}",
        "–" if not load.get("late_ms") else f"{load['late_ms']['p99']:.2f}",
        ", ".join(codes),
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--load", type=float, default=0.5)
    parser.add_argument("--out", type=Path, default=None)
    options, settings = parser.parse_known_args()
    folder = options.out or Path(tempfile.mkdtemp(prefix="schedules-"))
    settings += [f"dataset.limit={options.limit}"]
    single = measure(folder, "single_stream", settings)
    per_s = single["load"]["answered_per_s"]
    rate = options.load * per_s
    (folder / "moments.txt").write_text("\n".join(f"{n / rate:.6f}" for n in range(options.limit)) + "\n")
    loads = {
        "multi_stream": ["load.concurrency=4"],
        "offline": [],
        "closed": ["load.concurrency=2"],
        "poisson": [f"load.rate={rate:.3f}"],
        "constant": [f"load.rate={rate:.3f}"],
        "ramp": [
            f"load.rate={rate:.3f}",
            f"load.rate_end={per_s:.3f}",
            f"load.ramp_s={options.limit / per_s:.1f}",
        ],
        "trace": [f"load.trace_file={folder / 'moments.txt'}"],
        "stream": [],
    }
    print(
        "| schedule | calls | p50, ms | p95, ms | p99, ms | calls/s | RTF | late p99, ms | caveats of the report |"
    )
    print("|---|---:|---|---|---|---:|---:|---:|---|")
    print(row("single_stream", single), flush=True)
    for name, more in loads.items():
        print(row(name, measure(folder, name, [*settings, *more])), flush=True)
    print(f"\nreports below {folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
