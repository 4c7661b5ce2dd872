"""ci/gitlab.yml acted out in a temporary repository, and what a gate says where its summary can't be written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.functional.forge import EVALUATION, GATE, REPOSITORY, Forge, Runner

GITLAB = yaml.safe_load((REPOSITORY / "ci" / "gitlab.yml").read_text(encoding="utf-8"))
OTHERS = [
    {"id": 1, "author": {"id": 5}, "body": "<!-- sv-eval: gate -->\nby a person"},
    {"id": 2, "author": {"id": 9}, "body": "coverage: 93 %"},
]


def done_in(folder: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A job's script, in one shell."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder, env=os.environ | {"PATH": path, "PYTHONPATH": str(REPOSITORY)} | more,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip


class Notes(BaseHTTPRequestHandler):
    """Of GitLab's API: who asks, and the notes of one merge request, one on each page."""

    notes: list[dict[str, Any]]

    def do_GET(self) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "a token"
        if self.path == "/api/v4/user":
            return self._answer({"id": 9})
        page = int(
            re.fullmatch(r"/api/v4/projects/3/merge_requests/7/notes\?per_page=100&page=(\d+)", self.path)[1]
        )
        return self._answer(self.notes[page - 1 : page], str(page + 1) if page < len(self.notes) else "")

    def do_POST(self) -> None:
        assert self.path == "/api/v4/projects/3/merge_requests/7/notes"
        self.notes.append({"id": len(self.notes) + 1, "author": {"id": 9}, "body": self._body()})
        self._answer({})

    def do_PUT(self) -> None:
        number = int(self.path.removeprefix("/api/v4/projects/3/merge_requests/7/notes/"))
        self.notes[number - 1]["body"] = self._body()
        self._answer({})

    def log_message(self, *words: Any) -> None:
        pass

    def _body(self) -> str:
        return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

    def _answer(self, said: Any, further: str = "") -> None:
        text = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Next-Page", further)
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def gitlab() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The API's address, and the notes under the merge request."""
    handler = type("OfThisTest", (Notes,), {"notes": [dict(each) for each in OTHERS]})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v4", handler.notes
        server.shutdown()
        thread.join()


def test_gitlabs_job_gates_and_keeps_one_note(
    tmp_path: Path, told: tuple[str, Path], gitlab: tuple[str, list[dict[str, Any]]]
) -> None:
    address, notes = gitlab
    job = GITLAB["sv-eval-gate"]
    forge = Forge(tmp_path, told)
    forge.commit("worse", evaluation=f"{EVALUATION} backend.accuracy=0.6", gate=GATE)
    checkout = forge.checkout("worse", Runner(tmp_path / "runner"))
    given = GITLAB["variables"] | {
        "SV_EVAL_INSTALL": "true", "SV_EVAL_TOKEN": "a token", "CI_API_V4_URL": address, "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_JOB_URL": "job",
        "CI_PROJECT_DIR": str(checkout), "PYTHONPATH": f"{told[1]}{os.pathsep}{REPOSITORY}",
    }  # fmt: skip

    failed = done_in(checkout, "\n".join(job["script"]), **given)
    after_first = [dict(each) for each in notes]
    (checkout / "evaluation.args").write_text("backend=nonsense", encoding="utf-8")
    broken = done_in(checkout, "\n".join(job["script"]), **given | {"SV_EVAL_BASELINE": "nowhere.json"})

    assert failed.returncode == 3, failed.stdout
    assert after_first[:2] == notes[:2] == OTHERS
    assert after_first[2]["body"].startswith("<!-- sv-eval: gate -->\n## ❌ Gate `ci` failed")
    assert (broken.returncode, len(notes)) == (2, 3), broken.stdout
    assert "No verdict" in notes[2]["body"]


def test_gitlabs_job_lets_an_inconclusive_gate_through_and_shows_the_rules(tmp_path: Path) -> None:
    job = GITLAB["sv-eval-gate"]

    assert job["artifacts"]["reports"]["junit"] == "runs/gate/junit.xml"
    assert job["allow_failure"] == {"exit_codes": 4}


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
