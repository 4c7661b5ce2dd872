"""Every Eval Ever: a run as one aggregate file and its samples, in the layout of that collection."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sv_eval.finished.exports.figures import ALL, NamedFigure, figures_of
from sv_eval.finished.exports.run import ExportedRun
from sv_eval.finished.exports.wanted import Wanted
from sv_eval.record_file.rows import OUTCOMES
from sv_eval.records import Outcome
from sv_eval.version import __version__

SCHEMA_VERSION = "0.3.0"
_LIBRARY = "sv_eval"
_JUDGED = "uar"
"""The figure that samples point to: each of their scores is a right answer or a wrong one."""
_IDS = {"macro_f1": "f1_macro", "weighted_f1": "f1_weighted", "uar": "recall_macro"}
"""Names that others know a figure by."""


def every_eval_ever(run: ExportedRun, wanted: Wanted) -> dict[str, str]:
    """Path below `data/` to text: `<corpus>/<developer>/<model>/<uuid>.json` and its `_samples.jsonl`.

    The same run has the same path. Samples are the answers of the first round whose reference is scored; a clip is
    named by its id, and neither its audio nor its words are given.
    """
    report = run.report
    model_id = wanted.model or f"unknown/{_slug(run.environment.backend.model)}"
    developer, _, name = model_id.partition("/")
    folder = f"data/{_slug(report.run.dataset)}/{developer}/{name}"
    begun_s = str(int(datetime.fromisoformat(report.run.started_at).timestamp()))
    evaluation_id = f"{_slug(report.run.dataset)}/{model_id.replace('/', '_')}/{begun_s}"
    number = run.identity
    samples = [json.dumps(one, ensure_ascii=False) for one in _samples(run, evaluation_id, model_id)]
    text = "".join(f"{line}\n" for line in samples)
    aggregate = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": evaluation_id,
        "evaluation_timestamp": report.run.started_at,
        "retrieved_timestamp": begun_s,
        "source_metadata": {
            "source_name": _LIBRARY,
            "source_type": "evaluation_run",
            "source_organization_name": wanted.evaluator or "unknown",
            "evaluator_relationship": wanted.relationship,
        },
        "eval_library": {"name": _LIBRARY, "version": __version__, "additional_details": _details(run)},
        "model_info": _model(run, model_id),
        "evaluation_results": [
            _result(one, run, wanted)
            for one in figures_of(report)
            if one.value is not None and one.scale.lower_is_better is not None
        ],
        "detailed_evaluation_results": {
            "format": "jsonl",
            "file_path": f"{folder}/{number}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(text.encode("utf-8")).hexdigest(),
            "total_rows": len(samples),
        },
    }
    whole = json.dumps(aggregate, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return {f"{folder}/{number}.json": whole, f"{folder}/{number}_samples.jsonl": text}


def _details(run: ExportedRun) -> dict[str, str]:
    report = run.report
    told = {
        "unknown_policy": report.policy,
        "labels": ", ".join(report.labels),
        "schedule": run.environment.load["schedule"],
        "config_hash": report.run.config_hash,
        "dataset_hash": report.run.dataset_hash,
        "records_hash": report.run.records_hash or None,
        "n_scored": report.run.n_scored,
        "n_unknown": report.run.n_unknown,
        "n_failed": report.run.n_failed,
        "cpu": run.environment.machine.cpu,
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def _model(run: ExportedRun, model_id: str) -> dict[str, Any]:
    backend = run.environment.backend
    told = {
        "deployment_type": "self_deployed" if backend.in_process or backend.served_here else "unknown",
        "model_availability": "unknown",
        "precision": backend.precision,
        "device": backend.device,
        "weights_hash": backend.model_hash,
    }
    return {
        "name": backend.model,
        "id": model_id,
        "inference_engine": {"name": f"{_LIBRARY} {backend.name}", "version": __version__},
        "additional_details": {name: str(value) for name, value in told.items() if value is not None},
    }


def _result(figure: NamedFigure, run: ExportedRun, wanted: Wanted) -> dict[str, Any]:
    details = {"of": figure.of, **({"note": str(figure.reason)} if figure.reason else {})}
    return {
        "evaluation_result_id": figure.key,
        "evaluation_name": _evaluation(run) if figure.of == ALL else f"{_evaluation(run)} {figure.of}",
        "source_data": _source(run, wanted),
        "evaluation_timestamp": run.report.run.started_at,
        "metric_config": {
            "metric_id": _IDS.get(figure.name) or figure.name,
            "metric_name": figure.name,
            "metric_kind": figure.base.removeprefix("several_"),
            "metric_unit": figure.scale.unit,
            "lower_is_better": figure.scale.lower_is_better,
            "score_type": "continuous",
            "min_score": figure.scale.least,
            "max_score": "Infinity" if figure.scale.most == float("inf") else figure.scale.most,
        },
        "score_details": {"score": figure.value, "details": details, **_uncertainty(figure, run)},
    }


def _uncertainty(figure: NamedFigure, run: ExportedRun) -> dict[str, Any]:
    found: dict[str, Any] = {} if figure.n is None else {"num_samples": figure.n}
    if figure.low is not None and figure.high is not None:
        found["confidence_interval"] = {
            "lower": figure.low,
            "upper": figure.high,
            "confidence_level": run.report.intervals.confidence,
            **({"method": figure.method} if figure.method else {}),
        }
    return {"uncertainty": found} if found else {}


def _source(run: ExportedRun, wanted: Wanted) -> dict[str, Any]:
    corpus = run.environment.dataset
    told = {"hash": corpus.hash, "split": corpus.split, "licence": corpus.licence}
    if wanted.hub_dataset is None:
        return {"dataset_name": corpus.title, "source_type": "other", "additional_details": told}
    repository = wanted.hub_dataset.partition("#")[0]
    return {
        "dataset_name": corpus.title,
        "source_type": "hf_dataset",
        "hf_repo": repository,
        "samples_number": corpus.n_clips,
        "additional_details": told,
    }


def _samples(run: ExportedRun, evaluation_id: str, model_id: str) -> Iterator[Mapping[str, Any]]:
    table, codes = run.requests, run.requests.class_codes
    scored = {codes.reference(label): label for label in run.report.labels}
    for place, clip_id in enumerate(table.clip_ids):
        reference = scored.get(int(table.reference[place]))
        if table.round[place] or reference is None:
            continue
        failed = OUTCOMES[table.outcome[place]] is Outcome.FAILURE
        answer = codes.answers[table.predicted[place]]
        right = answer == reference
        yield {
            "schema_version": SCHEMA_VERSION,
            "evaluation_id": evaluation_id,
            "model_id": model_id,
            "evaluation_name": _evaluation(run),
            "evaluation_result_id": _JUDGED,
            "sample_id": clip_id,
            "sample_hash": hashlib.sha256(f"{clip_id}{reference}".encode()).hexdigest(),
            "interaction_type": "single_turn",
            "input": {"raw": clip_id, "reference": [reference], "choices": list(run.report.labels)},
            "output": {"raw": [] if failed else [answer]},
            "messages": None,
            "answer_attribution": [] if failed else [_attribution(answer)],
            "evaluation": {"score": float(right), "is_correct": right},
            "performance": _performance(float(table.latency_ms[place])),
            # Its message may hold what is nobody else's business, such as an address.
            "error": table.failures[place][0] if place in table.failures else None,
        }


def _attribution(answer: str) -> dict[str, Any]:
    return {
        "turn_idx": 0,
        "source": "output.raw",
        "extracted_value": answer,
        "extraction_method": "exact_match",
        "is_terminal": True,
    }


def _performance(latency_ms: float) -> dict[str, float] | None:
    return None if latency_ms != latency_ms else {"latency_ms": round(latency_ms, 6)}


def _evaluation(run: ExportedRun) -> str:
    return f"{run.report.run.dataset} speech emotion recognition"


def _slug(name: str) -> str:
    """A name as a folder: letters, digits, dots, dashes and underscores.

    >>> _slug("Tiny model (fp32)")
    'Tiny-model-fp32'
    """
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.") or "unnamed"
