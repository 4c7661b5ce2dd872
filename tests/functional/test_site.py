"""The site of the documentation: built strictly, from what is in the repository, and whole."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sv_eval.cli.commands import COMMANDS
from sv_eval.config.settings_index import groups_of, options_of, settings_of

REPOSITORY = Path(__file__).resolve().parents[2]
METRICS = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `docs`, what the site is built of, and `site`; a link that leads nowhere fails the build."""
    folder = tmp_path_factory.mktemp("built")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "NO_MKDOCS_2_WARNING": "1"}
    for command in (
        [str(REPOSITORY / "docs" / "site" / "build.py"), str(folder)],
        ["-m", "mkdocs", "build", "--strict", "-f", str(folder / "mkdocs.yml")],
    ):
        done = subprocess.run(
            [sys.executable, *command],
            env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:]
        assert "WARNING" not in done.stdout
        assert "excluded from the built site" not in done.stdout
    return folder


def test_every_setting_has_a_row(built: Path) -> None:
    for group in groups_of("config"):
        page = (built / "docs" / "reference" / "settings" / f"{group}.md").read_text(encoding="utf-8")
        for option in options_of(group):
            section = page.split(f"\n## {group}={option}\n", 1)[1].split("\n## ", 1)[0]
            rows = set(re.findall(r"^\| `([^`]+)` \|", section, re.M))
            wanted = {name for name in settings_of("config", {group: option}) if name.startswith(f"{group}.")}
            # Whatever stands between braces is a value in the file's own words.
            assert rows <= wanted
            assert {name for name in wanted - rows if name.rpartition(".")[0] not in rows | wanted} == set()


def test_a_settings_row_has_its_default_and_its_words(built: Path) -> None:
    pages = built / "docs" / "reference" / "settings"

    gate = (pages / "gate.md").read_text(encoding="utf-8")
    scoring = (pages / "scoring.md").read_text(encoding="utf-8")

    assert "| `gate.alpha` | `0.05` | the chance that a candidate that is no worse fails, over all rules" in gate
    assert "| `gate.slow_times` | `2.0` | How many times the baseline's" in gate, "said by the code alone"
    assert "| `scoring.confidence` | `0.95` | The confidence level of every interval. |" in scoring


def test_pages_have_both_languages_where_they_exist(built: Path) -> None:
    site = built / "site"

    start = (site / "zh" / "start.html").read_text(encoding="utf-8")

    assert "十分钟上手" in start
    assert 'lang="zh"' in start
    assert "门禁" in (site / "zh" / "gate.html").read_text(encoding="utf-8"), (
        "an English page has Chinese navigation"
    )
    assert not list(site.rglob("*zh-CN*"))


def test_a_page_fetches_nothing_from_elsewhere(built: Path) -> None:
    fetched = re.compile(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="?((?:https?:)?//[^" >]+)')

    for name in ("index.html", "ci.html", "architecture.html", "zh/index.html", "reference/http.html"):
        page = (built / "site" / name).read_text(encoding="utf-8")
        assert [url for url in fetched.findall(page) if "canonical" not in url] == []


def test_models_are_told_of_every_page_that_a_person_finds(built: Path) -> None:
    text = (built / "site" / "llms.txt").read_text(encoding="utf-8")

    listed = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): \S", text, re.M)

    assert len(listed) == len(set(listed)) > 100
    assert all((built / "docs" / path).is_file() for path in listed)
    assert "skill/SKILL.md" in listed


def test_the_http_reference_has_the_services_paths(built: Path) -> None:
    paths = json.loads((built / "site" / "reference" / "openapi.json").read_text(encoding="utf-8"))["paths"]

    page = (built / "docs" / "reference" / "http.md").read_text(encoding="utf-8")

    assert {"/analyze", "/v1/emotion", "/v1/audio/transcriptions"} <= paths.keys()
    assert all(f"`{path}`" in page for path in paths)


def test_the_modules_that_metrics_are_made_by_are_there() -> None:
    named = re.findall(r"`((?:scoring|studies)/[\w/.]+)`", METRICS)

    assert len(named) > 20
    assert [name for name in named if not (REPOSITORY / "sv_eval" / name).exists()] == []


@pytest.mark.parametrize(
    "page",
    [
        *(
            "README.md",
            "README.zh-CN.md",
            "docs/start.md",
            "docs/start.zh-CN.md",
            "docs/tour.md",
            "docs/tour.zh-CN.md",
        ),
        "docs/skill/SKILL.md",
    ],
)
def test_commands_that_newcomers_copy_name_what_is_there(page: str, known: frozenset[str]) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    lines = [line for kind, block in blocks if not kind for line in block.splitlines()]
    typed = [
        found[1] for line in lines if (found := re.match(r"(?:\S*python -m sv_eval|sv-eval)(?=[ .]|$)(.*)", line))
    ]

    words = [shlex.split(line.removeprefix("."), comments=True) for line in typed]

    assert len(words) > 5
    for first, *rest in filter(None, words):
        bare = "=" not in first and not first.startswith("-")
        assert not bare or first in COMMANDS, f"{page}: {first}"
        for word in [*rest, *([] if bare else [first])]:
            key, equals, _ = word.partition("=")
            named = key.lstrip("+").partition("@")[0]
            assert not equals or "," in key or named in known or named.startswith("hydra."), f"{page}: {word}"


@pytest.fixture(scope="module")
def known() -> frozenset[str]:
    """Every name that may stand before an `=`, of any command under any choice."""
    names = {key for command in COMMANDS.values() for key in (*command.keys, *command.former)}
    for main in ("config", "capacity", "certify", "corpus", "serve", "suite", "tune"):
        names |= set(settings_of(main, {}))
        for group in groups_of(main):
            names.add(group)
            for option in options_of(group):
                names |= set(settings_of(main, {group: option}))
    # Of `sv-eval corpus`, where `dataset.` may be left out.
    return frozenset(names | {name.removeprefix("dataset.") for name in names if name.startswith("dataset.")})


def test_the_skill_can_be_found_by_what_it_is_for() -> None:
    text = (REPOSITORY / "docs" / "skill" / "SKILL.md").read_text(encoding="utf-8")

    head = yaml.safe_load(text.split("---\n")[1])

    assert head["name"] == "sv-eval"
    assert "speech emotion" in head["description"]
    assert len(head["description"]) < 1024
