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
from sv_eval.backends.chat.fake_server import Planted, bundled, serving
from sv_eval.errors import SvEvalError

Serve = Callable[..., str]
PATIENT = "backend.connection={connect_s: 120, read_s: 120, total_s: 300, preflight_s: 120}"


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    return bundled()


@pytest.fixture
def serve(known: dict[str, str]) -> Iterator[Serve]:
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

    evaluated(url, tmp_path / "run", "backend.protocol=letters_en", "backend.logprobs=20", "dataset.limit=10")

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
