"""The library, as its page uses it: in a script, in a notebook, inside an event loop."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbclient
import nbformat
import pytest

import sv_eval
from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.errors import ConfigError, RunDirectoryError, RunInterrupted, UsageError
from sv_eval.records import Prediction

PATIENCE_S = 300
PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"
SIMULATED = ["dataset.simulated.n_clips=40", "scoring.resamples=200"]


def cells() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_runs_as_a_script(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text("\n".join(cells()), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )

    assert done.returncode == 0, done.stderr
    assert "did you mean onnx" in done.stdout
    assert "UAR 0." in done.stdout or "UAR 1." in done.stdout


def test_the_page_runs_as_a_notebook(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in [*cells(), "run"]])

    nbclient.NotebookClient(
        notebook, timeout=PATIENCE_S, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    shown = notebook.cells[-1].outputs[-1]["data"]["text/html"]
    assert "unweighted average recall" in shown
    assert shown.count("<table>") == 2
    assert "Demonstration model" in shown


def test_it_works_inside_a_running_event_loop(tmp_path: Path) -> None:
    async def cell() -> sv_eval.Run:
        return sv_eval.evaluate(
            backend="fake", dataset="simulated", overrides=SIMULATED, directory=tmp_path / "run"
        )

    run = asyncio.run(cell())

    assert len(run.records) == 40
    assert (tmp_path / "run" / ".hydra" / "overrides.yaml").is_file()


def test_a_backend_of_ones_own_is_measured(tmp_path: Path) -> None:
    class Calm:
        capabilities = Capabilities()
        info = BackendInfo(name="calm", model="none", device="cpu")

        async def __aenter__(self):
            return self

        async def __aexit__(self, *reason):
            pass

        async def recognize(self, requests):
            return [Prediction(label="neutral", forced="neutral") for _ in requests]

    run = sv_eval.evaluate(backend=Calm(), dataset="simulated", overrides=SIMULATED, directory=tmp_path / "run")

    assert set(run.records["prediction.label"]) == {"neutral"}
    assert run.environment.backend.name == "calm"


def test_an_interrupt_in_a_notebook_keeps_what_was_measured(tmp_path: Path) -> None:
    records = tmp_path / "run" / "records.jsonl"
    slow = ["dataset.simulated.n_clips=4000", "backend.latency={p50_ms: 20, p95_ms: 30}"]

    def interrupt_once_begun() -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and not (records.is_file() and records.stat().st_size):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    async def cell() -> None:
        sv_eval.evaluate(backend="fake", dataset="simulated", overrides=slow, directory=tmp_path / "run")

    loop = asyncio.new_event_loop()
    killer = threading.Thread(target=interrupt_once_begun)
    killer.start()
    try:
        # Not asyncio.run: it would take the signal for itself, as no notebook does.
        with pytest.raises(RunInterrupted, match="goes on from here"):
            loop.run_until_complete(cell())
    finally:
        killer.join()
        loop.close()

    assert 0 < len(records.read_bytes().splitlines()) < 4000


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"backend": "onx"}, "did you mean onnx"),
        ({"dataset": "emobd"}, "did you mean emodb"),
        ({"overrides": ["limit=5"]}, "did you mean dataset.limit"),
        ({"overrides": ["gate=ci"]}, "gate(candidate, baseline)"),
        ({"backend": {"_target_": "x.Y"}, "overrides": ["backend.threads=1"]}, "has no effect"),
        ({"overrides": ["export=[csv]"]}, "the run's own export"),
        ({"overrides": ["nonsense"]}, "KEY=VALUE"),
        ({"backend": {"thread": 1}}, "threads"),
        ({"dataset": {"name": "demo", "limt": 1}}, "limit"),
    ],
)
def test_wrong_settings_are_explained(given: dict[str, object], expected: str, tmp_path: Path) -> None:
    with pytest.raises((ConfigError, UsageError), match=re.escape(expected)):
        sv_eval.evaluate(**given, directory=tmp_path / "run")  # type: ignore[arg-type]

    assert not (tmp_path / "run").exists()


def test_it_works_inside_somebody_elses_hydra_application(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import hydra, sv_eval\n"
        "from hydra.core.hydra_config import HydraConfig\n"
        "@hydra.main(version_base='1.3', config_path=None)\n"
        "def main(config):\n"
        f"    given = dict(backend='fake', dataset='simulated', overrides={SIMULATED!r}, directory='run')\n"
        "    run = sv_eval.evaluate(**given)\n"
        "    print(len(run.records), HydraConfig.get().job.name)\n"
        "main()\n",
        encoding="utf-8",
    )

    done = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["40", "app"], done.stderr


def test_an_interrupt_before_the_model_is_open_is_not_forgotten(tmp_path: Path) -> None:
    class Slow:
        capabilities = Capabilities()
        info = BackendInfo(name="slow", model="none", device="cpu")

        async def __aenter__(self):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(1)
            return self

        async def __aexit__(self, *reason):
            pass

        async def recognize(self, requests):
            await asyncio.sleep(0.05)
            return [Prediction(label="neutral", forced="neutral") for _ in requests]

    async def cell() -> None:
        sv_eval.evaluate(backend=Slow(), dataset="simulated", overrides=SIMULATED, directory=tmp_path / "run")

    # Shells have what they start in the background ignore SIGINT.
    loop, before = asyncio.new_event_loop(), signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(RunInterrupted):
            loop.run_until_complete(cell())
    finally:
        signal.signal(signal.SIGINT, before)
        loop.close()


def test_what_is_no_run_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError):
        sv_eval.read_run(tmp_path)
    with pytest.raises(UsageError, match="two runs"):
        sv_eval.compare(tmp_path)


def test_the_functions_keep_their_names_beside_the_modules(tmp_path: Path) -> None:
    check = (
        "import sv_eval.gate, sv_eval.compare, sv_eval; print(callable(sv_eval.gate), callable(sv_eval.compare))"
    )

    done = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "True"]


def test_a_bare_import_loads_nothing_heavy(tmp_path: Path) -> None:
    check = "import sys, sv_eval; print(len([name for name in sys.modules if name.startswith('sv_eval')]))"

    done = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=True)

    # Itself and its version.
    assert int(done.stdout) == 2
