"""How the records travel while a run is scored: the modules that they pass, in order.

    python tests/benchmarks/walk_records.py [CHECKOUT]

Scores a golden run (in another checkout's code, if one is given) and notes every call of a function of sv_eval that
is handed records or what was settled from them (RecordTable, RunRecords, Scope, Timing, Calls, Clusters). Prints
the stops, one for each module that is entered after another; in how many modules they are; and how many of them
lead back to a module that had been left.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
KINDS = {"RecordTable", "RunRecords", "Scope", "Timing", "Calls", "Clusters"}


def walk(run: Path) -> list[str]:
    """The modules, in order."""
    from sv_eval.finished.rescore import rescore

    stops: list[str] = []

    def on_call(frame: object, event: str, _: object) -> None:
        module = frame.f_globals.get("__name__", "")  # type: ignore[attr-defined]
        if event != "call" or not module.startswith("sv_eval.") or (stops and stops[-1] == module):
            return
        code = frame.f_code  # type: ignore[attr-defined]
        count = code.co_argcount + code.co_kwonlyargcount
        names = [name for name in code.co_varnames[:count] if name != "self"]
        if any(type(frame.f_locals.get(name)).__name__ in KINDS for name in names):  # type: ignore[attr-defined]
            stops.append(module)

    settings = json.loads((run / "environment.json").read_text(encoding="utf-8"))["config"]
    rescore(run, settings)  # imports, which are no part of the way
    sys.setprofile(on_call)
    try:
        rescore(run, settings)
    finally:
        sys.setprofile(None)
    return stops


def main() -> None:
    """Walk and print; in the other checkout's code by way of a process of its own."""
    if len(sys.argv) > 1:
        environment = {**os.environ, "PYTHONPATH": str(Path(sys.argv[1]).resolve())}
        subprocess.run([sys.executable, "-P", __file__], env=environment, check=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        shutil.copytree(HERE / "tests" / "golden" / "plain", run)
        stops = walk(run)
    for stop in stops:
        print(stop)
    modules = len(set(stops))
    print(f"{len(stops)} stops in {modules} modules, {len(stops) - modules} of them back in one that was left")


if __name__ == "__main__":
    main()
