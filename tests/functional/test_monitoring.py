"""The dashboard and the alert rules of docker/, held against a real Prometheus that reads a service of ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

Serve = Callable[..., Any]
DOCKER = Path(__file__).resolve().parents[2] / "docker"
BOARD = json.loads((DOCKER / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
QUERIES = [(panel["title"], target["expr"]) for panel in BOARD["panels"] for target in panel["targets"]]
PATIENCE_S = 300

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Prometheus is not installed (apt-get install prometheus)"
)


@pytest.fixture(scope="module")
def thresholds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thresholds of one's own, so that alarms are counted."""
    file = tmp_path_factory.mktemp("thresholds") / "thresholds.json"
    told = {"kind": "sv_eval thresholds", "schema_version": 1, "thresholds": {"angry": 0.5, "sad": 0.999999}}
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def service(serving: Serve, thresholds: Path) -> Iterator[Any]:
    with serving(f"thresholds={thresholds}") as it:
        yield it


@pytest.fixture(scope="module")
def prometheus(service: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus with docker/'s own configuration, but for where the service is and how often it looks."""
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copy(DOCKER / "alerts.yml", folder)
    config = yaml.safe_load((DOCKER / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [service.url.removeprefix("http://")]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    log = folder / "log.txt"
    with log.open("w") as said:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
             "--web.listen-address=127.0.0.1:0"],
            stderr=said, cwd=folder,
        )  # fmt: skip
    try:
        address = ""
        until = time.monotonic() + PATIENCE_S
        while not address:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until
            found = re.search(r'msg="Listening on" address=(\S+)', log.read_text())
            address = found[1] if found else ""
            time.sleep(0.05)
        with httpx.Client(base_url=f"http://{address}/api/v1", timeout=PATIENCE_S) as client:
            yield client
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def asked(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    done = client.get("/query", params={"query": query}).json()
    assert done["status"] == "success", (query, done)
    found: list[dict[str, Any]] = done["data"]["result"]
    return found


def test_every_query_of_the_dashboard_finds_something(
    prometheus: httpx.Client, service: Any, demo_clips: list[Path]
) -> None:
    written = {re.sub(r"\$__(rate_interval|range)", "5m", query): title for title, query in QUERIES}
    until, open_ones = time.monotonic() + PATIENCE_S, dict(written)
    with httpx.Client(base_url=service.url, timeout=PATIENCE_S) as client:
        while open_ones:
            assert time.monotonic() < until, open_ones
            for clip in demo_clips[:3]:
                content = clip.read_bytes()
                client.post("/analyze", files={"file": content})
            # Of telephone's rate, which no speech model is made for.
            client.post("/upload", files={"file": narrow(demo_clips[0])})
            open_ones = {
                query: title
                for query, title in open_ones.items()
                if not any(float(one["value"][1]) == float(one["value"][1]) for one in asked(prometheus, query))
            }
    assert len(written) > 10


def narrow(clip: Path) -> bytes:
    """The clip at 8 kHz."""
    import io

    import soundfile

    samples, rate = soundfile.read(clip)
    made = io.BytesIO()
    soundfile.write(made, samples[:: rate // 8000], 8000, format="WAV")
    return made.getvalue()


def test_all_rules_are_evaluated_and_fire_when_they_should(prometheus: httpx.Client, tmp_path: Path) -> None:
    told = yaml.safe_load((DOCKER / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    until = time.monotonic() + PATIENCE_S
    while True:
        (group,) = prometheus.get("/rules").json()["data"]["groups"]
        if all(rule["health"] == "ok" for rule in group["rules"]):
            break
        assert time.monotonic() < until, group
        time.sleep(0.1)
    assert [rule["name"] for rule in group["rules"]] == [rule["alert"] for rule in told]
    # On a busy machine a look may come too late, which makes an alert pending.
    quiet = ("SvEvalDown", "SvEvalNotReady", "SvEvalErrors", "SvEvalRefuses")
    assert all(rule["state"] != "firing" for rule in group["rules"] if rule["name"] in quiet)

    job = 'job="sv-eval", instance="a:8000"'
    series = {
        "SvEvalDown": {f"up{{{job}}}": "0x60"},
        "SvEvalNotReady": {f"sv_eval_ready{{{job}}}": "0x60"},
        "SvEvalErrors": {
            f'sv_eval_requests_total{{{job}, code="ok", path="/analyze"}}': "0+90x60",
            f'sv_eval_requests_total{{{job}, code="inference_failed", path="/analyze"}}': "0+10x60",
        },
        "SvEvalRefuses": {
            f'sv_eval_requests_total{{{job}, code="ok", path="/analyze"}}': "0+90x60",
            f'sv_eval_requests_total{{{job}, code="overloaded", path="/analyze"}}': "0+10x60",
        },
        "SvEvalSlow": {
            f'sv_eval_request_seconds_bucket{{{job}, path="/analyze", le="1"}}': "0+50x60",
            f'sv_eval_request_seconds_bucket{{{job}, path="/analyze", le="5"}}': "0+100x60",
            f'sv_eval_request_seconds_bucket{{{job}, path="/analyze", le="+Inf"}}': "0+100x60",
        },
        "SvEvalUnsure": {f"sv_eval_unknown_share{{{job}}}": "0.5x60"},
        "SvEvalSound": {
            f'sv_eval_sound_concerns_total{{{job}, concern="narrow"}}': "0+60x60",
            f"sv_eval_sound_band_hz_count{{{job}}}": "0+100x60",
        },
    }
    assert {*series} == {rule["alert"] for rule in told}
    shutil.copy(DOCKER / "alerts.yml", tmp_path)
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in given.items()],
            # promtool compares whole alerts; that one fires and no other does is asked of its own series.
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})', "eval_time": "59m",
                    "exp_samples": [{"labels": "{}", "value": 1}],
                },
                {
                    "expr": f'count(ALERTS{{alertname!="{alert}"}}) or vector(0)', "eval_time": "59m",
                    "exp_samples": [{"labels": "{}", "value": 0}],
                },
            ],
        }
        for alert, given in series.items()
    ]  # fmt: skip
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["alerts.yml"], "tests": tests}), encoding="utf-8")

    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_are_numbered_named_and_side_by_side() -> None:
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_compose_and_kubernetes_fit_their_schemas() -> None:
    compose = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DOCKER / "compose.yaml")]
    for words in (compose, ["kubernetes-validate", "--strict", str(DOCKER / "kubernetes.yaml")]):
        done = subprocess.run(
            [str(Path(sys.executable).with_name(words[0])), *words[1:]], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
