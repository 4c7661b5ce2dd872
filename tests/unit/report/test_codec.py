"""A report is read back equal to what was written, and what is no report is refused by file and place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sv_eval.backend import Capabilities
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import RunDirectoryError
from sv_eval.finished.rescore import compute_report
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, FailedAttempt, Outcome, Prediction, Record, Streamed, StreamStep
from sv_eval.report.codec import as_json, from_json
from sv_eval.report.environment import (
    CorpusLabels,
    Environment,
    HowShared,
    Phases,
    Spread,
    Telemetry,
    WarmUp,
)
from sv_eval.report.reasons import Coded, Why
from sv_eval.report.report import Report
from sv_eval.report.run_directory import read_environment, read_report, write_json, write_report
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.labels.config import LabelsConfig, labels_config_from, read_label_map

Make = Callable[..., Record]
EnvironmentOf = Callable[..., Environment]
QUICK = ScoringConfig(resamples=100)


def answered(number: int, *, rounds: int = 1, forced: bool = True) -> list[Record]:
    """Records of one clip with about everything that a record can have."""
    emotion = ("happy", "sad", "angry", "other")[number % 4]
    clip = Clip(
        id=f"c{number:03}", path=f"w/{number}.wav", reference=emotion,
        raw_label="exc" if number % 8 == 0 else emotion, speaker=f"s{number % 5}" if number % 7 else None,
        sex=("female", "male")[number % 2],
        language=("en", "zh", None)[number % 3], transcript="one two three" if number % 2 else "今天好",
    )  # fmt: skip
    label = ("happy", "sad", "unknown", None, "fearful")[number % 5]
    prediction = Prediction(
        label=label, forced=emotion if forced and emotion != "other" else None, confidence=number / 200,
        text="one too three" if number % 2 else "今天", stages_ms={"features": 1.0, "inference": 2.0 + number},
    )  # fmt: skip
    return [
        Record(
            clip=clip, outcome=said.outcome, prediction=said,
            latency_ms=20.0 + number % 13 * 3.3, audio_s=1.0 + number % 6, call=number + 200 * of,
            sent_s=number / 7 + 100 * of, late_ms=number / 90, session=0, round=of,
            attempts=2 if number % 11 == 0 else 1,
            troubles=(FailedAttempt(kind="timeout", message="late | again"),) if number % 11 == 0 else (),
        )
        for of, said in enumerate([prediction, *[replace(prediction, label="sad")] * (rounds - 1)])
    ]  # fmt: skip


def streamed(number: int) -> Record:
    (record,) = answered(number)
    labels = (None, "happy", "sad", record.prediction.label if record.prediction else None)
    steps = tuple(
        StreamStep(
            start_s=float(n), end_s=n + 1.0, label=label, scores={"sad": 0.5}, compute_ms=9.0, emitted_s=n + 1.1
        )
        for n, label in enumerate(labels)
    )
    return replace(record, streamed=Streamed(steps=steps, offline_label="sad"))


def of_about_everything(environment: Environment) -> Environment:
    """The environment of a run of which about everything is known."""
    phases = Phases(
        load_s=1.5,
        warm_up=WarmUp(first_answer_ms=90.0, windows_ms=(9.0, 7.0), clips=8, wall_s=0.2, stable=False),
        ended_by="rounds",
    )
    spread = Spread(mean=0.5, max=1.0)
    gpu: dict[str, Any] = {
        "name": "A GPU", "class": None, "utilisation": spread, "memory_mib": spread, "sm_mhz": None,
        "memory_mhz": None, "power_w": None, "temperature_c": None, "energy_j": 1.5,
        "energy_wh_per_audio_hour": None, "throttled": {"power": 0.25},
    }  # fmt: skip
    telemetry = Telemetry(
        samples=3, interval_s=0.1, process_cpu=spread, machine_cpu=spread, rss_mib=None, cpu_held_back_s=0.3,
        gpus=(gpu,),  # type: ignore[arg-type]
    )  # fmt: skip
    (start,) = environment.sessions
    entries = {"exc": "happy", "happy": "happy", "sad": "sad", "angry": "angry", "other": "other"}
    corpus = replace(
        environment.dataset, card="iemocap", n_clips=500, label_order=("happy", "sad", "angry", "neutral"),
        label_map=CorpusLabels(name="made", version=1, hash="m", entries=entries, meanings={"exc": "excited"}),
        notes=(Coded("text", text="A note of the corpus."), Coded("merged", raw="exc", to="happy")),
    )  # fmt: skip
    backend = replace(
        environment.backend, device="cpu", precision="int8", rounding={"n": 20, "differing": 2},
        capabilities=Capabilities(labels=("happy", "sad"), deterministic=False, batch_invariant=False),
        card={"kind": "demonstration", "training": [{"corpus": "iemocap", "speakers": ["s1", "s9"]}]},
    )  # fmt: skip
    load = {
        "schedule": "poisson", "rounds": 2, "width": 0.05, "warmup_clips": 8, "warmup_tolerance": 0.1,
        "warmup_max_s": 5.0, "max_late_ms": 1000.0,
    }  # fmt: skip
    return replace(
        environment, sessions=(replace(start, phases=phases, telemetry=telemetry), replace(start, session=1)),
        dataset=corpus, backend=backend, config={"load": load},
        sharing=HowShared(timed_requests=200, timed_clips=100, checked_clips=20, seed=0),
    )  # fmt: skip


@pytest.fixture(
    params=[
        "nothing", "one_of_each", "no_forced", "everything", "abstain", "ban", "behind", "streams",
        "native", "three",
    ]
)  # fmt: skip
def report(request: pytest.FixtureRequest, environment_of: EnvironmentOf, records: list[Record]) -> Report:
    """A report of each kind."""
    plain = environment_of()
    whole = of_about_everything(plain)
    many = [one for number in range(200) for one in answered(number, rounds=2)]
    cases: dict[str, Callable[[], Report]] = {
        "nothing": lambda: made([], plain),
        "one_of_each": lambda: made(records, plain),
        "no_forced": lambda: made([one for n in range(30) for one in answered(n, forced=False)], plain),
        "everything": lambda: made([*many, *records], whole, replace(QUICK, slo_ms=50.0, second_opinion=True)),
        "abstain": lambda: made([*many, *records], whole, replace(QUICK, policy="abstain")),
        "ban": lambda: made([*many, *records], whole, replace(QUICK, policy="ban")),
        "behind": lambda: made(
            many, replace(whole, config={"load": {**whole.config["load"], "max_late_ms": 0.001}})
        ),
        "streams": lambda: made(
            [streamed(n) for n in range(40)],
            environment_of(config={"load": {"schedule": "stream", "pace": "fast", "chunk_size": 1.0}}),
        ),
        "native": lambda: made(many, whole, labels=labels_config_from(read_label_map("native"))),
        "three": lambda: made(many, whole, labels=labels_config_from(read_label_map("three"))),
    }
    return cases[request.param]()


def made(
    records: list[Record],
    environment: Environment,
    config: ScoringConfig = QUICK,
    labels: LabelsConfig | None = None,
) -> Report:
    return compute_report(RunRecords.of_records(records), environment, config, labels=labels)


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path, report: Report) -> None:
    plain = json.loads(json.dumps(as_json(report), allow_nan=False))

    assert plain == as_json(report)
    assert from_json(Report, plain, "metrics.json") == report
    assert as_json(from_json(Report, plain, "metrics.json")) == plain
    write_report(tmp_path / "metrics.json", report)
    assert read_report(tmp_path) == report


def test_a_report_knows_everything_that_the_records_at_hand_were_to_bring(environment_of: EnvironmentOf) -> None:
    many = [one for number in range(200) for one in answered(number, rounds=2)]

    report = made(many, of_about_everything(environment_of()), replace(QUICK, slo_ms=50.0))

    assert report.transcripts is not None
    assert report.transcripts.cross is not None
    assert report.latency_ms.retried
    assert report.latency_ms.drift is not None
    assert report.load.goodput
    assert report.load.late_ms is not None
    assert report.machine is not None
    assert report.phases is not None
    assert report.chance is not None
    assert report.references
    assert report.repeats
    assert report.repeats.clips_changed > 0
    assert report.label_map.merged
    assert report.worst_confusions
    assert report.errors
    assert len(report.caveats) > 10


outcomes = st.sampled_from([*EMOTIONS, "other", "unknown", "no_speech", "failed", None])
clips = st.tuples(
    st.sampled_from([*EMOTIONS[:4], "other", None]),
    outcomes,
    st.sampled_from([*EMOTIONS, None]),
    st.sampled_from(["a", "b", "c", None]),
)


@settings(max_examples=40)
@given(st.lists(clips, max_size=30), st.sampled_from(["wrong", "abstain", "ban"]))
def test_any_report_is_read_back_as_it_was_written(
    record: Make, environment_of: EnvironmentOf, rows: list[tuple[str | None, ...]], policy: str
) -> None:
    records = [
        record(f"{i:03d}", a, b, forced=None if b == "failed" else c, speaker=d, confidence=i / 7 % 1)
        for i, (a, b, c, d) in enumerate(rows)
    ]
    report = made(records, environment_of(), replace(QUICK, policy=policy))

    assert from_json(Report, json.loads(json.dumps(as_json(report), allow_nan=False)), "metrics.json") == report


def test_an_environment_is_read_back_as_it_was_written(tmp_path: Path, environment_of: EnvironmentOf) -> None:
    for environment in (environment_of(), of_about_everything(environment_of())):
        write_json(tmp_path / "environment.json", as_json(environment))

        assert read_environment(tmp_path) == environment


def test_keys_stand_in_the_order_of_the_fields_and_what_is_not_set_is_left_out(
    environment_of: EnvironmentOf, records: list[Record]
) -> None:
    report = made(records, environment_of())

    data = as_json(report)

    order = [item.name for item in fields(Report)]
    assert list(data) == [name for name in order if name in data]
    assert set(order) - set(data) == {
        "rtf_reason", "confusion_forced_reason", "chance_reason", "repeats", "streaming", "marks", "positions",
        "fairness", "sound", "controls", "cost", "outside", "calibration", "operating", "dimensions",
        "selective", "soft_labels", "conformal",
    }  # fmt: skip


def test_keys_of_a_newer_version_are_ignored(environment_of: EnvironmentOf, records: list[Record]) -> None:
    report = made(records, environment_of())
    data = as_json(report)
    data["new"] = data["run"]["new"] = {"a": [1]}

    assert from_json(Report, data, "metrics.json") == report


def changed(data: dict[str, Any], place: tuple[str | int, ...], change: Callable[[Any, Any], None]) -> None:
    """Changes what is at the end of the way through the data."""
    node: Any = data
    for step in place[:-1]:
        node = node[step]
    change(node, place[-1])


@pytest.fixture
def written(tmp_path: Path, environment_of: EnvironmentOf, records: list[Record]) -> Callable[..., None]:
    """Writes a report of which something was changed."""
    whole = as_json(made(records, environment_of()))

    def write(place: tuple[str | int, ...], change: Callable[[Any, Any], None]) -> None:
        data = json.loads(json.dumps(whole))
        changed(data, place, change)
        write_json(tmp_path / "metrics.json", data)

    return write


REQUIRED = [item.name for item in fields(Report) if item.default is MISSING and item.default_factory is MISSING]


@pytest.mark.damages_files
@pytest.mark.parametrize(
    ("place", "named"),
    [
        *(((name,), f"missing required field `{name}`") for name in REQUIRED),
        (("run", "n_failed"), "missing required field `n_failed` - at `$.run`"),
        (("accuracy", "uar", "value"), "missing required field `value` - at `$.accuracy.uar`"),
        (("per_emotion", "sad", "recall"), "missing required field `recall` - at `$.per_emotion[...]`"),
        (("failures", 0, "example"), "missing required field `example` - at `$.failures[0]`"),
        (("caveats", 0, "code"), "Expected an object with a `code` - at `$.caveats[0]`"),
    ],
)
def test_a_missing_key_is_named_with_its_file_and_place(
    tmp_path: Path, written: Callable[..., None], place: tuple[str | int, ...], named: str
) -> None:
    written(place, lambda node, key: node.pop(key))

    with pytest.raises(RunDirectoryError) as refusal:
        read_report(tmp_path)

    assert named in str(refusal.value)
    assert str(refusal.value).startswith(f"{tmp_path / 'metrics.json'}: not as sv_eval writes it: ")
    assert str(refusal.value).endswith(f"; python -m sv_eval.score {tmp_path} writes it anew")
    assert "\n" not in str(refusal.value)


@pytest.mark.damages_files
@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("run",), [], "Expected `object`, got `array` - at `$.run`"),
        (("run", "n_failed"), "3", "Expected `int`, got `str` - at `$.run.n_failed`"),
        (("run", "n_failed"), 3.5, "Expected `int`, got `float` - at `$.run.n_failed`"),
        (("labels",), "sad", "Expected `array`, got `str` - at `$.labels`"),
        (("labels", 0), None, "Expected `str`, got `null` - at `$.labels[0]`"),
        (("accuracy", "uar", "value"), "high", "Expected `float | null`, got `str` - at `$.accuracy.uar.value`"),
        (("accuracy", "uar", "reason"), 3, "Expected `str`, got `int` - at `$.accuracy.uar.reason`"),
        (("accuracy", "uar", "n"), None, "Expected `int`, got `null` - at `$.accuracy.uar.n`"),
        (("confusion", "counts", 0, 0), "1", "Expected `int`, got `str` - at `$.confusion.counts[0][0]`"),
        (("caveats", 0), "few_clips", "Expected an object with a `code` - at `$.caveats[0]`"),
        (("caveats", 0, "code"), 7, "Expected an object with a `code` - at `$.caveats[0]`"),
        (("chance",), 0.5, "Expected `object | null`, got `float` - at `$.chance`"),
    ],
)
def test_a_wrong_type_is_named_with_its_file_and_place(
    tmp_path: Path, written: Callable[..., None], place: tuple[str | int, ...], value: Any, named: str
) -> None:
    written(place, lambda node, key: node.__setitem__(key, value))

    with pytest.raises(RunDirectoryError) as refusal:
        read_report(tmp_path)

    assert named in str(refusal.value)
    assert str(refusal.value).startswith(f"{tmp_path / 'metrics.json'}: not as sv_eval writes it: ")


@pytest.mark.parametrize("data", [[], None, 3, "x"])
def test_what_is_no_object_is_no_report(data: object) -> None:
    with pytest.raises(RunDirectoryError, match=r"^metrics\.json: not as sv_eval writes it: Expected `object`"):
        from_json(Report, data, "metrics.json")


@pytest.mark.damages_files
def test_an_environment_of_something_else_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "environment.json").write_text("{}", encoding="utf-8")

    with pytest.raises(RunDirectoryError, match=r"environment\.json: .*missing required field `started_at`"):
        read_environment(tmp_path)


def test_reasons_and_what_was_said_are_words_and_objects_in_a_file() -> None:
    assert as_json({"why": Why.of("too_few", n=1, needed=11), "said": Coded("few_speakers", n=3)}) == {
        "why": "n too small: 1 of 11",
        "said": {"code": "few_speakers", "n": 3},
    }


def test_what_is_no_part_of_a_file_is_not_written() -> None:
    with pytest.raises(NotImplementedError, match="complex is no part of a file"):
        as_json({"x": 1j})
    assert as_json({"x": Outcome.LABEL}) == {"x": "LABEL"}
