"""A pull-request flow in a real repository, with the commands of docs/ci.md: green, red, red, inconclusive."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.functional.inside import inside

CORPUS = (
    "backend=fake", "dataset=simulated", "dataset.simulated.n_clips=700", "dataset.simulated.n_speakers=40",
    "load.warmup_clips=0", "run.telemetry_s=null",
)  # fmt: skip
# On a busy machine a tail of some milliseconds is the machine's; what a gate makes of tails is tried without one.
GATE = (
    "gate=ci", "gate.baseline=baselines/simulated.json", "gate.ratios.p50=4", "gate.ratios.p95=null",
    "gate.shares.slow=null", "gate.max_contention=null",
)  # fmt: skip


@dataclass(frozen=True)
class Checkout:
    """A repository of somebody who uses the gate."""

    folder: Path
    summary: Path
    told: tuple[str, Path]

    def run(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of ours in it, as a CI job would run it."""
        setting, lent = self.told
        words = [*arguments, *([setting] if module == "sv_eval" else [])]
        return inside(*words, module=module, cwd=self.folder, path=lent, GITHUB_STEP_SUMMARY=str(self.summary))

    def git(self, *arguments: str) -> None:
        """Git in it."""
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)

    def verdict(self, run: str) -> str:
        """What gate.json says."""
        found = json.loads((self.folder / run / "gate.json").read_text(encoding="utf-8"))
        return str(found["verdict"])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, told: tuple[str, Path]) -> Checkout:
    """The main branch with a committed baseline."""
    folder = tmp_path_factory.mktemp("repository")
    made = Checkout(folder=folder, summary=tmp_path_factory.mktemp("ci") / "summary.md", told=told)
    made.git("init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("runs/\n", encoding="utf-8")
    done = made.run("sv_eval", *CORPUS, "backend.latency={p50_ms: 2, p95_ms: 3}", "hydra.run.dir=runs/main")
    assert done.returncode == 0, done.stderr
    done = made.run("sv_eval.baseline", "save", "runs/main", "baselines/simulated.json")
    assert done.returncode == 0, done.stderr
    made.git("add", "-A")
    made.git("commit", "-qm", "A baseline")
    return made


def pull_request(checkout: Checkout, name: str, *changes: str) -> subprocess.CompletedProcess[str]:
    """A branch, and the run of its CI job."""
    checkout.git("checkout", "-q", "-B", name, "main")
    assert (checkout.folder / "baselines/simulated.json").is_file()
    return checkout.run("sv_eval", *CORPUS, *GATE, *changes, f"hydra.run.dir=runs/{name}")


def worse_run(checkout: Checkout) -> None:
    """The run that lost accuracy, whoever needs it first."""
    if not (checkout.folder / "runs/worse/metrics.json").is_file():
        pull_request(checkout, "worse", "backend.accuracy=0.6", "backend.latency={p50_ms: 2, p95_ms: 3}")


def test_a_change_that_makes_nothing_worse_is_green(checkout: Checkout) -> None:
    done = pull_request(checkout, "green", "backend.latency={p50_ms: 2, p95_ms: 3}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert checkout.verdict("runs/green") == "pass"
    assert "Gate `ci` passed" in checkout.summary.read_text(encoding="utf-8")


def test_a_loss_of_accuracy_is_red(checkout: Checkout) -> None:
    done = pull_request(checkout, "worse", "backend.accuracy=0.6", "backend.latency={p50_ms: 2, p95_ms: 3}")

    assert done.returncode == 3, done.stdout + done.stderr
    assert "fail UAR" in done.stdout
    text = (checkout.folder / "runs/worse/gate.md").read_text(encoding="utf-8")
    assert text.startswith("## ❌ Gate `ci` failed")
    assert "right before and are wrong now" in text
    suite = ElementTree.parse(checkout.folder / "runs/worse/junit.xml").getroot().find("testsuite")
    assert suite is not None
    failed = {case.attrib["name"] for case in suite.findall("testcase") if case.find("failure") is not None}
    assert {"margin:uar", "margin:accuracy"} <= failed


def test_a_slowdown_is_red(checkout: Checkout) -> None:
    done = pull_request(checkout, "slower", "backend.latency={p50_ms: 25, p95_ms: 30}")

    assert done.returncode == 3, done.stdout + done.stderr
    failed = [line for line in done.stdout.splitlines() if line.strip().startswith("fail")]
    assert failed
    assert all("Latency" in line for line in failed)


def test_too_few_clips_for_a_narrow_margin_are_inconclusive(checkout: Checkout) -> None:
    done = pull_request(
        checkout, "unsure", "backend.seed=1", "gate=quality", "gate.margins.uar=0.001", "gate.margins.recall=null",
        "gate.margins.accuracy=null",
    )  # fmt: skip

    assert done.returncode == 4, done.stdout + done.stderr
    assert checkout.verdict("runs/unsure") == "inconclusive"
    assert "would decide" in (checkout.folder / "runs/unsure/gate.md").read_text(encoding="utf-8")


def test_two_finished_runs_are_gated_without_running_again(checkout: Checkout) -> None:
    worse_run(checkout)

    done = checkout.run(
        "sv_eval.gate",
        "baseline=runs/main",
        "candidate=runs/worse",
        "gate=quality",
        "report.language=zh",
        "out=gated",
    )

    assert done.returncode == 3, done.stderr
    assert "未通过" in (checkout.folder / "gated/gate.md").read_text(encoding="utf-8")


def test_a_baseline_is_shown_and_updated(checkout: Checkout) -> None:
    worse_run(checkout)
    checkout.git("checkout", "-q", "-B", "update", "main")

    shown = checkout.run("sv_eval.baseline", "show", "baselines/simulated.json")
    again = checkout.run("sv_eval.baseline", "save", "runs/main", "baselines/simulated.json")
    updated = checkout.run("sv_eval.baseline", "update", "baselines/simulated.json", "runs/worse")

    assert "dataset: simulated" in shown.stdout
    assert "load: schedule=" in shown.stdout
    assert again.returncode == 2
    assert "update" in again.stderr
    assert "uar: 0.7" in updated.stdout
    assert "latency p95: " in updated.stdout
    sides = ("baseline=baselines/simulated.json", "candidate=runs/worse")
    assert checkout.run("sv_eval.gate", *sides, "gate=quality").returncode == 0
    checkout.git("checkout", "-q", "--", "baselines")


def test_no_baseline_is_made_of_half_a_run(checkout: Checkout) -> None:
    half = checkout.folder / "runs/half"
    shutil.copytree(checkout.folder / "runs/main", half)
    lines = (half / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (half / "records.jsonl").write_text("".join(lines[:300]), encoding="utf-8")
    assert checkout.run("sv_eval.score", "runs/half").returncode == 5

    saved = checkout.run("sv_eval.baseline", "save", "runs/half", "half.json")
    gated = checkout.run("sv_eval.gate", "candidate=runs/half", "baseline=runs/main", "gate=quality")

    assert saved.returncode == 2
    assert "400 clips have no record" in saved.stderr
    assert gated.returncode == 3
    assert "300 of 700" in gated.stdout


def test_a_run_directory_of_other_files_is_told(checkout: Checkout) -> None:
    strange = checkout.folder / "runs/strange"
    strange.mkdir()
    for name in ("metrics.json", "environment.json"):
        (strange / name).write_text("{}", encoding="utf-8")

    done = checkout.run("sv_eval.gate", "candidate=runs/strange", "baseline=runs/main")

    assert done.returncode == 2
    assert "sv_eval.score runs/strange" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    shutil.rmtree(strange)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["candidate=nowhere", "baseline=runs/main"], "nowhere: neither a run directory nor a baseline file"),
        (["candidate=runs/main"], "give baseline="),
        (["baseline=runs/main"], "candidate=RUN is missing"),
        (["candidat=runs/main"], "did you mean candidate"),
        (["candidate=runs/main", "gate=cii"], "there is no such gate; did you mean ci"),
        (["candidate=runs/main", "baseline=runs/main", "gate.margins.ura=0.1"], "did you mean uar"),
        (["candidate=runs/main", "baseline=.gitignore"], "can't be read as a baseline"),
        (["candidate=runs/main", "gate=none"], "gate=none has no rules"),
        (["selftest", "pair=3"], "did you mean pairs"),
        (["selftest", "pairs=0"], "1 or more"),
    ],
)
def test_wrong_words_are_explained_in_a_line(checkout: Checkout, arguments: list[str], expected: str) -> None:
    done = checkout.run("sv_eval.gate", *arguments)

    assert done.returncode == 2, done.stdout
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_run_may_be_resumed_under_another_gate(checkout: Checkout) -> None:
    checkout.git("checkout", "-q", "-B", "again", "main")
    arguments = (*CORPUS, "gate.baseline=baselines/simulated.json", "backend.latency={p50_ms: 2, p95_ms: 3}")
    first = checkout.run("sv_eval", *arguments, "gate=quality", "hydra.run.dir=runs/again")
    records = (checkout.folder / "runs/again/records.jsonl").read_bytes()

    second = checkout.run("sv_eval", *arguments, "gate=quality", "gate.floors.uar=0.99", "hydra.run.dir=runs/again")

    assert (first.returncode, second.returncode) == (0, 3), first.stderr + second.stderr
    assert (checkout.folder / "runs/again/records.jsonl").read_bytes() == records
    assert "floor" in second.stdout


def test_a_missing_baseline_is_noticed_before_the_run(checkout: Checkout) -> None:
    done = checkout.run("sv_eval", *CORPUS, "gate=ci", "gate.baseline=gone.json", "hydra.run.dir=runs/never")
    without = checkout.run("sv_eval", *CORPUS, "gate.baseline=runs/main", "hydra.run.dir=runs/never")

    assert (done.returncode, without.returncode) == (2, 2)
    assert "choose gate=ci" in without.stderr
    assert not (checkout.folder / "runs/never/records.jsonl").exists()


def test_the_gates_own_rates_are_what_they_claim(checkout: Checkout) -> None:
    done = checkout.run("sv_eval.gate", "selftest", "pairs=60")

    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith("|")][2:]
    failed = [float(row[4]) for row in rows]
    assert failed[0] <= 0.15  # alpha 0.05, three standard errors of 60 pairs
    assert failed[1] >= 0.8
    assert failed[2] >= 0.9
