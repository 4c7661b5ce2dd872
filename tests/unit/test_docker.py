"""The images are built from what the wheel is built from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["Dockerfile.cpu", "Dockerfile.cuda"])
def test_an_image_is_given_every_folder_of_the_wheel(name: str) -> None:
    text = (REPOSITORY / "docker" / name).read_text(encoding="utf-8")
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    links = [str(link.readlink().name) for link in (REPOSITORY / "sv_eval").iterdir() if link.is_symlink()]

    copied = {
        folder for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE) for folder in line.split()[:-1]
    }

    assert {*wheel["packages"], *wheel["force-include"], *links} <= copied
    assert sorted(links) == ["backends", "reports"]
