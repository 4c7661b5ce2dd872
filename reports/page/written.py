"""A report that is written as Markdown, as one page: no program, no request, its pictures within it."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

_LOOK = Path(__file__).parent / "written.css"
_FOLD = re.compile(r"(</?details>)|<summary>(.*)</summary>")
_IMAGE = re.compile(r'<img src="(?P<name>[^"]*)" alt="(?P<words>[^"]*)"[^>]*>')
_TITLE = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def page_of_markdown(text: str, *, language: str = "en", figures: Mapping[str, str] | None = None) -> str:
    """The page of a report's Markdown; `figures` are its SVGs by the path that it names them with.

    Of HTML in the text only what folds is kept, a line by itself as our templates write it: anything else is shown
    as it stands.
    """
    title = _TITLE.search(text)
    style = _look()
    allowed = f"style-src 'sha256-{_digest(style)}'; img-src data:"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    body = "\n".join(_folded(text, figures or {}))
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{"zh-CN" if language == "zh" else "en"}">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            '<link rel="icon" href="data:,">',
            f"<title>{html.escape(_plain(title.group(1)) if title else 'sv-eval')}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            f"<main>{body}</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _folded(text: str, figures: Mapping[str, str]) -> Sequence[str]:
    """The body, the lines that fold kept between the parts that are Markdown."""
    parts, held = list[str](), list[str]()

    def rendered() -> None:
        if held:
            parts.append(_markdown("\n".join(held), figures))
            held.clear()

    for line in text.splitlines():
        fold = _FOLD.fullmatch(line)
        if fold is None:
            held.append(line)
            continue
        rendered()
        parts.append(fold.group(1) or f"<summary>{html.escape(fold.group(2))}</summary>")
    rendered()
    return parts


def _markdown(text: str, figures: Mapping[str, str]) -> str:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    # A tag in the text is text by now: what looks like one here was put there by the reader.
    found = reader.render(text).replace(' style="text-align:right"', ' class="right"')
    found = found.replace(' style="text-align:left"', "")
    # A table may be wider than a telephone: whoever has no mouse must be able to move it.
    found = found.replace("<table>", '<div class="wide" tabindex="0" role="group"><table>')
    found = found.replace("</table>", "</table></div>")
    return _IMAGE.sub(lambda image: _picture(image["name"], image["words"], figures), found)


def _picture(name: str, words: str, figures: Mapping[str, str]) -> str:
    """A figure within the page; its words where it is none of the report's own."""
    drawing = figures.get(html.unescape(name))
    if drawing is None:
        return words
    return f'<img alt="{words}" src="data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}">'


def _plain(words: str) -> str:
    return html.unescape(words.replace("**", "").replace("`", ""))


@functools.cache
def _look() -> str:
    return _LOOK.read_text(encoding="utf-8").strip()


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
