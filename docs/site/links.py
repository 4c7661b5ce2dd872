"""Where a file of the repository lies in the site, and links between such files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

_FENCE = re.compile(r"^( *>? *)(```|~~~)")
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_ELSEWHERE = re.compile(r"^(?:[a-z][a-z+.-]*:|#|//)")


def placed(path: PurePosixPath) -> PurePosixPath | None:
    """Where a page of the repository goes; None for what is no page of the site."""
    # The site's languages are those of its theme.
    name = str(path).replace(".zh-CN.md", ".zh.md")
    path = PurePosixPath(name)
    if name in ("README.md", "README.zh.md"):
        return PurePosixPath(name.replace("README", "index"))
    if path.parts[0] == "docs":
        return PurePosixPath(*path.parts[1:])
    if name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"):
        return PurePosixPath("project", path.name)
    if path.parts[0] == "datasets" and path.name == "README.md":
        return PurePosixPath("cards", f"{path.parent.name}.md")
    if path.parts[0] in ("backends", "docker") and path.name == "README.md":
        return PurePosixPath("project", "-".join(path.parent.parts) + ".md")
    return None


def relinked(text: str, source: PurePosixPath, root: Path, shown: Callable[[PurePosixPath], None]) -> str:
    """A page with its links as they are in the site; `shown` is told of files that need a page of their own.

    A folder without a page keeps its words and loses its link. What leads nowhere stays, and the build says so.
    """
    here = placed(source)
    assert here is not None

    def link(found: re.Match[str]) -> str:
        target, hash_, anchor = found[2].partition("#")
        if _ELSEWHERE.match(found[2]):
            return found[0]
        path = PurePosixPath(os.path.normpath(source.parent / target))
        if (root / path).is_dir():
            inside = path / "README.md"
            if not (root / inside).is_file():
                return f"](#{_NOWHERE})"
            path = inside
        goes = placed(path)
        if goes is None and (root / path).is_file():
            shown(path)
            goes = page_of_file(path)
        if goes is None:
            return found[0]
        return f"]({os.path.relpath(goes, here.parent)}{hash_}{anchor})"

    lines = []
    for line, code in outside_code(text):
        lines.append(line if code else _LINK.sub(link, line))
    return re.sub(rf"\[([^\]]+)\]\(#{_NOWHERE}\)", r"\1", "\n".join(lines))


def page_of_file(path: PurePosixPath) -> PurePosixPath:
    """The page that shows a file which is none itself. What begins with a dot would be left out of the site."""
    return PurePosixPath("files", *(part.lstrip(".") for part in path.parent.parts), f"{path.name.lstrip('.')}.md")


def outside_code(text: str) -> Iterator[tuple[str, bool]]:
    """Lines, and whether each stands in a block of code."""
    inside = False
    for line in text.split("\n"):
        fence = bool(_FENCE.match(line))
        yield line, inside or fence
        inside ^= fence


_NOWHERE = "a-folder-without-a-page"
