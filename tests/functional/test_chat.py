"""`backend=chat` against a chat server whose faults are planted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

import sv_eval
from sv_eval.backends.chat.fake_server import Known, Planted, bundled, serving
from sv_eval.errors import SvEvalError
from sv_eval.studies.verify.verifying import verify

Serve = Callable[..., str]
PATIENT = "backend.connection={connect_s: 120, read_s: 120, total_s: 300, preflight_s: 120}"


@pytest.fixture(scope="module")
def known() -> Known:
    return bundled()


@pytest.fixture
def serve(known: Known) -> Iterator[Serve]:
    """`serve(protocol, recall=..., ...)` is the address of a server that runs until the test ends."""
    with ExitStack() as running:
        yield lambda protocol="word_en", **planted: running.enter_context(
            serving(known, Planted(**planted), protocol)
        )


def evaluated(url: str, directory: Path, *more: str) -> Any:
    overrides = [f"backend.url={url}", PATIENT, "load=offline", "scoring.resamples=100", *more]
    return sv_eval.evaluate(backend="chat", dataset="demo", directory=directory, overrides=overrides)


def outcomes(run: Path) -> dict[str, int]:
    lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line)["outcome"] for line in lines]
    return {name: found.count(name) for name in sorted(set(found))}


@pytest.mark.parametrize("protocol", ["letters_en", "word_en", "json_en", "letters_zh", "word_zh", "json_zh"])
def test_what_a_model_says_in_any_form_is_read(serve: Serve, tmp_path: Path, protocol: str) -> None:
    url = serve(protocol, recall=1.0, prose=0.4)

    run = evaluated(url, tmp_path / "run", f"backend.protocol={protocol}", "dataset.limit=60")

    assert run.report.accuracy.accuracy.value == 1.0
    assert run.report.run.n_unread is not None
    text = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert f"protocol {protocol} v1" in text
    assert "## What the model was asked" in text
    assert ("Listen to the recording." if protocol.endswith("en") else "请听这段录音。") in text


def test_refusals_and_hedges_are_counted_wrong_and_told(serve: Serve, tmp_path: Path) -> None:
    url = serve(recall=1.0, refuses=0.2, hedges=0.1, prose=0.5)

    run = evaluated(url, tmp_path / "run")

    counted = outcomes(tmp_path / "run")
    assert set(counted) == {"LABEL", "REFUSED", "HEDGED"}
    told = run.report.run
    assert (told.n_unread, told.n_no_tag) == ({"refused": counted["REFUSED"], "hedged": counted["HEDGED"]}, 0)
    matrix = run.report.confusion
    assert matrix.columns[-2:] == ("refused", "hedged")
    assert sum(row[-2] for row in matrix.counts) == counted["REFUSED"]
    assert (run.report.shares.refused.n, run.report.shares.unparsed) == (counted["REFUSED"], UNSET)
    assert run.report.accuracy.accuracy.value == pytest.approx(counted["LABEL"] / 200)
    assert run.report.policies["abstain"].accuracy.value == 1.0
    text = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "that declined to answer" in text
    assert "## Transcripts" not in text
    record = json.loads((tmp_path / "run" / "records.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert record["prediction"]["raw_answer"]


def test_a_model_that_does_not_listen_is_no_run_unless_it_is_meant(serve: Serve, tmp_path: Path) -> None:
    url = serve(deaf=True)

    with pytest.raises(SvEvalError, match="do not depend on the audio"):
        evaluated(url, tmp_path / "refused")
    evaluated(url, tmp_path / "meant", "backend.listening=false", "dataset.limit=5")

    assert "backend.listening=false" in (tmp_path / "meant" / "report.md").read_text(encoding="utf-8")


def test_probabilities_of_the_first_token_are_scores(serve: Serve, tmp_path: Path) -> None:
    url = serve("letters_en", recall=1.0)

    run = evaluated(url, tmp_path / "run", "backend.protocol=letters_en", "backend.logprobs=20", "dataset.limit=10")

    assert (run.report.outside.n, run.report.outside.mean) == (10, pytest.approx(0.1, abs=0.01))
    for line in (tmp_path / "run" / "records.jsonl").read_text(encoding="utf-8").splitlines():
        prediction = json.loads(line)["prediction"]
        assert prediction["outside"] == pytest.approx(0.1, abs=0.01)
        assert prediction["scores"][prediction["label"]] == pytest.approx(0.7 / 0.9, abs=0.01)


def test_a_server_that_tells_none_is_said_to(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(SvEvalError, match="logprobs are not supported"):
        evaluated(serve(logprobs=False), tmp_path / "run", "backend.logprobs=5")


def test_a_streamed_answer_is_the_same(serve: Serve, tmp_path: Path) -> None:
    run = evaluated(serve(recall=1.0), tmp_path / "run", "backend.stream=true", "dataset.limit=10")

    assert run.report.accuracy.accuracy.value == 1.0


def test_openai_s_own_client_is_answered(serve: Serve, tmp_path: Path) -> None:
    import base64

    import openai

    from sv_eval.config.places import cards_dir

    clip = cards_dir() / "demo" / "clips" / "en_f1_angry_01.flac"
    data = base64.b64encode(clip.read_bytes()).decode()
    with openai.OpenAI(base_url=f"{serve(recall=1.0)}/v1", api_key="none", timeout=120) as client:
        found = client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": [
                {"type": "text", "text": "Choose one of: sad, angry, happy."},
                {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
            ]}],
        )  # fmt: skip

    assert found.choices[0].message.content == "angry"


def test_runs_under_other_protocols_are_told_apart(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sv_eval.cli.main import main

    monkeypatch.chdir(tmp_path)
    url = serve(recall=0.8)
    file = tmp_path / "mine.yaml"
    names = ("angry", "sad", "happy", "neutral", "surprised")
    mine = {
        "name": "mine", "version": 1, "language": "en", "form": "word", "user": "{options}?",
        "options": {name: name for name in names},
    }  # fmt: skip
    file.write_text(json.dumps(mine), encoding="utf-8")
    evaluated(url, tmp_path / "one", "dataset.limit=10")
    evaluated(url, tmp_path / "other", f"backend.protocol={file}", "dataset.limit=10")

    assert main(["one", "other", "out=compared", "scoring.resamples=100"], command="compare") == 0
    text = (tmp_path / "compared" / "compare.md").read_text(encoding="utf-8")
    assert "asked under different protocols" in text
    assert "mine v1" in text

    # The same file with another question is no more the run that was begun.
    file.write_text(json.dumps({**mine, "user": "Which: {options}?"}), encoding="utf-8")
    with pytest.raises(SvEvalError, match="protocol"):
        evaluated(url, tmp_path / "other", f"backend.protocol={file}", "dataset.limit=10")


def test_a_pull_to_the_first_option_is_told_with_its_size(serve: Serve, tmp_path: Path) -> None:
    letters = "backend.protocol=letters_en"
    pulled = evaluated(serve("letters_en", recall=0.7, first=0.5), tmp_path / "pulled", letters)
    plain = evaluated(serve("letters_en", recall=0.7), tmp_path / "plain", letters)

    found = pulled.report.positions
    assert sum(found.counts) == 200
    assert found.pull_low <= 0.5 <= found.pull_high
    assert found.pull_low > 0.3
    assert plain.report.positions.pull_low <= 0 <= plain.report.positions.pull_high
    assert "## Where the options stood" in (tmp_path / "pulled" / "report.md").read_text(encoding="utf-8")


def test_the_words_alone_are_asked_about_and_set_against_the_sound(serve: Serve, tmp_path: Path) -> None:
    url = serve(recall=0.9, words=0.3)

    run = evaluated(url, tmp_path / "run", "controls.words=80")

    found = run.report.controls.words
    assert found.n_clips == 80
    assert (found.fixed, found.shared.value) == (False, 0.3)
    assert found.uar.after > 0.8 > 0.5 > found.uar.before
    assert found.uar.low > 0
    assert "### The words without the sound" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    lines = (tmp_path / "run" / "controls" / "words" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 80
    assert run.report.run.n_clips == 200


def test_every_order_of_the_options_shows_what_the_place_does(serve: Serve, tmp_path: Path) -> None:
    url = serve("letters_en", recall=0.9, first=0.4)

    run = evaluated(url, tmp_path / "run", "backend.protocol=letters_en", "controls.orders=40")

    found = run.report.controls.orders
    assert (found.n_clips, found.n_orders, found.n_options) == (40, 14, 7)
    assert sum(found.counts) == 40 * 14
    assert found.pull_low <= 0.4 <= found.pull_high
    # A clip that takes the first option names another with each order; the others keep theirs.
    taken = sum(record_with_first(url, tmp_path / "run"))
    assert found.consistent.n == 40 - taken
    assert found.lowest <= found.accuracy.value <= found.highest
    assert found.accuracy_of_consistent.value == pytest.approx(0.9, abs=0.15)
    assert "order_decides" in {caveat.code for caveat in run.report.caveats}


def record_with_first(url: str, run: Path) -> list[bool]:
    """Of each clip of the orders control, whether the server took the first option whatever stood there."""
    places = sorted((run / "controls").glob("order-*"))
    assert len(places) == 13
    said: dict[str, set[str]] = {}
    for place in places:
        for line in (place / "records.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            said.setdefault(record["clip"]["id"], set()).add(record["prediction"]["raw_answer"])
    return [answers == {"A"} for answers in said.values()]


def test_answers_that_change_when_asked_again_are_counted(serve: Serve, tmp_path: Path) -> None:
    unsteady = evaluated(serve(recall=0.7, flips=0.3), tmp_path / "unsteady", "controls=repeats")
    steady = evaluated(serve(recall=0.7), tmp_path / "steady", "controls=repeats", "controls.repeats=20")

    found = unsteady.report.controls.repeated
    assert (found.n_clips, found.times, len(found.pass_k)) == (100, 3, 3)
    # Redrawn in 30 %, and then another answer than the one before in about half.
    assert 0.1 < found.flipped.value < 0.4
    first, second, third = (one.value for one in found.pass_k)
    assert first > second > third
    assert "unsteady" in {caveat.code for caveat in unsteady.report.caveats}
    again = steady.report.controls.repeated
    assert (again.flipped.n, again.pass_k[0].value) == (0, again.pass_k[2].value)


def test_controls_are_asked_of_a_finished_run_without_asking_the_rest_anew(serve: Serve, tmp_path: Path) -> None:
    url = serve(recall=0.8)
    before = evaluated(url, tmp_path / "run", "dataset.limit=30")
    records = (tmp_path / "run" / "records.jsonl").read_bytes()

    after = evaluated(url, tmp_path / "run", "dataset.limit=30", "controls.repeats=10")

    assert not before.report.controls
    assert after.report.controls.repeated.n_clips == 10
    assert (tmp_path / "run" / "records.jsonl").read_bytes() == records
    # More of them may be asked for later, and fewer lose nothing.
    more = evaluated(url, tmp_path / "run", "dataset.limit=30", "controls.repeats=20")
    fewer = evaluated(url, tmp_path / "run", "dataset.limit=30", "controls.repeats=5")
    assert more.report.controls.repeated.n_clips == fewer.report.controls.repeated.n_clips == 20
    # The page holds what its figures are made of, and a byte of that can't change unseen.
    assert verify(tmp_path / "run").trouble is None
    assert verify(tmp_path / "run" / "report.html").trouble is None
    answers = tmp_path / "run" / "controls" / "repeat-1" / "records.jsonl"
    answers.write_bytes(answers.read_bytes().replace(b"happy", b"angry", 1))
    assert "controls/repeat-1" in str(verify(tmp_path / "run").trouble)


def test_a_control_that_a_backend_can_not_be_asked_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(SvEvalError, match=r"controls\.words"):
        sv_eval.evaluate(backend="fake", dataset="demo", directory=tmp_path / "run", overrides=["controls.words=5"])
    with pytest.raises(SvEvalError, match=r"controls\.orders"):
        sv_eval.evaluate(backend="fake", dataset="demo", directory=tmp_path / "run", overrides=["controls=chat"])


def test_tokens_and_prices_make_the_cost(serve: Serve, tmp_path: Path) -> None:
    prices = "{currency: USD, date: 2026-11-01, input_text: 2, input_audio: 40, output: 10, request: 0.001}"

    run = evaluated(
        serve(recall=0.8), tmp_path / "run", "dataset.limit=40", "controls.repeats=10", f"scoring.prices={prices}"
    )

    cost = run.report.cost
    assert (cost.requests, cost.controls, cost.attempts, cost.told) == (60, 20, 60, 60)
    tokens = cost.tokens
    by_hand = ((tokens["input"] - tokens["audio"]) * 2 + tokens["audio"] * 40 + tokens["output"] * 10) / 1e6 + 0.06
    assert cost.price.total == pytest.approx(by_hand, rel=1e-6)
    assert cost.price.per_clip == pytest.approx(by_hand / 60, rel=1e-6)
    assert cost.price.per_audio_hour == pytest.approx(by_hand / cost.audio_s * 3600, rel=1e-6)
    text = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "In USD" in text
    assert "of 2026-11-01" in text
    record = json.loads((tmp_path / "run" / "records.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert set(record["prediction"]["tokens"]) == {"input", "audio", "cached", "output"}
    assert len(record["prediction"]["sent"]) == 16


def test_several_answers_at_each_question_are_votes(serve: Serve, tmp_path: Path) -> None:
    url = serve(recall=0.9, flips=1.0)

    run = evaluated(url, tmp_path / "run", "backend.samples=5", "backend.temperature=0.7", "dataset.limit=20")

    record = json.loads((tmp_path / "run" / "records.jsonl").read_text(encoding="utf-8").splitlines()[0])
    prediction = record["prediction"]
    assert len(json.loads(prediction["raw_answer"])) == 5
    assert sum(prediction["scores"].values()) == pytest.approx(1)
    assert "votes of 5 answers" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert run.report.accuracy.accuracy.value > 0.9
    with pytest.raises(SvEvalError, match="temperature"):
        evaluated(url, tmp_path / "cold", "backend.samples=5")


@pytest.mark.parametrize("wire", ["openai", "dashscope"])
def test_probabilities_and_tokens_of_a_stream_are_read(serve: Serve, tmp_path: Path, wire: str) -> None:
    stream = ["backend.stream=true"] if wire == "openai" else ["backend.wire=dashscope"]

    run = evaluated(serve(recall=1.0), tmp_path / "run", *stream, "backend.logprobs=20", "dataset.limit=10")

    assert run.report.accuracy.accuracy.value == 1.0
    assert run.report.cost.told == 10
    record = json.loads((tmp_path / "run" / "records.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert record["prediction"]["scores"] is not None


def test_a_rate_limit_is_waited_for_and_counted(serve: Serve, tmp_path: Path) -> None:
    run = evaluated(
        serve(recall=1.0, rate_limit=3), tmp_path / "run", "dataset.limit=6", "backend.listening=false",
        "load.warmup_clips=0",
        "backend.connection.attempts=50",
    )  # fmt: skip

    assert run.report.accuracy.accuracy.value == 1.0
    assert run.report.shares.retried.n > 0
    assert run.report.cost.attempts > run.report.cost.requests == 6


def test_a_server_that_answers_from_what_it_was_asked_before_is_refused(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(SvEvalError, match="do not depend on the audio"):
        evaluated(serve(caches=True), tmp_path / "run")


def test_a_model_that_is_exchanged_meanwhile_is_named(serve: Serve, tmp_path: Path) -> None:
    # The looks before the run and its warm-up take fewer questions than that.
    run = evaluated(serve(recall=0.9, drift_after=150), tmp_path / "run", "load=single_stream")

    (caveat,) = (one for one in run.report.caveats if one.code == "model_changed")
    assert (caveat.values["names"], caveat.values["began"], caveat.values["total"]) == ("planted-2", "planted", 200)
    assert 0 < caveat.values["n"] < 200
    assert "Another model answered" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
