"""`python -m sv_eval.export`: what other tools read of a run is what the run measured."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from prometheus_client.parser import text_string_to_metric_families

from sv_eval.cli.main import command
from sv_eval.finished.exports.benchmark_json import stats_of
from tests.old_runs import unseal

main = command("export")
score_main = command("score")

Call = Callable[..., Any]


@pytest.fixture
def run(call: Call, tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    done = call(
        "backend=fake", "backend.latency.p50_ms=2", "backend.latency.p95_ms=5", "backend.failure_rate=0.05",
        "dataset=simulated", "dataset.simulated.n_clips=200", "load.rounds=2", f"hydra.run.dir={directory}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return directory


def export(run: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sv_eval.export", str(run), *words]
    return subprocess.run(command, env=environment, cwd=run.parent, capture_output=True, text=True)


def test_every_format_holds_what_the_run_measured(run: Path, environment: dict[str, str]) -> None:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))

    done = export(run, environment)

    assert done.returncode == 0, done.stderr
    out = run / "exports"
    p50, p95 = (metrics["latency_ms"][name]["value"] for name in ("p50", "p95"))
    # pytest-benchmark
    whole = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))["benchmarks"][0]
    assert whole["stats"]["rounds"] == metrics["latency_ms"]["n_calls"]
    assert whole["stats"]["median"] * 1000 == pytest.approx(p50, rel=0.02)
    assert whole["extra_info"]["uar"] == metrics["accuracy"]["uar"]["value"]
    # HdrHistogram
    total = HdrHistogram(1, 3_600_000_000, 3)
    reader = HistogramLogReader(str(out / "latency.hlog"), HdrHistogram(1, 3_600_000_000, 3))
    while (interval := reader.get_next_interval_histogram()) is not None:
        total.add(interval)
    reader.input_file.close()
    assert total.get_total_count() == metrics["latency_ms"]["n_calls"]
    assert total.get_value_at_percentile(95) / 1000 == pytest.approx(p95, rel=0.01)
    # Prometheus
    found = {
        (sample.name, sample.labels.get("quantile"), sample.labels.get("emotion")): sample.value
        for family in text_string_to_metric_families((out / "metrics.prom").read_text(encoding="utf-8"))
        for sample in family.samples
    }
    assert found["sv_eval_uar", None, None] == pytest.approx(metrics["accuracy"]["uar"]["value"])
    assert found["sv_eval_latency_seconds", "0.95", None] == pytest.approx(p95 / 1000)
    recall = metrics["per_emotion"]["happy"]["recall"]["value"]
    assert found["sv_eval_recall", None, "happy"] == pytest.approx(recall)
    calibration, operating = metrics["calibration"], metrics["operating"]["per_emotion"]
    scores = {
        (sample.labels["figure"], sample.labels.get("emotion")): sample.value
        for family in text_string_to_metric_families((out / "metrics.prom").read_text(encoding="utf-8"))
        for sample in family.samples
        if sample.name == "sv_eval_scores"
    }
    ece = calibration["confidence"]["ece"]["value"]
    assert scores["ece", None] == whole["extra_info"]["ece"] == pytest.approx(ece)
    assert scores["aurc", None] == pytest.approx(metrics["selective"]["aurc"]["value"])
    assert scores["average_precision", "sad"] == pytest.approx(operating["sad"]["average_precision"]["value"])
    # CSV
    with (out / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 400
    assert len({row["clip"] for row in rows}) == 200
    failed = sum(row["outcome"] == "FAILURE" for row in rows)
    assert failed == 2 * metrics["run"]["n_failed"] > 0
    with (out / "figures.csv").open(encoding="utf-8", newline="") as file:
        figures = {(row["of"], row["figure"]): row for row in csv.DictReader(file)}
    assert float(figures["all", "latency_ms_p95"]["value"]) == p95
    assert float(figures["all", "brier"]["high"]) == calibration["distribution"]["brier"]["high"]
    assert float(figures["sad", "roc_auc"]["low"]) == operating["sad"]["roc_auc"]["low"]
    assert float(figures["happy", "recall"]["low"]) == metrics["per_emotion"]["happy"]["recall"]["low"]


def test_rows_of_the_first_round_are_what_accuracy_is_of(run: Path, environment: dict[str, str]) -> None:
    # Every answer of the second round is made another one than the first's.
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line.get("round") and line["outcome"] == "LABEL":
            other = "sad" if line["prediction"]["label"] != "sad" else "happy"
            line["prediction"] |= {"label": other, "forced": other}
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    # Sealed, these would be refused.
    unseal(run)
    assert score_main([str(run)]) == 0
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["repeats"]["clips_changed"] > 100

    assert export(run, environment, "csv").returncode == 0

    with (run / "exports" / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first, second = ([row for row in rows if row["round"] == number] for number in ("0", "1"))
    assert len(first) == len({row["clip"] for row in first}) == len(second) == metrics["run"]["n_clips"] == 200
    scored = [row for row in first if row["outcome"] != "FAILURE"]
    right = sum(row["answer"] == row["reference"] for row in scored)
    assert len(scored) == metrics["accuracy"]["accuracy"]["n"]
    assert right / len(scored) == pytest.approx(metrics["accuracy"]["accuracy"]["value"], abs=1e-9)
    # Of all rows it would be another figure.
    scored += [row for row in second if row["outcome"] != "FAILURE"]
    both = sum(row["answer"] == row["reference"] for row in scored)
    assert both / len(scored) < right / len(first) - 0.1


def test_pytest_benchmark_compares_two_runs(run: Path, environment: dict[str, str]) -> None:
    assert export(run, environment, "benchmark").returncode == 0
    file, other = run / "exports" / "benchmark.json", run / "exports" / "other.json"
    other.write_bytes(file.read_bytes())

    command = [
        sys.executable,
        "-m",
        "pytest_benchmark",
        "compare",
        str(file),
        str(other),
        "--columns=median,rounds",
    ]
    done = subprocess.run(command, cwd=run, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "simulated/fake[happy]" in done.stdout


def test_statistics_are_those_of_pytest_benchmark() -> None:
    from pytest_benchmark.stats import Stats

    values = np.random.default_rng(0).lognormal(-4, 0.5, 301)
    theirs = Stats()
    for value in values:
        theirs.update(float(value))

    ours = stats_of(values)

    names = "min max mean stddev rounds median iqr q1 q3 ld15iqr hd15iqr ops"
    for name in names.split():
        assert ours[name] == pytest.approx(getattr(theirs, name)), name
    assert ours["outliers"] == theirs.outliers


def test_wrong_words_are_explained(run: Path, environment: dict[str, str], tmp_path: Path) -> None:
    wrong, nowhere = export(run, environment, "promethius"), export(tmp_path / "nothing", environment)

    assert (wrong.returncode, nowhere.returncode) == (2, 2)
    assert "'promethius' is no format; did you mean prometheus?" in wrong.stderr
    assert "is this a run directory of sv_eval?" in nowhere.stderr


def test_without_a_package_the_other_formats_are_written(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "hdrh"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hdrh.histogram", None)

    assert main([str(run), f"out={tmp_path / 'all'}"]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "sv_eval: hdr is left out: the HdrHistogram log needs another package; pip install 'sv-eval[hdr]'"
    ]
    assert {path.name for path in (tmp_path / "all").iterdir()} == {
        "benchmark.json", "metrics.prom", "records.csv", "figures.csv", "records.parquet", "tables.tex",
        "model_index.yaml", "data",
    }  # fmt: skip

    assert main([str(run), "hdr", f"out={tmp_path / 'one'}"]) == 2
    assert "sv-eval[hdr]" in capsys.readouterr().err
