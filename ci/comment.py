"""Puts a verdict under a pull request: one comment, found again by a hidden line and changed in place.

Needs `gh` (GitHub's own command, which runners have). `gh pr comment --edit-last` would change whatever this
workflow's account said last; here only a comment is changed that begins with our line and was written by the same
account.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from within import COMMENT_BYTES, within

UNKNOWN = "## ⚠️ No verdict\n\nThe job ended before anything was measured. Its log says why."


def main() -> int:
    """Comment; what forbids it (a fork's token may not write) is a warning, and no verdict's matter."""
    number = os.environ.get("PULL_REQUEST", "")
    if not number:
        print("no pull request, so no comment")
        return 0
    repository, name = os.environ["GITHUB_REPOSITORY"], os.environ.get("NAME") or "gate"
    marker = f"<!-- sv-eval: {name} -->"
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "comment.md"
            file.write_text(_body(marker, name), encoding="utf-8")
            ours = _ours(number, repository, marker)
            if ours is None:
                _gh("pr", "comment", number, "--repo", repository, "--body-file", str(file))
            else:
                place = f"repos/{repository}/issues/comments/{ours}"
                _gh("api", "--silent", "--method", "PATCH", place, "-F", f"body=@{file}")
    except (subprocess.CalledProcessError, OSError, ValueError, KeyError) as error:
        said = getattr(error, "stderr", "") or str(error)
        print(f"::warning::no comment was written: {' '.join(said.split())}")
        return 0
    print("commented" if ours is None else f"comment {ours} changed")
    return 0


def _body(marker: str, name: str) -> str:
    said = Path(os.environ.get("SAID") or "-")
    text = said.read_text(encoding="utf-8") if said.is_file() else UNKNOWN
    artefact, job = os.environ.get("ARTIFACT_URL"), os.environ.get("JOB_URL")
    links = [
        f"[The run, with its page]({artefact})" if artefact else "",
        f"[the job's log]({job})" if job else "",
    ]
    below = " · ".join(filter(None, links))
    room = COMMENT_BYTES - len(f"{marker}\n\n\n{below}\n".encode())
    return f"{marker}\n{within(text, room, f'the artefact `{name}`')}\n\n{below}\n"


def _ours(number: str, repository: str, marker: str) -> str | None:
    """The number of the comment that begins with our line and was written by the account that asks."""
    answer = json.loads(_gh("pr", "view", number, "--repo", repository, "--json", "comments"))
    for comment in answer["comments"]:
        if comment["viewerDidAuthor"] and comment["body"].startswith(marker):
            return str(comment["url"]).rpartition("#issuecomment-")[2]
    return None


def _gh(*words: str) -> str:
    return subprocess.run(["gh", *words], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
