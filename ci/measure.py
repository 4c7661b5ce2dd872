"""Measures a checkout, gates it, and tells the workflow: the step of action.yml that does the work.

It needs Python's own library alone, and `python -m sv_eval`. What it is told stands in the environment: EVALUATION
and GATE (words, or @FILE with them), BASELINE (`target`, or a file), PREPARE (a command), START, READY and READY_S
(a service, its address, seconds to wait for it), NAME. It ends with 0 whatever the verdict is, so that the steps
behind it can show it; the last one fails the job.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from no_verdict import NoVerdictError
from service import service
from within import SUMMARY_BYTES, within

VERDICTS = {0: "pass", 3: "fail", 4: "inconclusive", 5: "incomplete"}
WHY = {
    "incomplete": "The run did not come to its end",
    "error": "The evaluation ended in an error",
}
TARGET = "target"
REFERENCE = "refs/sv-eval/target"


def main() -> int:
    """Measure, and write what came of it to the step's outputs and to the summary."""
    name = os.environ.get("NAME") or "gate"
    place = Path(os.environ["RUNNER_TEMP"]).resolve() / "sv-eval" / re.sub(r"[^\w.-]", "_", name)
    shutil.rmtree(place, ignore_errors=True)  # a runner that is kept has that of the last job
    place.mkdir(parents=True)
    run, why = place / "run", None
    try:
        code = _judged(Path.cwd(), place, run)
    except NoVerdictError as error:
        # The log has all of it; what a service printed last is not for everybody who reads the pull request.
        code, why = error.code, str(error).splitlines()[0].rstrip(":")
        print(f"::error::{why}\n{error}")
    gated = bool(os.environ.get("GATE", "").strip())
    verdict = VERDICTS.get(code, "error") if gated or code else "none"
    text = _said(run, verdict, code, why)
    (place / "said.md").write_text(text, encoding="utf-8")
    _append("GITHUB_STEP_SUMMARY", within(text, SUMMARY_BYTES - 1, f"the artefact `{name}`") + "\n")
    page = run / "report.html"
    outputs = {
        "verdict": verdict, "exit-code": str(code), "directory": str(run), "said": str(place / "said.md"),
        "report": str(page) if page.is_file() else "",
    }  # fmt: skip
    _append("GITHUB_OUTPUT", "".join(f"{key}={value}\n" for key, value in outputs.items()))
    print(f"verdict: {verdict} (exit code {code})")
    return 0


def _judged(here: Path, place: Path, run: Path) -> int:
    """The exit code of this branch's evaluation, the target's before it where it is the baseline."""
    evaluation, gate = os.environ.get("EVALUATION", ""), os.environ.get("GATE", "")
    rules = _words(gate, here)
    baseline = os.environ.get("BASELINE", "").strip() if rules else ""
    if baseline == TARGET:
        before = place / TARGET
        _measure_target(evaluation, here, place / "checkout", before)
        rules.append(f"gate.baseline={before}")
    elif baseline:
        rules.append(f"gate.baseline={baseline}")
    _prepare(here)
    with _group("Measure this branch and gate it"), _service(here, place / "service.log"):
        return _evaluate(here, [*_words(evaluation, here), *rules], run)


def _measure_target(evaluation: str, here: Path, checkout: Path, run: Path) -> None:
    """The target branch, in a checkout of its own and with its own words."""
    branch = os.environ.get("GITHUB_BASE_REF")
    if not branch:
        raise NoVerdictError(
            "baseline: target needs a pull request, and this event has no target branch; give a file"
        )
    shallow = _git(here, "rev-parse", "--is-shallow-repository") == "true"
    depth = ["--depth=1"] if shallow else []
    _git(here, "fetch", "--quiet", "--no-tags", *depth, "origin", f"+refs/heads/{branch}:{REFERENCE}")
    _git(here, "worktree", "prune")
    _git(here, "worktree", "add", "--quiet", "--force", "--detach", str(checkout), REFERENCE)
    if evaluation.startswith("@") and not (checkout / evaluation[1:].strip()).is_file():
        # The first pull request brings the file along.
        print(f"{branch} has no {evaluation[1:]}: this branch is measured twice", flush=True)
        folder = here
    else:
        folder = checkout
    _prepare(folder)
    with _group(f"Measure the target branch, {branch}"), _service(folder, run.with_suffix(".log")):
        code = _evaluate(folder, _words(evaluation, folder), run)
    if code:
        raise NoVerdictError(f"the target branch, {branch}, could not be measured: exit code {code}", code)


def _words(text: str, folder: Path) -> list[str]:
    """The words of a command line, or of the file that @FILE names, as a shell would split them."""
    text = text.strip()
    if text.startswith("@"):
        file = folder / text[1:].strip()
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise NoVerdictError(f"{text}: there is no such file to read words from ({error.strerror})") from error
    try:
        return shlex.split(text)
    except ValueError as error:
        raise NoVerdictError(f"the words {text!r} can't be split: {error}") from error


@contextmanager
def _group(title: str) -> Iterator[None]:
    """What is printed within is folded in the job's log."""
    print(f"::group::{title}", flush=True)
    try:
        yield
    finally:
        print("::endgroup::", flush=True)


def _prepare(folder: Path) -> None:
    command = os.environ.get("PREPARE", "").strip()
    if not command:
        return
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    with _group(f"Prepare {folder.name}"):
        done = subprocess.run(shell, cwd=folder, check=False)
    if done.returncode:
        raise NoVerdictError(f"what prepares a checkout ended with {done.returncode} in {folder}", 1)


def _service(folder: Path, log: Path) -> AbstractContextManager[None]:
    command = os.environ.get("START", "").strip()
    if not command:
        return nullcontext()
    wait_s = float(os.environ.get("READY_S") or 120)
    return service(command, os.environ.get("READY", "").strip(), wait_s, folder, log)


def _evaluate(folder: Path, words: list[str], run: Path) -> int:
    # The summary is written here, within its limit.
    environment = {key: value for key, value in os.environ.items() if key != "GITHUB_STEP_SUMMARY"}
    command = [sys.executable, "-m", "sv_eval", *words, f'hydra.run.dir="{run}"']
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def _git(here: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", f"safe.directory={here}", *words], cwd=here, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NoVerdictError(f"git {words[0]} failed: {done.stderr.strip()}", 1)
    return done.stdout.strip()


def _said(run: Path, verdict: str, code: int, why: str | None) -> str:
    """What summary and comment say: the gate's report, without a gate the run's, or why there is neither."""
    file = run / ("report.md" if verdict == "none" else "gate.md")
    if why is None and verdict in (*VERDICTS.values(), "none") and file.is_file():
        return file.read_text(encoding="utf-8").rstrip("\n")
    reason = why or WHY.get(verdict, WHY["error"])
    return f"## ⚠️ No verdict\n\n{reason} (exit code {code}), so nothing was gated. The job's log says more."


def _append(variable: str, text: str) -> None:
    """To one of the runner's files; where it can't be written that is said, and changes no verdict."""
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        print(f"::warning::{variable} is not written: {error}")


if __name__ == "__main__":
    sys.exit(main())
