"""action.yml acted out in temporary repositories, as docs/ci.md uses it, and its scripts by themselves."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.functional.forge import ACTION, EVALUATION, GATE, REPOSITORY, Finished, Forge, Runner
from tests.functional.remote.conftest import PATIENT

PAGE = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
NOT_INSTALLED = {"install": "true"}
"""It is there already, and a test asks no package index."""
OTHERS = [
    {"body": "<!-- sv-eval: gate -->\nsaid by a person", "viewerDidAuthor": False, "url": "#issuecomment-1"},
    {"body": "coverage: 93 %", "viewerDidAuthor": True, "url": "#issuecomment-2"},
]


def documented(block: Any) -> dict[str, str]:
    """The inputs that the page gives the action."""
    steps = block["jobs"]["gate"]["steps"] if isinstance(block, dict) else block
    (step,) = [step for step in steps if step.get("uses", "").startswith("OWNER/")]
    return {key: str(value) for key, value in step["with"].items()}


WITH = documented(BLOCKS[0]) | NOT_INSTALLED


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory, told: tuple[str, Path]) -> Forge:
    return Forge(tmp_path_factory.mktemp("forge"), told)


def pull_request(forge: Forge, branch: str, runner: Runner, **given: str) -> Finished:
    """What CI does with a pull request of this branch against main."""
    return runner.act(forge.checkout(branch, runner), WITH | given)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("branch", "evaluation", "code", "marked", "not_passed"),
    [
        (
            "worse",
            f"{EVALUATION} backend.accuracy=0.6",
            3,
            "## ❌ Gate `ci` failed",
            {"margin:uar", "margin:accuracy"},
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
    forge: Forge,
    tmp_path: Path,
    told: tuple[str, Path],
    branch: str,
    evaluation: str,
    code: int,
    marked: str,
    not_passed: set[str],
) -> None:
    forge.commit(branch, evaluation=evaluation, gate=GATE)
    runner = Runner(tmp_path / "runner", told[1])

    done = pull_request(forge, branch, runner)

    verdict = {3: "fail", 4: "inconclusive"}[code]
    assert done.code == code, done.said
    assert (done.outputs["verdict"], done.outputs["exit-code"]) == (verdict, str(code))
    assert done.summary.startswith(marked)
    assert (done.gate / "gate.md").read_text(encoding="utf-8") == done.summary
    (comment,) = runner.comments
    assert comment["body"].startswith(f"<!-- sv-eval: gate -->\n{marked}")
    assert "[The run, with its page](https://github.example/artefact)" in comment["body"]
    assert done.kept is not None
    assert (done.kept / "report.html").is_file()
    assert Path(done.outputs["report"]).is_file()
    assert done.junit == done.verdicts
    assert {done.verdicts[rule] for rule in not_passed} <= {verdict}
    if branch == "unsure":
        assert "would decide" in done.summary


def test_the_next_push_changes_our_comment_and_no_other(
    forge: Forge, tmp_path: Path, told: tuple[str, Path]
) -> None:
    forge.commit("again", evaluation=EVALUATION, gate=GATE)
    runner = Runner(tmp_path / "runner", told[1])
    runner.comments_file.write_text(json.dumps(OTHERS), encoding="utf-8")

    first = pull_request(forge, "again", runner)
    between = runner.comments
    forge.commit("again", evaluation=f"{EVALUATION} backend.failure_rate=1", gate=GATE)
    # A runner that is kept has the files of the last job.
    second = pull_request(forge, "again", runner)

    assert (first.code, second.code) == (0, 5), first.said + second.said
    assert first.outputs["verdict"] == "pass"
    assert between[:2] == runner.comments[:2] == OTHERS
    assert len(between) == len(runner.comments) == 3
    assert "Gate `ci` passed" in between[2]["body"]
    assert "No verdict" in runner.comments[2]["body"]
    assert "exit code 5" in second.summary
    assert second.outputs["verdict"] == "incomplete"


def test_the_first_pull_request_measures_this_branch_twice(tmp_path: Path, told: tuple[str, Path]) -> None:
    forge = Forge(tmp_path, told, settings=False)
    forge.commit("first", evaluation=f"{EVALUATION} backend.accuracy=0.6", gate=GATE)

    done = pull_request(forge, "first", Runner(tmp_path / "runner", told[1]))

    assert done.code == 0, done.said
    assert "main has no evaluation.args" in done.said


def test_a_service_is_started_measured_and_stopped(tmp_path: Path, told: tuple[str, Path]) -> None:
    (block,) = [block for block in BLOCKS if isinstance(block, list)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {key: value.replace("8000", str(port)) for key, value in documented(block).items()}
    given["evaluation"] += f" '{PATIENT}' load.warmup_clips=0 run.telemetry_s=null"
    forge = Forge(tmp_path, told)
    runner = Runner(tmp_path / "runner", told[1])

    done = runner.act(forge.checkout("main", runner), given | NOT_INSTALLED | {"ready-s": "600"})

    assert done.code == 0, done.said
    assert done.verdicts["margin:uar"] == "pass"
    with socket.socket() as attempt:
        assert attempt.connect_ex(("127.0.0.1", port)) != 0, "the service still runs"


def test_a_service_that_does_not_start_is_said_in_the_log_alone(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "runner")

    done = runner.act(
        tmp_path,
        NOT_INSTALLED
        | {"baseline": "", "start": "echo no model; exit 7", "ready": "http://127.0.0.1:9/", "evaluation": "x=1"},
    )

    assert done.code == 1
    assert "the service ended with 7 before it was ready:\nno model" in done.said
    assert "the service ended with 7" in done.summary
    assert "no model" not in done.summary + runner.comments[0]["body"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"baseline": "", "evaluation": "@nowhere.args"}, "@nowhere.args: there is no such file"),
        ({"baseline": "", "evaluation": "a='b"}, "can't be split: No closing quotation"),
        ({"baseline": "", "evaluation": "x=1", "start": "sleep 9"}, "start: without `ready`"),
        ({"evaluation": "x=1"}, "git fetch failed"),
        ({"baseline": "", "evaluation": "x=1", "prepare": "exit 9"}, "what prepares a checkout ended with 9"),
    ],
)
def test_what_can_not_be_measured_is_said(tmp_path: Path, given: dict[str, str], said: str) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    runner = Runner(tmp_path / "runner")

    done = runner.act(tmp_path, NOT_INSTALLED | given)

    assert done.code in (1, 2)
    assert said in done.said
    assert done.outputs["verdict"] == "error"
    assert "No verdict" in done.summary
    assert "No verdict" in runner.comments[0]["body"]


def test_a_job_that_ends_before_measuring_changes_the_comment(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "runner")
    body = "<!-- sv-eval: gate -->\n## ✅ Gate `ci` passed"
    runner.comments_file.write_text(json.dumps([{"body": body, "viewerDidAuthor": True, "url": "#issuecomment-5"}]))

    done = runner.act(tmp_path, {"install": "exit 3"})

    assert done.code == 3
    assert done.steps == ["actions/setup-python@v5", "Install", "Comment on the pull request"]
    (comment,) = runner.comments
    assert "ended before anything was measured" in comment["body"]
    assert "https://github.example/somebody/recogniser/actions/runs/42" in comment["body"]


def test_where_nothing_is_gated_the_report_is_shown_and_a_push_has_no_comment(
    tmp_path: Path, told: tuple[str, Path]
) -> None:
    runner = Runner(tmp_path / "runner", told[1])
    words = f"{EVALUATION.replace('350', '40')} {told[0]}"

    done = runner.act(tmp_path, NOT_INSTALLED | {"evaluation": words, "gate": ""}, pull_request=False)

    assert (done.code, done.outputs["verdict"]) == (0, "none"), done.said
    assert done.summary.startswith("# ")
    assert runner.comments == []


def test_a_token_that_may_not_write_is_a_warning(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "runner", token="of a fork")

    done = runner.act(tmp_path, NOT_INSTALLED | {"baseline": "", "evaluation": "@nowhere.args"})

    assert "::warning::no comment was written: GraphQL: Resource not accessible" in done.said
    assert done.code == 2


@pytest.mark.parametrize(("inconclusive", "code"), [("fail", 4), ("warn", 0)])
def test_an_inconclusive_gate_is_a_failure_unless_it_shall_warn(inconclusive: str, code: int) -> None:
    script = ACTION["runs"]["steps"][-1]["run"]

    done = subprocess.run(
        ["bash", "-e", "-c", script],
        env={"CODE": "4", "INCONCLUSIVE": inconclusive}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == code
    assert ("::warning::" in done.stdout) is (code == 0)


def test_what_is_too_long_is_cut_behind_a_line_and_closed() -> None:
    sys.path.insert(0, str(REPOSITORY / "ci"))
    try:
        from within import COMMENT_BYTES, within
    finally:
        sys.path.pop(0)
    text = "first\n<details>\n" + "é a line of a folded list\n" * 10_000

    cut = within(text, COMMENT_BYTES, "the artefact `gate`")

    assert within("short\n", COMMENT_BYTES, "x") == "short\n"
    assert COMMENT_BYTES - 500 < len(cut.encode()) <= COMMENT_BYTES
    assert cut.count("<details>") == cut.count("</details>") == 1
    assert (
        "list\n</details>\n\n\n*Cut here: there is room for 64 KiB. The whole is in the artefact `gate`.*\n" in cut
    )
    assert "</details>" not in within("```\n" + "x\n" * 9_000, 9_000, "x")
    assert within("```\n" + "x\n" * 9_000, 9_000, "x").count("```") == 2


def test_this_projects_own_gate_passes_with_its_committed_baseline(tmp_path: Path) -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    (step,) = [step for step in workflow["jobs"]["gate"]["steps"] if step["uses"] == "./"]
    (tmp_path / "tests").mkdir()
    shutil.copytree(REPOSITORY / "tests" / "baselines", tmp_path / "tests" / "baselines")

    done = Runner(tmp_path / "runner").act(tmp_path, step["with"] | NOT_INSTALLED)

    assert done.code == 0, done.said
    assert "share:failed" in done.verdicts
    assert "ratio:p95" not in done.verdicts


def test_the_action_uses_no_one_elses_and_no_input_becomes_a_script() -> None:
    steps = ACTION["runs"]["steps"]

    assert all(step["uses"].startswith("actions/") for step in steps if "uses" in step)
    assert not [step for step in steps if "${{" in step.get("run", "")]


def test_the_page_tells_of_every_input_and_output() -> None:
    table = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))

    for name, each in ACTION["inputs"].items():
        assert f"`{name}`" in table
        if each["default"] and "github" not in each["default"]:
            assert f"`{each['default']}`" in table
    for name in ACTION["outputs"]:
        assert f"`{name}`" in table
