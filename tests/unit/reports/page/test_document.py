"""The file: nothing in it but what it says of itself, and every byte of it counted."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from sv_eval.errors import RunDirectoryError
from sv_eval.finished.sounds import may_be_passed_on
from sv_eval.reports.page.document import blocks_in, document

BOOT = {"title": "a <b>", "language": "en", "verdict": [{"mark": "open", "en": "<i>x</i>", "zh": "y"}]}


def policy_of(page: str) -> dict[str, list[str]]:
    (content,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    return {rule.split()[0]: rule.split()[1:] for rule in content.split(";") if rule.strip()}


def test_the_policy_names_the_program_and_the_look_and_nothing_else() -> None:
    page = document(BOOT, {"clips": {"n": 0}})

    policy = policy_of(page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy["default-src"] == policy["connect-src"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == [f"'sha256-{digest}'"]
    assert "unsafe" not in str(policy)
    assert policy_of(document(BOOT, {}, served=True))["connect-src"] == ["'self'"]


def test_words_in_the_markup_are_words() -> None:
    page = document(BOOT, {})

    assert "<b>" not in page.replace(re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[0], "")
    assert "&lt;i&gt;x&lt;/i&gt;" in page


def test_blocks_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    page = document(BOOT, {"clips": {"n": 3, "text": "</script>"}}, audio={"1": "AAAA"})

    blocks, _ = blocks_in(page.encode(), "page")

    assert (blocks["clips"], blocks["audio"]) == ({"n": 3, "text": "</script>"}, {"1": "AAAA"})
    assert blocks["boot"]["title"] == "a <b>"


@pytest.mark.parametrize(
    "change",
    [
        lambda page: page[:-1],
        lambda page: page + b"\n",
        lambda page: page.replace(b"utf-8", b"utf-7", 1),
        lambda page: page[: len(page) // 2],
        lambda page: b"<p>something else</p>\n",
        lambda page: b"",
    ],
)
def test_what_was_changed_or_is_no_page_is_refused(change: object) -> None:
    page = document(BOOT, {"clips": {"n": 3}}).encode()

    with pytest.raises(RunDirectoryError, match="page"):
        blocks_in(change(page), "page")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("licence", "may"),
    [("Apache-2.0", True), ("CC-BY-4.0", True), ("CC0-1.0", True), ("ODbL-1.0 AND DbCL-1.0", True),
     ("CC-BY-NC-ND-4.0", False), ("unknown", False), ("", False), ("LicenseRef-IEMOCAP", False)],
)  # fmt: skip
def test_sounds_travel_only_where_the_licence_is_known_to_allow_it(licence: str, may: bool) -> None:
    assert may_be_passed_on(licence) is may
