"""A report of Markdown as one page: it folds, draws, asks nobody, and makes nothing of foreign words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from sv_eval.foreign_text import cell
from sv_eval.reports.page.written import page_of_markdown

REPORT = """# Two runs

- ✓ **UAR 90 %**; see `sv-eval view`

| run | p95 |
|---|---:|
| a | 3 ms |

<details>
<summary>As a picture</summary>

![how they differ](figures/a.svg)

</details>

> careful
"""


class Tags(HTMLParser):
    """What tags, and which attributes, a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_what_stands_in_the_report_stands_in_the_page() -> None:
    page = page_of_markdown(REPORT, figures={"figures/a.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>"})

    tags = [tag for tag, _ in Tags(page).found]
    assert "<title>Two runs</title>" in page
    assert tags.count("table") == tags.count("details") == tags.count("summary") == tags.count("blockquote") == 1
    assert '<td class="right">3 ms</td>' in page
    (image,) = (given for tag, given in Tags(page).found if tag == "img")
    assert image["alt"] == "how they differ"
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")
    assert 'lang="zh-CN"' in page_of_markdown(REPORT, language="zh")


def test_it_runs_no_program_and_asks_nobody_for_anything() -> None:
    page = page_of_markdown(REPORT)

    found = Tags(page).found
    assert not {tag for tag, _ in found} & {"script", "iframe", "object", "form", "base"}
    assert [given["href"] for tag, given in found if tag == "link"] == ["data:,"]
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not any("style" in given or any(name.startswith("on") for name in given) for _, given in found)
    # A figure that isn't at hand is its words.
    assert "how they differ" in page
    assert "img" not in {tag for tag, _ in found}


@pytest.mark.parametrize(
    "word",
    [
        "<script>alert(1)</script>",
        "</details><img src=x onerror=alert(1)>",
        "![p](http://tracker.example/x)",
        "[go](javascript:alert(1))",
        '"><svg onload=alert(1)>',
        "<summary>x</summary>",
        "`</table>`",
    ],
)
def test_foreign_words_stay_words(word: str) -> None:
    text = f"# {cell(word)}\n\n| a |\n|---|\n| {cell(word)} |\n\n> {cell(word)}\n"

    found = Tags(page_of_markdown(text)).found

    assert not {tag for tag, _ in found} & {"script", "img", "svg", "summary", "details", "a"}
    assert [tag for tag, _ in found].count("table") == 1
    assert not any(name.startswith("on") for _, given in found for name in given)


def test_raw_tags_that_no_one_cleaned_are_shown_as_they_stand() -> None:
    page = page_of_markdown("# t\n\nx <b onclick=alert(1)>y</b> <details>\n")

    assert "&lt;b onclick=alert(1)&gt;" in page
    assert "<details>" not in page
