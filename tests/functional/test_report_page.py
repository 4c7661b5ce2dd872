"""The page of a run in a real browser: as a file that asks nobody for anything, and served with its clips."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sv_eval.finished.rescore import rescore
from sv_eval.report.run_directory import read_report
from sv_eval.studies.view.leaderboard import board_of, board_page
from sv_eval.studies.view.served_run import ServedRun
from sv_eval.studies.view.server import ReportServer
from tests.functional.hostile_words import PAYLOADS

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)"),
    pytest.mark.filterwarnings("default"),
]
PICTURES = os.environ.get("SV_EVAL_PICTURES")
"""A folder for screenshots; none are made without it."""
PATIENCE_MS = 300_000


@pytest.fixture(scope="module")
def assets() -> ModuleType:
    """tests/page_assets.py, which is a script."""
    spec = importlib.util.spec_from_file_location("page_assets", REPOSITORY / "tests" / "page_assets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.installed():
        pytest.skip("what pages are built from is not installed (make page)")
    return module


def test_the_program_that_travels_along_is_what_its_sources_give(assets: ModuleType, tmp_path: Path) -> None:
    assets.build(tmp_path)

    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert built == {path.name: path.read_bytes() for path in assets.ASSETS.iterdir()}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        it = playwright.chromium.launch(
            executable_path=CHROMIUM,
            timeout=PATIENCE_MS,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield it
        it.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A run of the bundled model on the bundled clips, with the sound of those that it got wrong in its page."""
    directory = tmp_path_factory.mktemp("pages") / "run"
    # The browser's library has an event loop in this process.
    command = [sys.executable, "-m", "sv_eval", f"hydra.run.dir={directory}", "report.audio=worst"]
    subprocess.run(command, env=environment, cwd=directory.parent, capture_output=True, timeout=1800, check=True)
    return directory


class Opened:
    """A page, and what it did beside being looked at."""

    def __init__(self, browser: Any, url: str, **context: Any) -> None:
        options = {"locale": "en-GB", "color_scheme": "light", "viewport": {"width": 1280, "height": 900}} | context
        self._context = browser.new_context(**options)
        self._context.set_default_timeout(PATIENCE_MS)
        self.page = self._context.new_page()
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console", lambda one: self.errors.append(one.text) if one.type in ("error", "warning") else None
        )
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)
        self.page.locator("html[data-ready=yes]").wait_for()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def strangers(self, *own: str) -> list[str]:
        """What was asked for that is neither the page itself nor of its own making."""
        return [url for url in self.asked[1:] if not url.startswith((*own, "data:", "blob:"))]

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_a_cell_of_the_matrix_lists_exactly_its_clips_and_the_first_one_plays(browser: Any, run: Path) -> None:
    records = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    pairs = Counter((one["clip"]["reference"], one["prediction"]["label"]) for one in records)
    (reference, answer), n = max(
        (item for item in pairs.items() if item[0][0] != item[0][1]), key=lambda item: item[1]
    )
    expected = [
        one["clip"]["id"]
        for one in records
        if (one["clip"]["reference"], one["prediction"]["label"]) == (reference, answer)
    ]
    with Opened(browser, (run / "report.html").as_uri()) as it:
        it.page.get_by_role("button", name=f"{reference} answered as {answer}: {n} clips").click()
        rows = it.page.locator(".canvas [role=row]")

        assert rows.count() == n
        assert it.page.locator(".canvas .c-id").all_inner_texts() == sorted(expected)
        assert f"{n} of {len(records)} clips" in it.page.inner_text(".clips")

        rows.first.press("Enter")
        it.page.locator(".player[data-ready=yes]").wait_for()
        it.page.get_by_role("button", name="Play").click()
        # Its samples have reached the audio element, and time goes by.
        it.page.locator(".time", has_text="0.0").wait_for(state="hidden")
        it.picture("cell")
        assert it.errors == []
        assert it.strangers() == []


def test_the_table_is_walked_by_keys(browser: Any, run: Path) -> None:
    with Opened(browser, (run / "report.html").as_uri()) as it:
        it.page.locator(".canvas [role=row]").first.focus()
        for key in ("ArrowDown", "ArrowDown", "End", "Home", "ArrowDown"):
            it.page.keyboard.press(key)
        it.page.keyboard.press("Enter")
        ids = it.page.locator(".canvas .c-id").all_inner_texts()

        assert it.page.inner_text("#clip-title") == ids[1]

        it.page.keyboard.press("Escape")
        assert it.page.locator(".drawer").is_hidden()
        assert it.page.locator(":focus .c-id").inner_text() == ids[1]
        assert it.errors == []


def test_filters_meet_and_are_cleared(browser: Any, run: Path) -> None:
    records = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    fast = [one for one in records if one["clip"]["speaker"] == "en_f1" and one["latency_ms"] <= 3]
    with Opened(browser, (run / "report.html").as_uri()) as it:
        it.page.select_option("[name=speaker]", "en_f1")
        it.page.fill("[name=latency_to]", "3")
        assert f"{len(fast)} of {len(records)} clips" in it.page.inner_text(".clips")
        it.page.fill("[name=text]", "no clip says this")
        assert "No clip is like that." in it.page.inner_text(".clips .empty")
        it.page.get_by_role("button", name="Clear").click()
        assert f"{len(records)} of {len(records)} clips" in it.page.inner_text(".clips")
        it.page.get_by_role("button", name="Latency, ms").click()
        shown = [float(text) for text in it.page.locator(".canvas .c-latency").all_inner_texts()]
        assert shown == sorted(shown)
        assert it.errors == []


@pytest.mark.parametrize(
    ("scheme", "locale"), [("light", "en-GB"), ("dark", "en-GB"), ("light", "zh-CN"), ("dark", "zh-CN")]
)
def test_nobody_is_kept_out(browser: Any, run: Path, assets: ModuleType, scheme: str, locale: str) -> None:
    context = {"locale": locale, "color_scheme": scheme, "viewport": {"width": 390, "height": 844}}
    # Its own policy forbids what is no program of the page, such as this examiner.
    with Opened(browser, (run / "report.html").as_uri(), bypass_csp=True, **context) as it:
        it.page.add_script_tag(path=assets.MODULES / "axe-core" / "axe.min.js")
        assert it.page.evaluate("document.documentElement.scrollWidth") <= 390
        it.picture(f"narrow-{scheme}-{locale}")
        it.page.set_viewport_size({"width": 1280, "height": 900})
        found = it.page.evaluate("axe.run().then((found) => found.violations)")
        it.page.locator(".canvas [role=row]").first.click()
        found += it.page.evaluate("axe.run('.drawer').then((found) => found.violations)")
        it.picture(f"wide-{scheme}-{locale}")

        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []


def test_hostile_words_stay_words(browser: Any, run: Path, tmp_path: Path) -> None:
    directory = hostile(run, tmp_path / "hostile")
    with Opened(browser, (directory / "report.html").as_uri()) as it:
        elements = it.page.evaluate(
            "document.querySelectorAll('script, img, iframe, object, embed, svg, form, base, link').length"
        )
        for row in range(len(PAYLOADS)):
            it.page.keyboard.press("Escape")
            it.page.locator(f".canvas [data-row='{row}']").click(timeout=PATIENCE_MS)
            it.page.locator(".drawer:not([hidden])").wait_for()
            it.page.locator(".drawer summary").click()
        after = it.page.evaluate(
            "document.querySelectorAll('script, img, iframe, object, embed, svg, form, base, link').length"
        )

        assert it.page.evaluate("window.broken") is None
        assert after == elements
        assert "<img src=x onerror=window.broken=1>" in it.page.locator(".filters [name=speaker]").inner_text()
        assert it.errors == []
        assert it.strangers() == []


def hostile(run: Path, to: Path) -> Path:
    """The run with payloads for everything that strangers say."""
    to.mkdir()
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    del environment["run_id"]
    environment["backend"]["model"] = PAYLOADS[0]
    environment["dataset"]["title"] = PAYLOADS[2]
    (to / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
    with (to / "records.jsonl").open("w", encoding="utf-8") as file:
        for number, text in enumerate(PAYLOADS):
            record = json.loads(lines[number])
            del record["seal"]
            record["clip"] |= {
                "id": f"{number:02d}{text}",
                "path": text,
                "speaker": text,
                "transcript": text,
                "language": text,
            }
            if number % 3:
                record["prediction"] |= {"text": text, "raw_answer": text, "event": text}
            else:
                del record["prediction"]
                record |= {"outcome": "FAILURE", "failure": {"kind": text, "message": text, "attempts": 1}}
            file.write(json.dumps(record) + "\n")
    rescore(to, environment["config"])
    return to


def test_a_served_page_has_every_clip_to_hear(browser: Any, run: Path) -> None:
    with ReportServer([ServedRun(run)]) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        with Opened(browser, server.address) as it:
            right = it.page.locator(".canvas [role=row]", has=it.page.locator(".mark.right")).first
            right.click()
            it.page.locator(".player[data-ready=yes]").wait_for()

            assert read_report(run).run.n_clips == len(
                (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
            )
            assert it.errors == []
            assert it.strangers(server.address) == []
            assert [url for url in it.asked if "/clip/" in url] != []
        server.shutdown()


def test_two_runs_lead_to_the_clips_that_only_one_got_right(
    browser: Any, run: Path, assets: ModuleType, tmp_path: Path, environment: dict[str, str]
) -> None:
    other = tmp_path / "other"
    command = [sys.executable, "-m", "sv_eval", "backend=fake", "dataset=demo", f"hydra.run.dir={other}"]
    subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=1800, check=True)
    board = board_of((run, other))
    front = board_page(board, language="en", served=True).encode()
    with ReportServer([ServedRun(one) for one in board.directories], front=front) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        with Opened(browser, server.address) as it:
            it.picture("runs")
            first = it.page.locator(".clip-list li").first
            clip = first.locator("code").inner_text()
            first.locator("a").last.click()
            it.page.locator(".player[data-ready=yes]").wait_for()

            assert it.page.inner_text("#clip-title") == clip
            assert it.page.locator(".drawer .mark.wrong").count() == 1
            assert it.errors == []
            assert it.strangers(server.address) == []
        with Opened(browser, server.address, bypass_csp=True, color_scheme="dark", locale="zh-CN") as it:
            it.page.add_script_tag(path=assets.MODULES / "axe-core" / "axe.min.js")
            found = it.page.evaluate("axe.run().then((found) => found.violations)")

            assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []
        server.shutdown()


def test_view_ends_at_once_when_it_is_asked_to(run: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "sv_eval.view", str(run)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=_hears_interrupts
    ) as it:
        assert it.stdout is not None
        address = it.stdout.readline().strip()
        with urllib.request.urlopen(address, timeout=PATIENCE_MS / 1000) as page:
            assert page.read().startswith(b"<!doctype html>")
        it.send_signal(signal.SIGINT)

        assert it.wait(timeout=PATIENCE_MS / 1000) == 0


def _hears_interrupts() -> None:
    """What is started in the background may have been told not to."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def drawn(page: Any) -> None:
    """Waits until the page has shown what it was told: a busy machine draws late."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")


def test_the_plots_lead_to_clips(browser: Any, run: Path) -> None:
    with Opened(browser, (run / "report.html").as_uri()) as it:
        over = it.page.locator("#latency-panel .u-over")
        over.scroll_into_view_if_needed()
        box = over.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        it.page.mouse.move(box["x"] + box["width"] * 0.1, middle)
        it.page.mouse.down()
        it.page.mouse.move(box["x"] + box["width"] * 0.4, middle, steps=5)
        it.page.mouse.up()
        it.page.wait_for_function("document.querySelector('[name=latency_to]').value !== ''")
        drawn(it.page)
        bounds = [float(it.page.input_value(f"[name=latency_{side}]")) for side in ("from", "to")]
        shown = [float(text) for text in it.page.locator(".canvas .c-latency").all_inner_texts()]
        assert bounds[0] < bounds[1]
        assert shown
        assert all(bounds[0] - 0.01 <= value <= bounds[1] + 0.01 for value in shown)

        it.page.get_by_role("tab", name="Over time").click()
        points = it.page.locator("#latency-panel .u-over")
        points.scroll_into_view_if_needed()
        spot = it.page.evaluate(
            "(() => { const box = document.querySelector('#latency-panel .u-over').getBoundingClientRect(); "
            "return [box.x + 2, box.y, box.height]; })()"
        )
        for step in range(0, int(spot[2]), 8):
            it.page.mouse.click(spot[0], spot[1] + step)
            drawn(it.page)
            if it.page.locator(".drawer:not([hidden])").count():
                break
        # The first call of the run lies at the plot's left edge.
        records = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
        earliest = sorted(records, key=lambda one: one["sent_s"])[:12]
        assert it.page.inner_text("#clip-title") in {one["clip"]["id"] for one in earliest}
        assert it.errors == []


def test_the_other_language_and_light_keep_what_was_chosen(browser: Any, run: Path) -> None:
    with Opened(browser, (run / "report.html").as_uri()) as it:
        it.page.select_option("[name=reference]", "sad")
        it.page.get_by_role("button", name="Latency, ms").click()
        it.page.locator(".canvas [role=row]").first.click()
        before = it.page.locator(".canvas .c-id").all_inner_texts()
        opened = it.page.inner_text("#clip-title")
        light = it.page.evaluate("getComputedStyle(document.body).backgroundColor")

        for press in ("中文", "深色"):
            # The opened clip may lie over the buttons.
            it.page.get_by_role("button", name=press, exact=True).dispatch_event("click")

        assert it.page.get_attribute("html", "lang") == "zh-CN"
        assert it.page.inner_text("h1") == "onnx 在 demo 上的评测"
        assert it.page.locator(".canvas .c-id").all_inner_texts() == before
        assert it.page.inner_text("#clip-title") == opened
        assert it.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
        assert it.errors == []


def test_thresholds_are_shown_for_the_emotion_that_is_chosen(browser: Any, run: Path) -> None:
    operating = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["operating"]["per_emotion"]
    with Opened(browser, (run / "report.html").as_uri()) as it:
        card = it.page.locator("section[aria-labelledby=scores-title]")
        areas = card.locator(".range").all_inner_texts()
        for label, text in zip(operating, areas, strict=False):
            assert f"{100 * operating[label]['average_precision']['value']:.1f} %" in text
        for label in ("happy", "sad"):
            card.locator("select").select_option(label)
            rows = card.locator(".points tbody tr").all_inner_texts()
            for text, point in zip(rows, operating[label]["points"], strict=True):
                assert f"{100 * point['recall']['value']:.1f} %" in text
        for name in ("precision_recall", "roc", "risk"):
            card.locator(f"#scores-{name}").click()
            assert card.locator(".plot canvas").count() == 1
        it.picture("scores")
        assert it.errors == []
