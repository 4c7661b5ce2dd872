"""What mkdocs builds the site of, in FOLDER/docs: the repository's pages, their links, and generated references.

    python docs/site/build.py [FOLDER] && mkdocs build --strict -f FOLDER/mkdocs.yml    (make site: FOLDER is build)

`llms.txt` beside the pages lists them for language models.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from http_api import document, http_page, written
from links import page_of_file, placed, relinked
from settings import group_page, main_page
from types_of_code import api_page

from sv_eval.cli.commands import COMMANDS
from sv_eval.config.settings_index import groups_of, options_of

ROOT = Path(__file__).resolve().parents[2]
MAINS = {
    "config": "run",
    "capacity": "capacity",
    "certify": "certify",
    "serve": "serve",
    "suite": "suite",
    "tune": "tune",
}
API = {
    "sv_eval.library": "What a script or a notebook needs; `import sv_eval` has all of it.",
    "sv_eval.backend": "What a recogniser of yours has to be.",
    "sv_eval.records": "Clips, answers and records.",
    "sv_eval.frame": "Records as a pandas table.",
    "sv_eval.errors": "Errors, and the exit codes of commands.",
    "sv_eval.testing": "Fixtures for tests of your own.",
}
_KINDS = {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".json": "json", ".proto": "protobuf"}
_MOST_SHOWN = 60_000


def main() -> int:
    """Write FOLDER/docs and FOLDER/mkdocs.yml."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "build"
    out = folder / "docs"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    _pages(out)
    _references(out)
    nav = _expanded(yaml.safe_load((ROOT / "docs" / "site" / "nav.yml").read_text(encoding="utf-8")), out, set())
    told = {"INHERIT": os.path.relpath(ROOT / "mkdocs.yml", folder), "nav": nav}
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (out / "llms.txt").write_text("\n".join(_for_models(nav, out)) + "\n", encoding="utf-8")
    print(f"{len(list(out.rglob('*.md')))} pages in {out}")
    return 0


def _pages(out: Path) -> None:
    """The repository's own pages, and what they show that is no page."""
    shown: set[PurePosixPath] = set()
    for path in sorted(_sources()):
        goes = placed(path)
        if goes is None:
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        _write(out / goes, relinked(_without_switch(text), path, ROOT, shown.add))
    for path in sorted(shown):
        text = (ROOT / path).read_text(encoding="utf-8")
        kind = _KINDS.get(path.suffix, "text")
        cut = "" if len(text) <= _MOST_SHOWN else "\n\nThe rest is left out here.\n"
        fence = "`" * (1 + max((len(run) for run in re.findall(r"`{3,}", text)), default=2))
        _write(
            out / page_of_file(path), f"# {path}\n\n{fence}{kind}\n{text[:_MOST_SHOWN].rstrip()}\n{fence}\n{cut}"
        )
    shutil.copy(ROOT / "docs" / "site" / "site.css", out)
    shutil.copytree(ROOT / "docs" / "pictures", out / "pictures", dirs_exist_ok=True)


def _sources() -> Iterator[PurePosixPath]:
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md", "docs/skill/*.md", "datasets/*/README.md"):
        yield from (PurePosixPath(path.relative_to(ROOT)) for path in ROOT.glob(pattern))
    for folder in ("backends", "docker"):
        yield from (PurePosixPath(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("README.md"))


def _without_switch(text: str) -> str:
    """A page without the line that leads to its other language: the site has a switch for that."""
    return re.sub(r"^\[(?:中文|中文说明|English)\]\([^)]*\)\n\n", "", text, count=1, flags=re.M)


def _references(out: Path) -> None:
    folder = out / "reference" / "settings"
    groups = {group: default for main in MAINS for group, default in groups_of(main).items()} | groups_of("config")
    for group, default in sorted(groups.items()):
        _write(folder / f"{group}.md", group_page(group, options_of(group), default))
    for main_file, command in MAINS.items():
        _write(folder / f"of-{command}.md", main_page(main_file, command))
    _write(out / "reference" / "commands.md", "\n".join(_helps()))
    _write(out / "reference" / "api.md", api_page("Types and functions", API))
    found = document()
    _write(out / "reference" / "http.md", http_page(found))
    _write(out / "reference" / "openapi.json", written(found))


def _helps() -> Iterator[str]:
    yield "# Help of every command\n\nWhat `sv-eval COMMAND --help` prints.\n"
    for command in COMMANDS.values():
        told = importlib.import_module(command.module).help_text([])
        yield f"## sv-eval {command.name}\n\n{command.does}\n\n```text\n{told.rstrip()}\n```\n"


def _expanded(nav: list[Any], out: Path, named: set[str]) -> list[Any]:
    """The navigation with its folders written out; no page stands in it twice."""
    _name_all(nav, named)
    return [_entry(each, out, named) for each in nav]


def _name_all(node: Any, named: set[str]) -> None:
    if isinstance(node, str):
        named.add(node)
    for each in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        _name_all(each, named)


def _entry(each: Any, out: Path, named: set[str]) -> Any:
    ((title, what),) = each.items()
    if isinstance(what, list):
        return {title: [_entry(item, out, named) for item in what]}
    if not what.endswith("*"):
        return each
    pages = sorted((out / what.removesuffix("*")).rglob("*.md"))
    # What is of a command stands behind what is of a group.
    pages.sort(key=lambda page: page.name.startswith("of-"))
    paths = [str(page.relative_to(out)) for page in pages if not page.name.endswith(".zh.md")]
    new = [path for path in paths if path not in named]
    named.update(new)
    return {title: [{_title(out / path): path} for path in new]}


def _title(page: Path) -> str:
    found = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.M)
    return found[1].replace("`", "") if found else page.stem


def _for_models(nav: list[Any], out: Path) -> Iterator[str]:
    """llms.txt: the pages with what each begins with, the rarely needed ones under `Optional`."""
    yield "# sv-eval\n"
    yield "> Measures speech emotion recognition: how right a recogniser is per emotion and how fast, in one run;"
    yield "> compares runs, gates changes, serves what was measured. `sv-eval --help` is complete.\n"
    yield "Agents: read [the skill](skill/SKILL.md) first.\n"
    for part in nav:
        ((title, what),) = part.items()
        yield f"## {title if title != 'Project' else 'Optional'}\n"
        for name, path in _leaves(title, what):
            yield f"- [{name}]({path}): {_first_sentence(out / path)}"
        yield ""


def _leaves(title: str, what: Any) -> Iterator[tuple[str, str]]:
    if isinstance(what, str):
        yield title, what
        return
    for each in what:
        ((name, inner),) = each.items()
        yield from _leaves(name, inner)


def _first_sentence(page: Path) -> str:
    text = re.sub(r"^---\n.*?\n---\n", "", page.read_text(encoding="utf-8"), flags=re.S)
    for block in text.split("\n\n"):
        plain = " ".join(block.split())
        if plain and not plain.startswith(("#", "```", "|", "!", "<", "-")):
            plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", plain)
            return re.split(r"(?<=[.?!])\s", plain)[0]
    return _title(page)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
