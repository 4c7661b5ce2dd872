"""The page at `/` in a real browser, with a real recording."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

Serve = Callable[..., Any]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)"),
    pytest.mark.filterwarnings("default"),
]
PICTURES = os.environ.get("SV_EVAL_PICTURES")
"""A folder for screenshots; none are made without it."""
PATIENCE_MS = 300_000


@pytest.fixture(scope="module")
def service(serving: Serve) -> Iterator[Any]:
    with serving() as it:
        yield it


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, demo_clips: list[Path]) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    # What the pretended microphone hears: a minute of it, so that the recording is inside.
    spoken = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    samples, rate_hz = soundfile.read(demo_clips[0], dtype="int16")
    soundfile.write(spoken, samples, rate_hz)
    with sync_playwright() as playwright:
        it = playwright.chromium.launch(
            executable_path=CHROMIUM,
            timeout=PATIENCE_MS,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={spoken}",
            ],
        )
        yield it
        it.close()


@pytest.fixture
def page(browser: Any, service: Any) -> Iterator[Any]:
    """The page, freshly opened; afterwards nothing must have gone wrong or out."""
    context = browser.new_context(locale="en-GB", color_scheme="light", viewport={"width": 900, "height": 1100})
    context.set_default_timeout(PATIENCE_MS)
    it = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    it.on("pageerror", lambda error: errors.append(str(error)))
    it.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    it.on("request", lambda request: asked.append(request.url))
    it.goto(service.url)
    # A condition in JavaScript would be evaluated in the page, whose policy forbids that.
    it.locator("#model:not(:empty)").wait_for()
    yield it
    assert [error for error in errors if "status of 422" not in error] == []
    assert [url for url in asked if not url.startswith((service.url, "data:", "blob:"))] == []
    context.close()


def picture(page: Any, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_a_file_is_judged_as_the_api_judges_it(page: Any, service: Any, demo_clips: list[Path]) -> None:
    clip = demo_clips[0]
    page.set_input_files("#file", clip)
    page.wait_for_selector("#result:not([hidden])")
    answer = httpx.post(
        f"{service.url}/analyze",
        files={"file": clip.read_bytes()},
        data={"return_all_emotions": "true"},
        timeout=120,
    )
    data = answer.json()["data"]
    assert page.get_attribute("#emotion", "data-emotion") == data["emotion"]
    assert page.inner_text("#text") == data["text"]
    # Bars are of what the model can say.
    assert page.locator("#bars .bar").count() == 6 <= len(data["scores"])
    assert page.locator("#segments > span").count() == 1
    assert page.is_visible("#wave")
    assert "total" in page.inner_text("#facts")
    picture(page, "light")
    page.emulate_media(color_scheme="dark")
    picture(page, "dark")


def test_chunks_show_on_the_timeline(page: Any, demo_clips: list[Path]) -> None:
    page.click("summary")
    page.fill("#chunk", "0.7")
    page.select_option("#spoken", "en")
    page.set_input_files("#file", demo_clips[0])
    page.wait_for_selector("#result:not([hidden])")
    assert page.locator("#segments > span").count() > 1
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    picture(page, "narrow")


def test_what_is_no_audio_is_said_with_its_code(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("this is no audio at all, however long one looks at it")
    page.set_input_files("#file", file)
    page.wait_for_selector("#problem:not([hidden])")
    assert "not_audio" in page.inner_text("#problem code")
    picture(page, "problem")


def test_the_microphone(page: Any) -> None:
    judged, length_ms = page.locator("#result:not([hidden])"), 1500
    while not judged.is_visible():
        # A busy machine may have recorded next to nothing, which is said; then for longer.
        assert length_ms < PATIENCE_MS, page.inner_text("#problem")
        page.click("#record")
        page.wait_for_selector("#record.on")
        page.wait_for_timeout(length_ms)  # what is recorded; nothing is waited for
        page.click("#record")
        page.wait_for_selector("#result:not([hidden]), #problem:not([hidden])")
        length_ms *= 3
    assert page.get_attribute("#emotion", "data-emotion")


def test_the_other_language(page: Any, demo_clips: list[Path]) -> None:
    page.click("#language")
    page.set_input_files("#file", demo_clips[0])
    page.wait_for_selector("#result:not([hidden])")
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert "听声识情绪" in page.inner_text("h1")
    picture(page, "chinese")


def test_a_sample_is_judged_played_and_told_as_a_request(page: Any, service: Any) -> None:
    page.locator("#samples button").first.wait_for()
    assert page.locator("#samples button").count() == 5
    page.locator("[data-sample=en_f1_angry_01]").click()
    page.wait_for_selector("#result:not([hidden])")

    assert page.get_attribute("#emotion", "data-emotion")
    # Its samples reach the player.
    player = page.locator("#player").element_handle()
    for _ in range(PATIENCE_MS // 50):
        if player.evaluate("it => it.duration > 0.5"):
            break
        page.wait_for_timeout(50)
    assert player.evaluate("it => it.duration") == pytest.approx(1.9, abs=0.1)
    curl = page.inner_text("#curl")
    assert curl.startswith("curl -s -F 'file=@en_f1_angry_01.flac'")
    assert curl.endswith(f"'{service.url}/analyze'")
    # The bundled model can say five emotions, and has bars for them and unknown alone.
    labels = httpx.get(f"{service.url}/v1/models", timeout=120).json()["data"][0]["labels"]
    assert page.locator("#bars .bar").count() == len({*labels, "unknown"})
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "sample")


def test_what_went_wrong_is_gone_when_something_else_comes(
    page: Any, tmp_path: Path, demo_clips: list[Path]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("this is no audio at all, however long one looks at it")
    page.click("#language")
    page.set_input_files("#file", file)
    page.wait_for_selector("#problem:not([hidden])")
    assert page.inner_text("#problem strong") == "这些数据不是可解码的音频"

    page.set_input_files("#file", demo_clips[0])
    page.wait_for_selector("#result:not([hidden])")

    assert not page.is_visible("#problem")
    assert "推理" in page.inner_text("#facts")


def test_while_somebody_speaks_level_time_and_answers_so_far_are_seen(page: Any) -> None:
    page.click("#record")
    page.wait_for_selector("#record.on")
    live = page.locator("#live")
    page.locator("#live:not(:empty)").wait_for()

    assert page.is_visible("#meter")
    assert page.inner_text("#time").endswith(" s")
    assert live.inner_text().startswith("so far: ")
    picture(page, "live")
    page.click("#record")
    page.wait_for_selector("#result:not([hidden]), #problem:not([hidden])")
    assert not page.is_visible("#level")


def test_every_error_has_chinese_words_and_the_policy_names_its_own_program_alone(service: Any) -> None:
    from sv_eval.wire.problems import CODES

    answer = httpx.get(service.url, timeout=120)

    assert all(f'{word}: "' in answer.text for word in CODES)
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert policy.count("sha256-") == 2


def test_only_the_samples_are_served(service: Any) -> None:
    told = httpx.get(f"{service.url}/samples", timeout=120).json()["samples"]

    assert {one["emotion"] for one in told} == {"angry", "happy", "sad", "surprised", "neutral"}
    first = httpx.get(f"{service.url}/samples/{told[0]['name']}", timeout=120)
    assert (first.headers["content-type"], first.content[:4]) == ("audio/flac", b"fLaC")
    for name in ("en_f1_angry_02", "..%2fmanifest.csv", "%2e%2e"):
        assert httpx.get(f"{service.url}/samples/{name}", timeout=120).status_code == 404
