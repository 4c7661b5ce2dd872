"""Arousal, valence and dominance from an answer to a verdict: in process, over the service, re-scored and gated."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sv_eval.record_file.lines import RECORDS
from sv_eval.report.run_directory import METRICS, REPORT
from tests.functional.inside import inside
from tests.functional.remote.conftest import PATIENT, address

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PLUGIN = """\
import numpy as np
from sv_eval.backend import BackendInfo, Capabilities
from sv_eval.records import Prediction


class Loud:
    '''Tells arousal by loudness, from 0 to 1, and valence that is always the same.'''

    def __init__(self, **settings):
        pass

    @property
    def capabilities(self):
        return Capabilities(labels=(), streams=True, dimensions={"arousal": (0.0, 1.0), "valence": (-1.0, 1.0)})

    @property
    def info(self):
        return BackendInfo(name="loud", model="loudness")

    async def __aenter__(self):
        return self

    async def __aexit__(self, *reason):
        pass

    async def recognize(self, requests):
        return [judged(request.waveform.samples) for request in requests]

    async def stream(self, chunks, **how):
        return judged(np.concatenate([chunk async for chunk in chunks]))


def judged(samples):
    level = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    return Prediction(dimensions={"arousal": round(min(1.0, 4 * level), 4), "valence": 0.25})
"""
LOUD = ("backend=fake", "backend._target_=loud_backend.Loud")
PLANTED = (
    "backend=fake", "dataset=simulated", "dataset.dimensions={arousal: [1, 7], valence: [1, 7]}",
    "backend.dimensions={arousal: {ccc: 0.6, range: [0, 1], reference_range: [1, 7]}, "
    "valence: {ccc: 0.3, range: [-1, 1], reference_range: [1, 7]}}",
)  # fmt: skip


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`call(*arguments)` is `python -m sv_eval ARGUMENTS` in the test's own folder, but within this process."""
    return partial(inside, cwd=tmp_path)


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with a recogniser of dimensions alone."""
    folder = tmp_path_factory.mktemp("loud")
    (folder / "loud_backend.py").write_text(PLUGIN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, demo_clips: list[Path]) -> tuple[str, ...]:
    """The bundled clips in a list with references of dimensions, and the settings that read it."""
    table = tmp_path_factory.mktemp("listed") / "clips.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "emotion", "speaker", "arousal", "valence"])
        for place, path in enumerate(demo_clips):
            rows.writerow([path.name, "", f"s{place % 4}", 1 + place % 5, 2.5])
    return (
        "dataset=manifest", f"dataset.manifest.file={table}", f"dataset.root={demo_clips[0].parent}",
        "dataset.dimensions={arousal: [1, 5], valence: [1, 5]}",
    )  # fmt: skip


@pytest.fixture(scope="module")
def service(serving: Callable[..., Any], environment: dict[str, str], loud: Path) -> Iterator[Any]:
    path = f"{environment['PYTHONPATH']}:{loud}"
    with serving(*LOUD, "serve.grpc_port=0", PYTHONPATH=path) as it:
        yield it


def told(run: Path) -> dict[str, Any]:
    """The dimensions of a run's metrics.json."""
    return json.loads((run / METRICS).read_text(encoding="utf-8"))["dimensions"]


def answers(run: Path) -> dict[str, Any]:
    """Each clip's dimensions as the record has them."""
    lines = map(json.loads, (run / RECORDS).read_text(encoding="utf-8").splitlines())
    return {line["clip"]["id"]: line["prediction"].get("dimensions") for line in lines}


def test_a_planted_concordance_is_measured_and_scored_again(call: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"

    ended = call(*PLANTED, f"hydra.run.dir={run}")

    assert ended.returncode == 0, ended.stderr
    first = told(run)
    for name, planted in (("arousal", 0.6), ("valence", 0.3)):
        ccc = first["figures"][name]["ccc"]
        assert ccc["low"] <= planted <= ccc["high"]
        assert (run / "figures" / f"dimension_{name}.svg").is_file()
    assert "## Arousal, valence, dominance" in (run / REPORT).read_text(encoding="utf-8")
    assert call(str(run), "report.language=zh", module="sv_eval.score").returncode == 0
    assert told(run) == first
    assert "唤醒度" in (run / REPORT).read_text(encoding="utf-8")
    assert call(str(run), module="sv_eval.verify").returncode == 0


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)")
@pytest.mark.filterwarnings("default")
def test_the_page_leads_from_a_point_of_the_scatter_to_its_clip(call: Any, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    run = tmp_path / "run"
    assert call(*PLANTED, "dataset.simulated.n_clips=60", f"hydra.run.dir={run}").returncode == 0
    lines = map(json.loads, (run / RECORDS).read_text(encoding="utf-8").splitlines())
    most = max(lines, key=lambda line: line["clip"]["dimensions"]["arousal"])
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto((run / "report.html").as_uri())
        shown = page.locator("section[aria-labelledby=dimensions-title]")
        over = shown.locator(".u-over").first
        over.scroll_into_view_if_needed()
        text, box = shown.inner_text(), over.bounding_box()
        assert box is not None
        # The highest reference lies furthest to the right: somewhere on the way down it is the nearest.
        low, high = told(run)["figures"]["arousal"]["reference_range"]
        reach = 1.04 * (high - low)
        across = (most["clip"]["dimensions"]["arousal"] - low + 0.02 * (high - low)) / reach
        answer = low + most["prediction"]["dimensions"]["arousal"] * (high - low)
        up = (answer - low + 0.02 * (high - low)) / reach
        page.mouse.click(box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"])
        opened = page.locator(".drawer:not([hidden])").inner_text()

    assert most["clip"]["id"] in opened
    assert f"reference {most['clip']['dimensions']['arousal']}" in opened
    assert f"{told(run)['figures']['arousal']['ccc']['value']:.3f}" in text


FORMS = {
    "JSON": ("remote", "http", True),
    "flat": ("remote/service_flat", "http", True),
    "websocket": ("remote/service_websocket", "ws", False),
    "gRPC stream": ("remote/service_grpc_stream", "grpc", False),
}
"""The setting, the scheme, and whether the service says of which ranges its numbers are."""


@pytest.fixture(scope="module")
def in_process(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], loud: Path, listed: tuple[str, ...]
) -> Path:
    """The run of the same recogniser without a service in between."""
    folder = tmp_path_factory.mktemp("in_process")
    command = [sys.executable, "-m", "sv_eval", *LOUD, *listed, "dataset.limit=8", "hydra.run.dir=run"]
    path = f"{environment['PYTHONPATH']}:{loud}"
    subprocess.run(command, cwd=folder, env={**environment, "PYTHONPATH": path}, check=True, capture_output=True)
    return folder / "run"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_service_carries_what_the_recogniser_tells(
    form: str, service: Any, in_process: Path, listed: tuple[str, ...], call: Any, tmp_path: Path
) -> None:
    dialect, scheme, says = FORMS[form]
    declared = () if says else ("backend.dimensions={arousal: [0, 1], valence: [-1, 1]}",)

    ended = call(
        f"backend={dialect}", f"backend.url={address(service, scheme)}", *declared, *listed,
        "dataset.limit=8", "hydra.run.dir=run", PATIENT,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert answers(tmp_path / "run") == answers(in_process)
    assert told(tmp_path / "run")["figures"] == told(in_process)["figures"]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)")
@pytest.mark.filterwarnings("default")
def test_the_services_page_shows_them(service: Any, in_process: Path, demo_clips: list[Path]) -> None:
    from playwright.sync_api import sync_playwright

    first = answers(in_process)
    clip = next(path for path in demo_clips if any(path.stem in name for name in first))
    value = next(told for name, told in first.items() if clip.stem in name)["arousal"]
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page()
        page.goto(address(service, "http"))
        page.set_input_files("#file", clip)
        page.locator("#result:not([hidden])").wait_for()
        text = page.locator("#dimensions").inner_text()
        shown = page.locator("#posterior").is_visible(), page.inner_text("#emotion")

    assert "arousal (0 … 1)" in text
    assert f"{value:.2f}" in text
    assert shown == (False, "")


def test_a_recogniser_of_dimensions_alone_is_judged_by_them(in_process: Path) -> None:
    report = (in_process / REPORT).read_text(encoding="utf-8")

    found = told(in_process)["figures"]

    assert found["arousal"]["answer_range"] == [0.0, 1.0]
    assert found["valence"]["ccc"]["value"] is None or found["valence"]["ccc"]["value"] == 0.0
    assert "Nothing could be scored" not in report
    assert "**Arousal: CCC" in report
    assert "| CCC, Arousal |" in report
    assert report.index("## Arousal, valence, dominance") < report.index("## Per emotion")


def test_runs_of_dimensions_alone_are_compared_and_gated_by_them(
    in_process: Path, listed: tuple[str, ...], environment: dict[str, str], loud: Path, call: Any, tmp_path: Path
) -> None:
    path = f"{environment['PYTHONPATH']}:{loud}"
    command = [sys.executable, "-m", "sv_eval", *LOUD, *listed, "dataset.limit=8", "hydra.run.dir=again"]
    subprocess.run(command, cwd=tmp_path, env={**environment, "PYTHONPATH": path}, check=True, capture_output=True)

    gated = call(
        f"baseline={in_process}", "candidate=again", "gate=none", "gate.name=own", "gate.margins.ccc.arousal=0.1",
        "out=gated", module="sv_eval.gate",
    )  # fmt: skip
    compared = call(str(in_process), "again", "out=compared", module="sv_eval.compare")

    assert gated.returncode == 0, gated.stderr
    assert "8 clips of both runs compared" in gated.stdout
    assert compared.returncode == 0, compared.stderr
    assert "CCC of arousal" in compared.stdout
    report = (tmp_path / "compared" / "compare.md").read_text(encoding="utf-8")
    assert "**CCC of arousal " in report
    assert "UAR (mean recall)" not in report


def test_numbers_of_a_range_that_nobody_declared_are_not_scored(
    service: Any, listed: tuple[str, ...], call: Any, tmp_path: Path
) -> None:
    ended = call(
        "backend=remote/service_grpc", f"backend.url={address(service, 'grpc')}", *listed, "dataset.limit=3",
        "hydra.run.dir=run", PATIENT,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    found = told(tmp_path / "run")
    assert found["figures"] == {}
    assert "does not declare its range" in found["left"]["arousal"]


def test_a_list_without_declared_ranges_is_read_and_says_what_it_leaves(
    listed: tuple[str, ...], call: Any, tmp_path: Path
) -> None:
    ended = call("backend=fake", *listed[:-1], "dataset.limit=3", "hydra.run.dir=run")

    assert ended.returncode == 0, ended.stderr
    assert "nobody declared their ranges: arousal, valence" in (tmp_path / "run" / REPORT).read_text(
        encoding="utf-8"
    )


def test_a_gate_holds_the_concordance_against_a_run_and_against_its_baseline_file(
    call: Any, tmp_path: Path
) -> None:
    better = PLANTED[-1].replace("ccc: 0.3", "ccc: 0.9")
    for name, dimensions in (("before", better), ("after", PLANTED[-1])):
        assert call(*PLANTED[:-1], dimensions, f"hydra.run.dir={tmp_path / name}").returncode == 0
    assert call("save", "before", "kept.json", module="sv_eval.baseline").returncode == 0
    rules: dict[str, list[Any]] = {}
    for baseline in ("before", "kept.json"):
        ended = call(
            "candidate=after", f"baseline={baseline}", "gate=quality", "gate.margins.ccc=0.1",
            "gate.floors.ccc.arousal=0.4", f"out={tmp_path / 'out'}", module="sv_eval.gate",
        )  # fmt: skip
        assert ended.returncode == 3, ended.stderr
        found = json.loads((tmp_path / "out" / "gate.json").read_text(encoding="utf-8"))["rules"]
        rules[baseline] = [rule for rule in found if ":ccc:" in rule["rule"]]

    of_run, of_file = ({rule["rule"]: rule["verdict"] for rule in found} for found in rules.values())
    assert (
        of_run
        == of_file
        == {"margin:ccc:arousal": "pass", "margin:ccc:valence": "fail", "floor:ccc:arousal": "pass"}
    )


FEELS = {
    "angry": (6.2, 2.0), "happy": (5.6, 6.2), "fearful": (5.2, 2.4), "disgusted": (4.2, 2.2), "neutral": (3.2, 4.2),
    "sad": (1.8, 2.6),
}  # fmt: skip
"""Arousal and valence, 1 to 7, that an emotion is taken to have: no corpus with ratings may be had for a test."""


@pytest.mark.slow
def test_ridge_regression_learns_arousal_from_other_speakers_of_real_recordings(
    call: Any, tmp_path: Path, emodb_root: Path
) -> None:
    """Simulated ratings of real sound: an emotion's own, and what one rater differs from another."""
    with (tmp_path / "rated.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "emotion", "speaker", "arousal", "valence"])
        letters = {"W": "angry", "F": "happy", "A": "fearful", "E": "disgusted", "N": "neutral", "T": "sad"}
        rng = np.random.default_rng(0)
        for path in sorted(emodb_root.rglob("*.wav")):
            emotion = letters.get(path.stem[5])
            if emotion is not None:
                rated = np.clip(np.array(FEELS[emotion]) + rng.normal(0, 0.7, 2), 1, 7).round(2)
                rows.writerow([path.relative_to(emodb_root), emotion, path.stem[:2], *rated.tolist()])

    ended = call(
        "backend=egemaps_ridge", "dataset=manifest", "dataset.manifest.file=rated.csv",
        f"dataset.root={emodb_root}", "dataset.dimensions={arousal: [1, 7], valence: [1, 7]}", "hydra.run.dir=run",
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    found = told(tmp_path / "run")["figures"]
    report = (tmp_path / "run" / REPORT).read_text(encoding="utf-8")
    # See docs/dimensions.md: arousal is what these features hear, valence less so.
    assert 0.75 <= found["arousal"]["ccc"]["value"] <= 0.95
    assert found["arousal"]["ccc"]["value"] > found["valence"]["ccc"]["value"]
    assert "leave one speaker out" in report
    assert "no commercial use" in report
