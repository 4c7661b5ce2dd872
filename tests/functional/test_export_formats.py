"""`sv-eval export`: trackers, model cards, collections of results, papers and columns get what the run measured."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import ModelCardData, parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

from sv_eval.backends.fake import FakeBackend
from sv_eval.cli.main import command
from sv_eval.config.composing import composed
from sv_eval.errors import ConfigError, MissingPackageError, UsageError
from sv_eval.frame import read_frame
from sv_eval.run.evaluate import evaluate

export = command("export")
SCHEMAS = Path(__file__).resolve().parents[1] / "schemas" / "every_eval_ever"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 clips, twice each, of which some fail."""
    directory = tmp_path_factory.mktemp("exported") / "run"
    config = composed(
        "config",
        [
            *("backend=fake", "dataset=simulated", "dataset.simulated.n_clips=150", "load.rounds=2"),
            *("load.warmup_clips=0", "run.telemetry_s=null", "scoring.resamples=100"),
        ],
    )
    evaluate(config, FakeBackend(accuracy=0.8, failure_rate=0.05, seed=3), directory)
    return directory


@pytest.fixture(scope="module")
def metrics(run: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    return data


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The same whatever a version of pandas holds texts and missing ones in."""
    return frame.astype(object).where(frame.notna(), None)


def test_records_as_columns_read_back_as_the_frame(run: Path, metrics: dict[str, Any], tmp_path: Path) -> None:
    assert export([str(run), "parquet", f"out={tmp_path}"]) == 0

    found = pd.read_parquet(tmp_path / "records.parquet")
    scored = found[["scored.reference", "scored.answer"]]
    back = found.drop(columns=list(scored)).set_index(["clip.id", "round"])
    pd.testing.assert_frame_equal(plain(back), plain(read_frame(run, "requests")))
    first = found["round"] == 0
    answered = first & (found["outcome"] != "FAILURE")
    right = scored["scored.reference"] == scored["scored.answer"]
    assert right[answered].mean() == pytest.approx(metrics["accuracy"]["accuracy"]["value"], abs=1e-9)
    facts = json.loads(pq.read_schema(tmp_path / "records.parquet").metadata[b"sv_eval"])
    assert facts == metrics["run"]


def test_lists_in_records_are_json_in_columns() -> None:
    from sv_eval.finished.exports.parquet import _flat

    frame = pd.DataFrame({"sets": pd.Series([["happy", "sad"], None, {"a": 1}], dtype="object"), "n": [1, 2, 3]})

    flat = _flat(frame)

    assert flat["sets"].tolist()[0] == '["happy", "sad"]'
    assert flat["sets"].tolist()[2] == '{"a": 1}'
    assert flat["n"].tolist() == [1, 2, 3]


def test_tables_for_a_paper_hold_figures_with_their_bounds(
    run: Path, metrics: dict[str, Any], tmp_path: Path
) -> None:
    assert export([str(run), "latex", f"out={tmp_path}"]) == 0

    text = (tmp_path / "tables.tex").read_text(encoding="utf-8")
    tables = re.findall(r"\\begin\{table\}.*?\\end\{table\}", text, re.DOTALL)
    assert [re.findall(r"\\label\{(.*?)\}", one) for one in tables] == [
        ["tab:sv-eval-overall"], ["tab:sv-eval-emotions"], ["tab:sv-eval-confusion"],
    ]  # fmt: skip
    for table in tables:
        columns = re.findall(r"\\begin\{tabular\}\{(l?r+)\}", table)
        rows = [line for line in table.splitlines() if line.endswith("\\\\")]
        assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {len(columns[0])}
        assert [table.count(rule) for rule in ("\\toprule", "\\midrule", "\\bottomrule")] == [1, 1, 1]
    uar = metrics["accuracy"]["uar"]
    bounds = f"${100 * uar['value']:.1f}$ [${100 * uar['low']:.1f}$, ${100 * uar['high']:.1f}$]"
    assert f"UAR (\\%) & {bounds} & {uar['n']} \\\\" in tables[0]
    assert "Latency p99 (ms) & -- &" in tables[0]
    assert "% Latency p99 (ms) (all): n too small" in text
    happy = next(line for line in tables[2].splitlines() if line.startswith("happy &"))
    place = metrics["confusion"]["rows"].index("happy")
    counts = [*metrics["confusion"]["counts"][place], metrics["confusion"]["failed"][place]]
    assert happy == "happy & " + " & ".join(map(str, counts)) + " \\\\"


def test_a_word_can_not_command_latex() -> None:
    from sv_eval.finished.exports.latex import escaped

    assert escaped("[a_b] \\input{x} 5 % & \x1b[2J\n#~^") == (
        "{[}a\\_b] \\textbackslash{}input\\{x\\} 5 \\% \\& \\textbackslash{}x1b{[}2J \\#\\textasciitilde{}"
        "\\textasciicircum{}"
    )


def test_the_hub_reads_a_model_cards_results(run: Path, metrics: dict[str, Any], tmp_path: Path) -> None:
    assert export([str(run), "model_card", "model=acme/tiny", f"out={tmp_path}"]) == 0

    data = yaml.safe_load((tmp_path / "model_index.yaml").read_text(encoding="utf-8"))
    name, results = model_index_to_eval_results(data["model-index"])
    found = {one.metric_name: one for one in results}
    assert name == "acme/tiny"
    uar = metrics["accuracy"]["uar"]
    assert found["UAR"].metric_value == pytest.approx(uar["value"], abs=1e-6)
    assert found["UAR"].metric_args["low"] == pytest.approx(uar["low"], abs=1e-6)
    assert found["Latency p95 (ms)"].metric_value == pytest.approx(metrics["latency_ms"]["p95"]["value"], abs=1e-6)
    assert "Latency p99 (ms)" not in found
    assert {one.task_type for one in results} == {"audio-classification"}
    # As the hub writes them again into a card.
    assert ModelCardData(model_name=name, eval_results=results).to_dict()["model-index"] == data["model-index"]
    assert not (tmp_path / "eval_results.yaml").exists()


def test_the_hub_reads_a_leaderboards_entry(run: Path, metrics: dict[str, Any], tmp_path: Path) -> None:
    assert export([str(run), "model_card", "hub_dataset=acme/emotions#ser", f"out={tmp_path}"]) == 0

    [entry] = parse_eval_result_entries(yaml.safe_load((tmp_path / "eval_results.yaml").read_text("utf-8")))
    assert (entry.dataset_id, entry.task_id) == ("acme/emotions", "ser")
    assert entry.value == pytest.approx(metrics["accuracy"]["uar"]["value"], abs=1e-6)
    assert entry.date == metrics["run"]["started_at"]
    assert "recall [" in (entry.notes or "")


def test_every_eval_ever_takes_the_aggregate_and_each_sample(
    run: Path, metrics: dict[str, Any], tmp_path: Path
) -> None:
    words = ["model=acme/tiny", "evaluator=Acme", "relationship=first_party", f"out={tmp_path}"]
    assert export([str(run), "every_eval_ever", *words]) == 0

    whole, lines = sorted(tmp_path.rglob("*.json*"), key=lambda path: path.suffix)
    aggregate = json.loads(whole.read_text(encoding="utf-8"))
    samples = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    aggregates, instances = (
        jsonschema_rs.validator_for(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))
        for name in ("eval.schema.json", "instance_level_eval.schema.json")
    )
    assert [error.message for error in aggregates.iter_errors(aggregate)] == []
    assert [error.message for one in samples for error in instances.iter_errors(one)] == []
    # The two point to each other, and to where they lie.
    detailed = aggregate["detailed_evaluation_results"]
    assert detailed["file_path"] == lines.relative_to(tmp_path).as_posix()
    assert detailed["checksum"] == hashlib.sha256(lines.read_bytes()).hexdigest()
    assert detailed["total_rows"] == len(samples) == metrics["run"]["n_clips"] - metrics["run"]["n_out_of_scope"]
    assert whole.relative_to(tmp_path).parts[:4] == ("data", "simulated", "acme", "tiny")
    assert {one["evaluation_id"] for one in samples} == {aggregate["evaluation_id"]}
    # What it says is what was measured.
    results = {one["evaluation_result_id"]: one for one in aggregate["evaluation_results"]}
    assert results["uar"]["score_details"]["score"] == metrics["accuracy"]["uar"]["value"]
    interval = results["recall_happy"]["score_details"]["uncertainty"]["confidence_interval"]
    recall = metrics["per_emotion"]["happy"]["recall"]
    assert (interval["lower"], interval["upper"]) == (recall["low"], recall["high"])
    assert results["latency_ms_p95"]["metric_config"]["lower_is_better"] is True
    failed = [one for one in samples if one["error"]]
    assert len(failed) == metrics["run"]["n_failed"] > 0
    answered = [one["evaluation"]["is_correct"] for one in samples if not one["error"]]
    right = sum(answered) / len(answered)
    assert right == pytest.approx(metrics["accuracy"]["accuracy"]["value"], abs=1e-9)
    assert not any(one["evaluation"]["is_correct"] or one["output"]["raw"] for one in failed)


def tracked(run: Path, environment: dict[str, str], tracker: str, place: Path, read: str) -> tuple[Any, list[str]]:
    """Exports twice in a process of its own, and what `read` prints there of the store."""
    script = (
        "import json, sys\n"
        "from sv_eval.cli.main import command\n"
        "for _ in range(2):\n"
        f"    assert command('export')([{str(run)!r}, {tracker!r}, 'to={place}', 'experiment=ours']) == 0\n"
        f"{read}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=place.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *said, told = done.stdout.splitlines()
    return json.loads(told), said


def test_mlflow_has_settings_figures_with_bounds_and_reports(
    run: Path, metrics: dict[str, Any], environment: dict[str, str], tmp_path: Path
) -> None:
    read = (
        "from mlflow import MlflowClient\n"
        f"client = MlflowClient(tracking_uri='sqlite:///{tmp_path}/store/mlflow.db')\n"
        "experiment = client.get_experiment_by_name('ours')\n"
        "runs = client.search_runs([experiment.experiment_id])\n"
        "[run] = runs\n"
        "files = [one.path for one in client.list_artifacts(run.info.run_id)]\n"
        "report = client.download_artifacts(run.info.run_id, 'report.md')\n"
        "print(json.dumps({'metrics': run.data.metrics, 'params': run.data.params, 'tags': run.data.tags,\n"
        "  'status': run.info.status, 'files': files, 'report': open(report, encoding='utf-8').read(),\n"
        "  'heard': [one.dataset.digest for one in run.inputs.dataset_inputs], 'start': run.info.start_time}))"
    )

    found, said = tracked(run, environment, "mlflow", tmp_path / "store", read)

    assert "the run is there already" in said[1]
    assert "the run is there already" not in said[0]
    uar = metrics["accuracy"]["uar"]
    logged = [found["metrics"][name] for name in ("uar", "uar_low", "uar_high")]
    assert logged == [uar["value"], uar["low"], uar["high"]]
    assert found["metrics"]["happy/recall"] == metrics["per_emotion"]["happy"]["recall"]["value"]
    assert "latency_ms_p99" not in found["metrics"]
    assert found["metrics"]["run/n_failed"] == metrics["run"]["n_failed"]
    assert found["params"]["dataset.simulated.n_clips"] == "150"
    assert found["params"]["dataset_hash"] == metrics["run"]["dataset_hash"] == found["heard"][0]
    assert found["status"] == "FINISHED"
    assert {"report.md", "report.html", "metrics.json", "confusion.json", "figures"} <= set(found["files"])
    assert not {"records.jsonl", "environment.json"} & set(found["files"])
    assert found["report"] == (run / "report.md").read_text(encoding="utf-8")
    assert "UAR" in found["tags"]["mlflow.note.content"]


def test_what_belongs_to_a_connection_is_in_no_tracker(run: Path) -> None:
    from dataclasses import replace

    from sv_eval.finished.exports.run import exported_run
    from sv_eval.finished.exports.tracked import settings_of

    backend = {
        "url": "wss://me:secret@host/asr", "headers": {"X-Who": "me"}, "threads": 2,
        "connection": {"api_key_env": "MINE", "attempts": 3},
    }  # fmt: skip
    found = exported_run(run)
    asked = replace(found, environment=replace(found.environment, settings={"backend": backend}))

    told = settings_of(asked)

    assert {name: value for name, value in told.items() if name.startswith("backend.")} == {
        "backend.url": "wss://host/asr", "backend.threads": "2", "backend.connection.attempts": "3",
    }  # fmt: skip


def test_trackio_has_the_run(
    run: Path, metrics: dict[str, Any], environment: dict[str, str], tmp_path: Path
) -> None:
    read = (
        "import trackio\n"
        "[run] = list(trackio.Api().runs('ours'))\n"
        "from trackio.sqlite_storage import SQLiteStorage\n"
        "[row] = SQLiteStorage.get_logs('ours', run.name)\n"
        "print(json.dumps({'row': row, 'config': SQLiteStorage.get_run_config('ours', run.name)}, default=str))"
    )

    found, said = tracked(run, environment, "trackio", tmp_path / "store", read)

    assert "the run is there already" in said[1]
    uar = metrics["accuracy"]["uar"]
    assert [found["row"][name] for name in ("uar", "uar_low", "uar_high")] == [
        uar["value"], uar["low"], uar["high"],
    ]  # fmt: skip
    assert found["config"]["dataset.simulated.n_clips"] == "150"


@pytest.mark.parametrize(
    ("words", "module", "extra"),
    [
        (["mlflow"], "mlflow", "sv-eval[mlflow]"),
        (["trackio"], "trackio", "sv-eval[trackio]"),
        (["parquet"], "pyarrow", "sv-eval[parquet]"),
    ],
)
def test_without_its_package_a_format_says_what_brings_it(
    words: list[str],
    module: str,
    extra: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    # Settings of the process, which the exports make where they are not made.
    monkeypatch.setitem(os.environ, "MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setitem(os.environ, "TRACKIO_DIR", "")

    assert export([str(run), *words, f"to={tmp_path}", f"out={tmp_path}"]) == 2
    assert extra in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("model=tiny", "model=tiny: give a repository's name, ORG/NAME"),
        ("hub_dataset=a b/c", "give a repository's name"),
        ("relationship=mother", "relationship=mother: one of first_party, third_party"),
        ("mlflov", "'mlflov' is no format; did you mean mlflow?"),
    ],
)
def test_names_that_nobody_else_could_read_are_refused(
    word: str, message: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export([str(run), word]) == 2
    assert message in capsys.readouterr().err


def test_a_store_that_refuses_is_told_in_a_line(run: Path, environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sv_eval.export", str(run), "mlflow", "to=nowhere://x"]

    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 1
    assert re.search(r"^sv_eval: MLflow at nowhere://x: .+", done.stderr, re.MULTILINE), done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_is_exported_when_it_has_ended(call: Any, tmp_path: Path) -> None:
    words = ["backend=fake", "dataset=simulated", "dataset.simulated.n_clips=20", "hydra.run.dir=run"]

    done = call(*words, "report.page=false", "run.telemetry_s=null", "export=[latex,csv]")

    assert done.returncode == 0, done.stderr
    made = {path.name for path in (tmp_path / "run" / "exports").iterdir()}
    assert made == {"tables.tex", "records.csv", "figures.csv"}
    assert "run/exports/tables.tex" in done.stdout


def test_a_run_in_python_exports_itself(run: Path, tmp_path: Path) -> None:
    import sv_eval

    done = sv_eval.read_run(run).export("model_card", out=tmp_path, model="acme/tiny")

    assert done.files == (tmp_path / "model_index.yaml",)
    assert "acme/tiny" in done.files[0].read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="modle is no setting of export; did you mean model"):
        sv_eval.read_run(run).export("csv", out=tmp_path, modle="acme/tiny")


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ("mlflov", ConfigError, "export: 'mlflov' is no format; did you mean mlflow"),
        (["csv", "hdr"], MissingPackageError, r"export=hdr needs another package; pip install 'sv-eval\[hdr\]'"),
    ],
)
def test_what_can_not_be_exported_is_told_before_the_run(
    asked: Any, error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sv_eval.finished.exports import formats

    monkeypatch.setitem(sys.modules, "hdrh", None)

    with pytest.raises(error, match=message):
        formats.exports_from(asked)


def test_every_format_is_named_where_commands_are() -> None:
    from sv_eval.cli.commands import EXPORTS
    from sv_eval.cli.completion import candidates
    from sv_eval.finished.exports.formats import FILES, TRACKERS

    assert set(EXPORTS) == {*FILES, *TRACKERS}
    assert all(f"\n  {name}" in export_help() for name in EXPORTS)
    assert candidates("sv-eval export RUN mlf") == ["mlflow"]


def export_help() -> str:
    from sv_eval.cli.export import help_text

    return help_text([])
