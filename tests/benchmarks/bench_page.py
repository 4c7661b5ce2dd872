"""The page of a run of 100,000 clips: how large it is, how soon it is seen, how fast it filters; and checking one.

    python tests/benchmarks/bench_page.py [--clips 100000] [--rounds 5] [--verified 10000]

The run is the bundled demonstration, its records repeated under other ids with figures of their own: as many
columns as SenseVoice's records have. Prints MB and seconds: of making the page (in a process that has everything
imported), of the first paint in headless Chromium, until the table stands, of a filter (choosing an answer) and
of a search; medians over the rounds. Then the seconds that `sv-eval verify` takes, as a process, over --verified
clips.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def demonstration(folder: Path) -> Path:
    """A run of the bundled model on the bundled clips."""
    command = [sys.executable, "-P", "-m", "sv_eval", f"hydra.run.dir={folder}"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def repeated(run: Path, to: Path, clips: int) -> Path:
    """The run with `clips` records; without the seal, as runs of earlier versions are."""
    to.mkdir()
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    del environment["run_id"]
    environment["dataset"]["n_clips"] = clips
    (to / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    chance = random.Random(0)
    with (to / "records.jsonl").open("w", encoding="utf-8") as file:
        for number in range(clips):
            record = lines[number % len(lines)]
            file.write(json.dumps(_other(record, number, chance), ensure_ascii=False) + "\n")
    return to


def _other(record: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    """The record under an id of its own, its numbers moved."""

    def moved(value: float, digits: int = 6) -> float:
        return round(value * chance.uniform(0.8, 1.2), digits)

    clip, prediction = record["clip"], record["prediction"]
    scores = {name: moved(score) for name, score in prediction["scores"].items()}
    stages = {name: moved(ms) for name, ms in prediction["stages_ms"].items()}
    whole = ("rate_hz", "channels", "band_hz")
    sound = {name: value if name in whole else moved(value, 3) for name, value in record["sound"].items()}
    return {
        **{key: value for key, value in record.items() if key != "seal"},
        "clip": {**clip, "id": f"{clip['id']}_{number:06d}", "path": f"{number}/{clip['path']}",
                 "size_bytes": int(moved(clip["size_bytes"]))},
        "prediction": {**prediction, "scores": scores, "stages_ms": stages,
                       "confidence": min(1.0, moved(prediction["confidence"]))},
        "latency_ms": moved(record["latency_ms"]), "decode_ms": moved(record["decode_ms"]),
        "audio_s": moved(record["audio_s"], 4), "sent_s": number * 0.002, "call": number, "sound": sound,
    }  # fmt: skip


def looked_at(page: Path, rounds: int) -> dict[str, float]:
    """Seconds in a real browser, medians."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {"first paint": [], "table stands": [], "filter": [], "search": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(rounds):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            tab = context.new_page()
            begin = time.perf_counter()
            tab.goto(page.as_uri())
            tab.locator("html[data-ready=yes]").wait_for()
            found["table stands"].append(time.perf_counter() - begin)
            found["first paint"].append(tab.evaluate(PAINT) / 1000)
            tab.wait_for_timeout(1500)
            found["filter"].append(_taken(tab, "answer", "'neutral'", "change"))
            found["search"].append(_taken(tab, "text", "'green bag'", "input"))
            context.close()
        browser.close()
    return {name: statistics.median(values) for name, values in found.items()}


def _taken(tab: Any, field: str, value: str, event: str) -> float:
    """Seconds from the event to the frame that shows what it led to."""
    script = f"""new Promise((done) => {{
      const field = document.querySelector('.filters [name={field}]');
      const begin = performance.now();
      field.value = {value};
      field.dispatchEvent(new Event('{event}'));
      const spent = performance.now() - begin;
      requestAnimationFrame(() => setTimeout(() => done([spent, performance.now() - begin])));
    }})"""
    return float(tab.evaluate(script)[1]) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--verified", type=int, default=10_000)
    asked = parser.parse_args()
    from sv_eval.finished.page import page_of
    from sv_eval.finished.report_config import ReportConfig
    from sv_eval.finished.rescore import rescore
    from sv_eval.record_file.run_records import RunRecords
    from sv_eval.report.run_directory import read_environment, read_report
    from sv_eval.reports.page.contents import Made

    with tempfile.TemporaryDirectory() as folder:
        demo = demonstration(Path(folder) / "demo")
        run = repeated(demo, Path(folder) / "run", asked.clips)
        begin = time.perf_counter()
        rescore(run, {})
        scored_s = time.perf_counter() - begin
        report, environment, records = read_report(run), read_environment(run), RunRecords.read(run)
        begin = time.perf_counter()
        page_of(run, report, environment, records, ReportConfig(), Made(settings={})).text()
        made_s = time.perf_counter() - begin
        size_mb = (run / "report.html").stat().st_size / 1e6
        print(
            f"{asked.clips} clips: {size_mb:.1f} MB, made in {made_s:.1f} s of {scored_s:.1f} s for all of `score`"
        )
        seen = looked_at(run / "report.html", asked.rounds)
        print(", ".join(f"{name} {1000 * value:.0f} ms" for name, value in seen.items()), f"(of {asked.rounds})")
        checked = repeated(demo, Path(folder) / "checked", asked.verified)
        rescore(checked, {})
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-P", "-m", "sv_eval.verify", str(checked)], check=True, capture_output=True
        )
        print(f"{asked.verified} clips: verified in {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
