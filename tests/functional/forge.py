"""A stand-in for GitHub: repositories, a runner that does the steps of `action.yml`, and `gh`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
EVALUATION = (
    "backend=fake dataset=simulated dataset.simulated.n_clips=350 load.warmup_clips=0 run.telemetry_s=null "
    "backend.latency.p50_ms=2 backend.latency.p95_ms=3"
)
# On a busy machine a tail of some milliseconds is the machine's; what a gate makes of tails is tried without one.
GATE = "gate=ci gate.ratios.p50=5 gate.ratios.p95=null gate.shares.slow=null gate.max_contention=null"
GH = f"""#!{sys.executable}
import json, os, sys
store, words = os.environ["GH_STORE"], sys.argv[1:]
if not os.environ.get("GH_TOKEN"):
    sys.exit("gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.")
comments = json.load(open(store))
if os.environ["GH_TOKEN"] == "of a fork" and words[:2] != ["pr", "view"]:
    sys.exit("GraphQL: Resource not accessible by integration (addComment)")
def fits(body):
    if len(body) > 65536:
        sys.exit("GraphQL: Body is too long (maximum is 65536 characters) (addComment)")
    return body
match words:
    case ["pr", "view", "7", "--repo", "somebody/recogniser", "--json", "comments"]:
        print(json.dumps({{"comments": comments}}))
    case ["pr", "comment", "7", "--repo", "somebody/recogniser", "--body-file", file]:
        url = "https://github.example/somebody/recogniser/pull/7#issuecomment-" + str(100 + len(comments))
        comments.append({{"body": fits(open(file).read()), "viewerDidAuthor": True, "url": url}})
    case ["api", "--silent", "--method", "PATCH", place, "-F", body] if body.startswith("body=@"):
        number = place.removeprefix("repos/somebody/recogniser/issues/comments/")
        (comment,) = [each for each in comments if each["url"].endswith("#issuecomment-" + number)]
        comment["body"] = fits(open(body.removeprefix("body=@")).read())
    case _:
        sys.exit("gh: unknown command " + repr(words))
json.dump(comments, open(store, "w"))
"""


@dataclass
class Finished:
    """A job that has ended."""

    code: int
    said: str
    summary: str
    outputs: dict[str, str]
    kept: Path | None
    """The artefact."""
    steps: list[str] = field(default_factory=list)
    """The steps that were done."""

    @property
    def gate(self) -> Path:
        """The run's directory."""
        return Path(self.outputs["directory"])

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


class Runner:
    """Does a composite action's steps as GitHub's runner does: conditions, expressions, outputs, a shell each."""

    def __init__(self, folder: Path, *lent: Path, token: str = "a token") -> None:
        self.folder, self.token, self._lent = folder, token, lent
        self.temp, self.comments_file = folder / "temp", folder / "comments.json"
        self.temp.mkdir(parents=True)
        self.comments_file.write_text("[]", encoding="utf-8")
        gh = folder / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(GH, encoding="utf-8")
        gh.chmod(0o755)

    @property
    def comments(self) -> list[dict[str, Any]]:
        """What stands under the pull request."""
        found: list[dict[str, Any]] = json.loads(self.comments_file.read_text(encoding="utf-8"))
        return found

    def act(self, checkout: Path, given: dict[str, str], *, pull_request: bool = True) -> Finished:
        """The action with these inputs, in a checkout."""
        unknown = given.keys() - ACTION["inputs"].keys()
        assert not unknown, f"the action has no input {unknown}"
        github = {
            "token": self.token, "server_url": "https://github.example", "repository": "somebody/recogniser",
            "run_id": "42", "event": {"pull_request": {"number": "7"} if pull_request else {}},
        }  # fmt: skip
        inputs = {key: str(each.get("default", "")) for key, each in ACTION["inputs"].items()} | given
        known: dict[str, Any] = {"github": github, "inputs": {}, "steps": {}}
        known["inputs"] = {key: filled(text, known) for key, text in inputs.items()}
        summary = self.temp / "summary.md"
        summary.write_text("", encoding="utf-8")
        done, failed, code, kept = Finished(0, "", "", {}, None), False, 0, None
        for step in ACTION["runs"]["steps"]:
            condition = str(step.get("if", "${{ success() }}"))
            known["failed"] = failed
            if not evaluated(condition.strip()[3:-2], known, guarded=True):
                continue
            name, outputs = step.get("name") or step["uses"], self.temp / "outputs"
            done.steps.append(name)
            if "uses" in step:
                if step["uses"].startswith("actions/upload-artifact@"):
                    kept = self.folder / "kept"
                    shutil.rmtree(kept, ignore_errors=True)
                    source = Path(filled(step["with"]["path"], known))
                    if source.exists():
                        shutil.copytree(source, kept)
                    known["steps"][step["id"]] = {"outputs": {"artifact-url": "https://github.example/artefact"}}
                continue
            outputs.write_text("", encoding="utf-8")
            environment = {key: filled(str(value), known) for key, value in step.get("env", {}).items()}
            code = self._shell(step["run"], checkout, environment, outputs, summary, done)
            failed = failed or code != 0
            lines = outputs.read_text(encoding="utf-8").splitlines()
            if "id" in step:
                known["steps"][step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}
            done.code = done.code or code
        done.kept, done.summary = kept, summary.read_text(encoding="utf-8")
        done.outputs = {key: filled(each["value"], known) for key, each in ACTION["outputs"].items()}
        return done

    def _shell(
        self, script: str, cwd: Path, given: dict[str, str], outputs: Path, summary: Path, done: Finished
    ) -> int:
        path = [str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        environment = os.environ | given | {
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": os.pathsep.join(map(str, [*self._lent, REPOSITORY])),
            "GITHUB_ACTION_PATH": str(REPOSITORY), "GITHUB_BASE_REF": "main", "GITHUB_OUTPUT": str(outputs),
            "GITHUB_REPOSITORY": "somebody/recogniser", "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(self.temp), "GH_STORE": str(self.comments_file),
        }  # fmt: skip
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        done.said += ran.stdout
        return ran.returncode


class Forge:
    """A repository somewhere, and checkouts of its branches."""

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
        """A branch from where main is, with these settings, pushed."""
        if branch != "main":
            self._git(self.work, "checkout", "-q", "-B", branch, "main")
        (self.work / "evaluation.args").write_text(f"{evaluation} {self._told[0]}\n", encoding="utf-8")
        (self.work / "gate.args").write_text(gate + "\n", encoding="utf-8")
        self._git(self.work, "add", "-A")
        self._git(self.work, "commit", "-q", "--allow-empty", "-m", branch)
        self._git(self.work, "push", "-q", "--force", "origin", branch)

    def checkout(self, branch: str, runner: Runner) -> Path:
        """As actions/checkout leaves it: one commit, and no other branch."""
        place = runner.folder / "checkout"
        shutil.rmtree(place, ignore_errors=True)
        self._git(
            self.folder, "clone", "-q", "--depth=1", "--no-tags", "-b", branch, f"file://{self.origin}", str(place)
        )
        return place

    def _git(self, where: Path, *arguments: str) -> None:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=where, check=True, capture_output=True)


def filled(text: str, known: dict[str, Any]) -> str:
    """A text with its expressions replaced by what they are."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(evaluated(found[1], known)), text)


def evaluated(expression: str, known: dict[str, Any], *, guarded: bool = False) -> Any:
    """An expression of GitHub's, of the few forms that action.yml has. What isn't known is an empty text."""

    def value(found: re.Match[str]) -> str:
        if found[0].startswith("'"):
            return found[0]
        here: Any = known
        for part in found[0].split("."):
            here = here.get(part, "") if isinstance(here, dict) else ""
        return repr(here)

    said = expression.strip()
    if guarded and not re.search(r"\b(success|failure|cancelled|always)\(\)", said):
        said = f"success() && ({said})"
    said = said.replace("success()", repr(not known.get("failed"))).replace("!cancelled()", "True")
    said = re.sub(r"'[^']*'|\b(?:inputs|steps|github)\.[\w.-]+", value, said)
    return eval(said.replace("&&", " and ").replace("||", " or "), {"__builtins__": {}})
