"""The workflow of docs/ci.md acted out in a temporary repository, and this project's own; commands are read off."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.functional.remote.conftest import PATIENT

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = REPOSITORY / ".github" / "workflows" / "ci.yml"
EVALUATION = (
    "backend=fake dataset=simulated dataset.simulated.n_clips=350 load.warmup_clips=0 run.telemetry_s=null "
    "backend.latency.p50_ms=2 backend.latency.p95_ms=3"
)
# On a busy machine a tail of some milliseconds is the machine's; what a gate makes of tails is tried without one.
GATE = "gate=ci gate.ratios.p50=5 gate.ratios.p95=null gate.shares.slow=null gate.max_contention=null"


def workflows() -> list[dict[str, Any]]:
    """The YAML blocks of docs/ci.md: GitHub's and GitLab's."""
    text = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def measuring(steps: list[dict[str, Any]]) -> list[str]:
    """The scripts of the steps that call sv_eval."""
    return [step["run"] for step in steps if "python -m sv_eval" in step.get("run", "")]


@dataclass(frozen=True)
class Finished:
    """A job that has ended."""

    code: int
    said: str
    gate: Path
    summary: str

    @property
    def verdicts(self) -> dict[str, str]:
        """Rule to verdict, of gate.json."""
        found = json.loads((self.gate / "gate.json").read_text(encoding="utf-8"))
        return {rule["rule"]: rule["verdict"] for rule in found["rules"]}

    @property
    def junit(self) -> dict[str, str]:
        """Rule to what JUnit says of it, of junit.xml."""
        cases = ElementTree.parse(self.gate / "junit.xml").getroot().iter("testcase")
        kinds = {"failure": "fail", "error": "inconclusive"}
        return {
            case.attrib["name"]: next((kinds[part.tag] for part in case if part.tag in kinds), "pass")
            for case in cases
        }


class Forge:
    """A repository somewhere, and a runner that checks a pull request out and runs the workflow's commands."""

    def __init__(self, folder: Path, told: tuple[str, Path], *, settings: bool = True) -> None:
        self.folder, self._told = folder, told
        self.origin, self.work = folder / "origin.git", folder / "work"
        self._git(folder, "init", "-q", "--bare", "-b", "main", str(self.origin))
        self._git(folder, "clone", "-q", str(self.origin), str(self.work))
        self._git(self.work, "checkout", "-q", "-b", "main")
        if settings:
            self.commit("main", evaluation=EVALUATION, gate=GATE)
        else:
            self._git(self.work, "commit", "-q", "--allow-empty", "-m", "main")
            self._git(self.work, "push", "-q", "origin", "main")

    def commit(self, branch: str, *, evaluation: str, gate: str) -> None:
        """A branch from where we are, with these settings, pushed."""
        if branch != "main":
            self._git(self.work, "checkout", "-q", "-b", branch, "main")
        (self.work / "evaluation.args").write_text(f"{evaluation} {self._told[0]}\n", encoding="utf-8")
        (self.work / "gate.args").write_text(gate + "\n", encoding="utf-8")
        self._git(self.work, "add", "-A")
        self._git(self.work, "commit", "-q", "--allow-empty", "-m", branch)
        self._git(self.work, "push", "-q", "origin", branch)

    def pull_request(self, branch: str, scripts: list[str]) -> Finished:
        """What CI does with a pull request of this branch against main."""
        runner = self.folder / branch / "checkout"
        if not runner.exists():
            self._git(self.folder, "clone", "-q", "-b", branch, str(self.origin), str(runner))
        return run_scripts(scripts, runner, self.folder / branch / "summary.md", self._told[1])

    def _git(self, where: Path, *arguments: str) -> None:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=where, check=True, capture_output=True)


def run_scripts(scripts: list[str], folder: Path, summary: Path, *lent: Path) -> Finished:
    """The steps one after the other as GitHub's runner does it; the first that fails ends the job."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(map(str, [*lent, REPOSITORY])),
        "GITHUB_BASE_REF": "main",
        "RUNNER_TEMP": str(summary.parent),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    code, said = 0, ""
    for script in scripts:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        code, said = done.returncode, said + done.stdout + done.stderr
        if code:
            break
    text = summary.read_text(encoding="utf-8") if summary.is_file() else ""
    return Finished(code=code, said=said, gate=folder / "runs" / "gate", summary=text)


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory, told: tuple[str, Path]) -> Forge:
    return Forge(tmp_path_factory.mktemp("forge"), told)


@pytest.fixture(scope="module")
def scripts() -> list[str]:
    steps = workflows()[0]["jobs"]["gate"]["steps"]
    found = measuring(steps)
    assert len(found) == 2
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("branch", "evaluation", "code", "marked", "not_passed"),
    [
        ("green", EVALUATION, 0, "## ✅ Gate `ci` passed", set()),
        (
            "worse",
            f"{EVALUATION} backend.accuracy=0.6",
            3,
            "## ❌ Gate `ci` failed",
            {"margin:uar", "margin:accuracy"},
        ),
        (
            "slower",
            EVALUATION.replace("p50_ms=2", "p50_ms=30").replace("p95_ms=3", "p95_ms=60"),
            3,
            "## ❌ Gate `ci` failed",
            {"ratio:p50"},
        ),
        (
            "unsure",
            f"{EVALUATION} backend.seed=3",
            4,
            "## ❔ Gate `ci` is inconclusive",
            {"margin:uar", "margin:accuracy"},
        ),
    ],
)
def test_a_pull_request_gets_its_verdict(
    forge: Forge, scripts: list[str], branch: str, evaluation: str, code: int, marked: str, not_passed: set[str]
) -> None:
    forge.commit(branch, evaluation=evaluation, gate=GATE)

    done = forge.pull_request(branch, scripts)

    assert done.code == code, done.said
    assert done.summary.startswith(marked)
    assert (done.gate / "gate.md").read_text(encoding="utf-8") == done.summary.removesuffix("\n")
    assert done.junit == done.verdicts
    expected = {0: "pass", 3: "fail", 4: "inconclusive"}[code]
    assert {done.verdicts[rule] for rule in not_passed} <= {expected}
    if branch == "slower":
        assert {rule for rule, verdict in done.verdicts.items() if verdict == "fail"} == not_passed
    if branch == "unsure":
        assert "would decide" in done.summary


def test_the_first_pull_request_measures_the_target_as_it_says(
    tmp_path: Path, told: tuple[str, Path], scripts: list[str]
) -> None:
    forge = Forge(tmp_path, told, settings=False)
    forge.commit("first", evaluation=f"{EVALUATION} backend.accuracy=0.6", gate=GATE)

    done = forge.pull_request("first", scripts)

    assert done.code == 0, done.said
    target = tmp_path / "first" / "checkout" / "runs" / "target"
    assert json.loads((target / "metrics.json").read_text(encoding="utf-8"))["run"]["backend"] == "fake"


def test_a_runner_that_is_kept_does_it_again(tmp_path: Path, told: tuple[str, Path], scripts: list[str]) -> None:
    forge = Forge(tmp_path, told)
    forge.commit("again", evaluation=EVALUATION, gate=GATE)

    first, second = (forge.pull_request("again", scripts) for _ in range(2))

    assert (first.code, second.code) == (0, 0), second.said


def test_a_service_is_started_measured_and_stopped(tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    script, calls = re.findall(r"```bash\n(.*?)```\s+```\n(.*?)```", text, re.DOTALL)[0]
    (tmp_path / "evaluation.args").write_text("dataset.limit=20 load.warmup_clips=0 run.telemetry_s=null\n")
    (tmp_path / "gate.args").write_text("gate=quality gate.shares=null\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = script.replace("backend=remote ", f"backend=remote '{PATIENT}' ")
    (tmp_path / "measure.sh").write_text(script, encoding="utf-8")

    done = run_scripts([f"export PORT={port} WAIT_S=600 target=.\n{calls}"], tmp_path, tmp_path / "summary.md")

    assert done.code == 0, done.said
    assert done.verdicts["margin:uar"] == "pass"
    with socket.socket() as attempt:
        assert attempt.connect_ex(("127.0.0.1", port)) != 0, "the service still runs"


def test_a_service_that_does_not_start_is_said(tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    broken = re.sub(r"start\(\) \{.*", "start() { echo no model; exit 7; }", script)
    (tmp_path / "measure.sh").write_text(broken, encoding="utf-8")

    done = run_scripts(["mkdir -p runs; PORT=9 bash measure.sh . runs/x"], tmp_path, tmp_path / "summary.md")

    assert done.code == 1
    assert "the service ended:\nno model" in done.said


def test_a_summary_that_cannot_be_written_changes_no_verdict(tmp_path: Path, call: Any) -> None:
    run = ("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=40", "load.warmup_clips=0")
    assert call(*run, "hydra.run.dir=a").returncode == 0

    done = call(
        "baseline=a", "candidate=a", "gate=quality", "gate.shares=null", "out=gate", module="sv_eval.gate",
        GITHUB_STEP_SUMMARY=str(tmp_path),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "the job's summary is not written" in done.stderr
    assert (tmp_path / "gate" / "gate.md").is_file()


def test_this_projects_own_gate_passes_with_its_committed_baseline(tmp_path: Path) -> None:
    scripts = measuring(yaml.safe_load(OURS.read_text(encoding="utf-8"))["jobs"]["gate"]["steps"])
    (tmp_path / "tests").mkdir()
    shutil.copytree(REPOSITORY / "tests" / "baselines", tmp_path / "tests" / "baselines")

    done = run_scripts(scripts, tmp_path, tmp_path / "summary.md")

    assert done.code == 0, done.said
    assert "share:failed" in done.verdicts
    assert "ratio:p95" not in done.verdicts


def test_gitlabs_job_runs_the_same_commands() -> None:
    github, gitlab = workflows()

    def commands(lines: list[str]) -> list[str]:
        return [line.strip() for line in "\n".join(lines).splitlines() if "python -m sv_eval" in line]

    job = gitlab["gate"]
    assert commands(job["script"]) == commands(measuring(github["jobs"]["gate"]["steps"]))
    assert job["artifacts"]["reports"]["junit"] == "runs/gate/junit.xml"
    assert job["allow_failure"] == {"exit_codes": 4}
