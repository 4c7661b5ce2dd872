"""The HTTP API as its callers see it, on the bundled model and bundled clips."""

from __future__ import annotations

import base64
import gzip
import io
import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from sv_eval.emotions import EMOTIONS, UNKNOWN

Serve = Callable[..., Any]
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def service(serving: Serve) -> Iterator[Any]:
    with serving(
        "serve.max_requests=64", "serve.limits.max_duration_s=20", "serve.limits.max_encoded_bytes=900000"
    ) as it:
        yield it


@pytest.fixture(scope="module")
def api(service: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def clip(demo_clips: list[Path]) -> bytes:
    return demo_clips[0].read_bytes()


def encoded(data: bytes, **more: Any) -> dict[str, Any]:
    return {"audio": base64.b64encode(data).decode(), **more}


def wav(samples: Any, rate_hz: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.asarray(samples, np.float32), rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()


def noise(seconds: float, rate_hz: int = 16_000) -> bytes:
    return wav(np.random.default_rng(0).normal(0, 0.1, round(seconds * rate_hz)), rate_hz)


def test_health_and_readiness(api: httpx.Client) -> None:
    assert api.get("/health").json()["status"] == "ok"
    ready = api.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert [api.head(path).status_code for path in ("/", "/health", "/health/ready")] == [200] * 3
    assert "sv_eval_ready 1.0" in api.get("/metrics").text


def test_an_emotion_comes_with_text_and_posterior(api: httpx.Client, clip: bytes) -> None:
    answer = api.post("/v1/emotion", json=encoded(clip, format="flac", return_all_emotions=True))
    assert answer.status_code == 200
    body = answer.json()
    data = body["data"]
    assert body["success"] is True
    assert body["request_id"] == answer.headers["x-request-id"]
    assert data["emotion"] in (*EMOTIONS, UNKNOWN)
    assert data["scores"][data["emotion"]] == data["confidence"]
    assert sum(data["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert data["text"]
    assert data["duration"] == pytest.approx(soundfile.info(io.BytesIO(clip)).duration, abs=1e-3)


def test_every_way_in_gives_the_same_answer(api: httpx.Client, clip: bytes) -> None:
    data = api.post("/v1/emotion", json=encoded(clip)).json()["data"]
    flat = api.post("/analyze-emotion", json=encoded(clip)).json()
    all_of_it = api.post("/analyze-emotion", json=encoded(clip, return_all_emotions=True)).json()
    file = api.post("/analyze", files={"file": clip}).json()["data"]
    words = api.post("/transcribe", files={"file": clip}).json()["data"]
    openai = api.post("/v1/audio/transcriptions", files={"file": clip}, data={"model": "whisper-1"}).json()
    batch = api.post("/v1/emotion/batch", json={"items": [encoded(clip, id="x")]}).json()["data"][0]
    assert flat == {name: data[name] for name in ("text", "emotion", "confidence", "duration")}
    scores = api.post("/v1/emotion", json=encoded(clip, return_all_emotions=True)).json()["data"]["scores"]
    assert all_of_it == {**flat, "scores": scores}
    assert file == data
    assert words == {name: data[name] for name in ("text", "duration", "language", "event", "model")}
    assert (openai["text"], openai["emotion"], openai["confidence"]) == (
        data["text"],
        data["emotion"],
        data["confidence"],
    )
    assert batch == {"id": "x", "success": True, "data": data}


def test_the_article_s_client(service: Any, demo_clips: list[Path]) -> None:
    """requests and base64, as in the article that describes this API."""
    import requests

    with demo_clips[0].open("rb") as file:
        audio = base64.b64encode(file.read()).decode("utf-8")
    response = requests.post(f"{service.url}/v1/emotion", json={"audio": audio, "format": "wav"}, timeout=120)
    response.raise_for_status()
    result = response.json()
    assert result["success"]
    assert result["data"]["emotion"] in (*EMOTIONS, UNKNOWN)


def test_the_client_that_openai_ships(service: Any, clip: bytes) -> None:
    import openai

    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="none", max_retries=0) as client:
        said = client.audio.transcriptions.create(model="whisper-1", file=("a.flac", clip))
        assert said.text
        assert said.emotion in (*EMOTIONS, UNKNOWN)  # type: ignore[attr-defined]
        text = client.audio.transcriptions.create(model="whisper-1", file=("a.flac", clip), response_format="text")
        assert text.strip() == said.text
        long = client.audio.transcriptions.create(
            model="whisper-1", file=("a.flac", clip), response_format="verbose_json"
        )
        assert long.duration > 0
        assert [model.id for model in client.models.list()]
        with pytest.raises(openai.NotFoundError, match="is not served"):
            client.audio.transcriptions.create(model="gpt-9", file=("a.flac", clip))
        silent = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", wav(np.zeros(16_000))))
        assert (silent.text, silent.emotion) == ("", None)  # type: ignore[attr-defined]


def test_an_upload_is_described_and_not_judged(api: httpx.Client) -> None:
    time_s = np.arange(2 * 44_100) / 44_100
    stereo = np.stack([0.5 * np.sin(2 * np.pi * 300 * time_s)] * 2, axis=1)
    data = api.post("/upload", files={"file": wav(stereo, 44_100)}).json()["data"]
    assert data["format"].startswith("wav")
    assert (data["sample_rate"], data["channels"], data["duration"]) == (44_100, 2, pytest.approx(2.0, abs=1e-3))
    assert data["loudness_dbfs"] == pytest.approx(-9.03, abs=0.1)
    assert data["peak_dbfs"] == pytest.approx(-6.02, abs=0.1)
    assert "narrow" in data["sound"]["concerns"]
    quiet = api.post("/upload", files={"file": wav(np.zeros(16_000))}).json()["data"]
    assert (quiet["loudness_dbfs"], quiet["peak_dbfs"]) == (None, None)
    assert (quiet["sound"]["band_hz"], quiet["sound"]["concerns"]) == (None, ["silent"])


def test_raw_samples(api: httpx.Client, clip: bytes) -> None:
    samples, rate_hz = soundfile.read(io.BytesIO(clip), dtype="int16")
    raw = encoded(samples.astype("<i2").tobytes(), format="pcm_s16le", sample_rate=rate_hz)
    assert (
        api.post("/v1/emotion", json=raw).json()["data"]
        == api.post("/v1/emotion", json=encoded(clip)).json()["data"]
    )


@pytest.mark.parametrize("container", ["FLAC", "OGG", "AIFF", "CAF", "AU", "RF64", "MP3"])
def test_a_file_with_a_header_is_no_raw_samples(api: httpx.Client, container: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000, format=container)
    if container == "MP3":
        file = io.BytesIO(b"ID3\x04\0\0\0\0\0\0" + file.getvalue())

    answer = api.post("/v1/emotion", json=encoded(file.getvalue(), format="pcm_s16le"))

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_format")
    assert "without a header" in answer.json()["detail"]


def test_base64_with_blanks_is_refused_and_with_line_breaks_read(api: httpx.Client) -> None:
    # Bytes whose base64 has many a +.
    samples = np.tile(np.array([-1057, -2081], dtype="<i2"), 8000).tobytes()
    text = base64.b64encode(samples).decode()
    assert "+" in text
    said = {"format": "pcm_s16le", "sample_rate": 16_000}

    blanks = api.post("/v1/emotion", json={"audio": text.replace("+", " "), **said})
    lines = api.post("/v1/emotion", json={"audio": "\r\n".join(textwrap.wrap(text, 76)), **said})
    whole = api.post("/v1/emotion", json={"audio": text, **said})

    assert (blanks.status_code, blanks.json()["code"]) == (400, "invalid_base64")
    assert "blanks" in blanks.json()["detail"]
    assert (lines.status_code, lines.json().get("data")) == (whole.status_code, whole.json().get("data"))


def test_a_byte_order_mark_is_passed_over(api: httpx.Client, clip: bytes) -> None:
    body = json.dumps(encoded(clip)).encode()

    answer = api.post("/v1/emotion", content=b"\xef\xbb\xbf" + body, headers=JSON)

    assert (answer.status_code, answer.json()["success"]) == (200, True)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_request"),
        (b'{"audio": "not base64!"}', 400, "invalid_base64"),
        (json.dumps(encoded(b"this is no audio, whatever it says" * 9)).encode(), 422, "not_audio"),
        (json.dumps(encoded(noise(1), format="mp5")).encode(), 415, "unsupported_format"),
        (json.dumps(encoded(noise(0.05))).encode(), 422, "too_short"),
        (json.dumps(encoded(noise(25))).encode(), 413, "too_long"),
        (json.dumps(encoded(noise(40))).encode(), 413, "too_large"),
        (json.dumps(encoded(noise(1)[:9000])).encode(), 422, "truncated"),
        (json.dumps(encoded(wav(np.zeros(16_000)))).encode(), 422, "silence"),
        (json.dumps(encoded(wav([]))).encode(), 422, "empty"),
        (json.dumps(encoded(noise(1), language="klingon")).encode(), 422, "unknown_language"),
        (json.dumps(encoded(noise(1), vad_threshold=2)).encode(), 422, "invalid_parameter"),
        (json.dumps(encoded(noise(1), chunk_size="3")).encode(), 422, "invalid_parameter"),
        (b'{"audio": "' + b"A" * 70_000_000 + b'"}', 413, "too_large"),
    ],
)
def test_what_is_wrong_is_said_with_a_code(api: httpx.Client, body: bytes, status: int, code: str) -> None:
    answer = api.post("/v1/emotion", content=body, headers={"content-type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["success"] is False
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("path", "arguments", "status", "code"),
    [
        ("/analyze", {"json": {"audio": "QQ=="}}, 415, "unsupported_media_type"),
        ("/analyze", {"files": {"wrong": b"x"}}, 400, "invalid_request"),
        ("/analyze", {"files": {"file": b""}}, 422, "empty"),
        ("/analyze", {"files": {"file": noise(1)}, "data": {"colour": "red"}}, 422, "invalid_parameter"),
        (
            "/analyze",
            {"content": b"--x", "headers": {"content-type": "multipart/form-data"}},
            400,
            "invalid_request",
        ),
        (
            "/analyze",
            {"content": b"rubbish", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            400,
            "invalid_request",
        ),
        (
            "/v1/emotion",
            {"content": b"{}", "headers": {"content-type": "text/plain"}},
            415,
            "unsupported_media_type",
        ),
        ("/v1/emotion/batch", {"json": {"items": [encoded(b"x")] * 33}}, 422, "invalid_parameter"),
        (
            "/v1/emotion",
            {"content": gzip.compress(b"{}", mtime=0), "headers": {"content-encoding": "gzip", **JSON}},
            415,
            "unsupported_media_type",
        ),
        (
            "/transcribe",
            {"files": {"file": noise(1)}, "data": {"return_all_emotions": "true"}},
            422,
            "unsupported_parameter",
        ),
        (
            "/transcribe",
            {"files": {"file": noise(1)}, "data": {"ban_unknown": "true"}},
            422,
            "unsupported_parameter",
        ),
        ("/analyze", {"files": {"file": noise(1)}, "data": {"format": "pcm_s16le"}}, 415, "unsupported_format"),
        ("/v1/emotion", {"json": encoded(noise(1), format="pcm_f32le")}, 415, "unsupported_format"),
        ("/nowhere", {}, 404, "not_found"),
        ("/health", {}, 405, "method_not_allowed"),
    ],
)
def test_what_is_wrong_elsewhere(
    api: httpx.Client, path: str, arguments: dict[str, Any], status: int, code: str
) -> None:
    answer = api.post(path, **arguments)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 405:
        assert "GET" in answer.headers["allow"]


def test_a_batch_with_a_bad_recording_answers_the_good_ones(api: httpx.Client, clip: bytes) -> None:
    items = [encoded(clip, id="good"), {"audio": "!", "id": "bad"}, encoded(clip)]
    answer = api.post("/v1/emotion/batch", json={"items": items})
    body = answer.json()
    assert (answer.status_code, body["success"]) == (207, False)
    assert [item["success"] for item in body["data"]] == [True, False, True]
    assert body["data"][1]["error"]["code"] == "invalid_base64"


def test_the_caller_s_request_id_comes_back_unless_it_could_do_harm(api: httpx.Client) -> None:
    assert api.get("/health", headers={"x-request-id": "order-66"}).headers["x-request-id"] == "order-66"
    assert api.get("/health", headers={"x-request-id": "a b\tc"}).headers["x-request-id"] != "a b\tc"


def test_one_line_a_request_and_the_same_stages_in_the_header(service: Any, api: httpx.Client, clip: bytes) -> None:
    answer = api.post("/v1/emotion", json=encoded(clip), headers={"x-request-id": "look-for-me"})
    line = service.request("look-for-me")
    stages = dict(part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
    assert {"receive", "decode", "queue", "features", "inference", "total"} <= set(stages)
    assert {f"{name}_ms" for name in stages} <= set(line)
    assert (line["status"], line["code"], line["emotion"]) == (200, "ok", answer.json()["data"]["emotion"])
    assert line["bytes"] > len(clip)
    assert "text" not in line
    assert answer.json()["data"]["text"] not in json.dumps(line)


def test_metrics_count_what_happened(service: Any, api: httpx.Client, clip: bytes) -> None:
    def value(name: str) -> float:
        lines = [line for line in api.get("/metrics").text.splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    before = value('sv_eval_requests_total{code="ok",path="/v1/emotion"}')
    # Counted with its line in the log, which is written once the answer is on its way.
    api.post("/v1/emotion", json=encoded(clip), headers={"x-request-id": "count-me"})
    service.request("count-me")
    assert value('sv_eval_requests_total{code="ok",path="/v1/emotion"}') == before + 1
    assert value("sv_eval_stage_seconds_count") > 0
    assert value("sv_eval_batch_size_count") > 0
    for name in ("sv_eval_queue_depth", "sv_eval_unknown_share", "sv_eval_buffered_bytes"):
        assert name in api.get("/metrics").text
    assert value("sv_eval_buffered_bytes") == 0


def test_models_say_what_is_served(api: httpx.Client) -> None:
    (model,) = api.get("/v1/models").json()["data"]
    assert model["backend"] == "onnx"
    assert model["labels"]
    assert model["streaming"] is True
    assert "card" not in model


def test_a_model_says_what_it_was_trained_on(api: httpx.Client) -> None:
    (model,) = api.get("/v1/models").json()["data"]

    card = api.get(f"/v1/models/{model['id']}").json()["card"]
    unknown = api.get("/v1/models/gpt-9")

    assert card["kind"] == "demonstration"
    assert "emodb" in [entry["corpus"] for entry in card["training"]]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "model_not_found")


def test_the_documentation_needs_nothing_from_elsewhere(api: httpx.Client) -> None:
    page = api.get("/docs").text
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert api.get(f"/docs/static/{asset}").status_code == 200
    document = api.get("/openapi.json").json()
    for path in ("/v1/emotion", "/analyze", "/transcribe", "/upload", "/analyze-emotion", "/v1/emotion/batch"):
        answers = document["paths"][path]["post"]["responses"]
        assert {"200", "400", "401", "413", "415", "422", "429", "500", "503"} <= set(answers), path


def test_the_documentation_s_examples_run(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    tried = 0
    for path, methods in document["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in content.get("examples", {}).values():
            assert api.post(path, json=example["value"]).status_code == 200, path
            tried += 1
    assert tried >= 3


def test_a_page_from_elsewhere_gets_no_leave(api: httpx.Client) -> None:
    answer = api.get("/health", headers={"origin": "https://example.org"})
    assert "access-control-allow-origin" not in answer.headers


def test_keys_and_cross_origin_calls_where_they_are_set(serving: Serve, clip: bytes) -> None:
    overrides = ("serve.cors_origins=[https://example.org]", "serve.rate_limit=0.001", "serve.rate_burst=3")
    with (
        serving(*overrides, SV_EVAL_API_KEYS="secret,other") as service,
        httpx.Client(base_url=service.url, timeout=120) as api,
    ):
        origin = {"origin": "https://example.org"}
        refused = api.post("/v1/emotion", json=encoded(clip), headers=origin)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["access-control-allow-origin"] == "https://example.org"
        assert api.get("/health").status_code == 200
        preflight = api.options("/v1/emotion", headers={**origin, "access-control-request-method": "POST"})
        assert preflight.status_code == 200
        good = {"authorization": "Bearer secret"}
        codes = [api.post("/v1/emotion", json=encoded(clip), headers=good).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        limited = api.post("/v1/emotion", json=encoded(clip), headers=good)
        assert int(limited.headers["retry-after"]) >= 1
        assert api.post("/v1/emotion", json=encoded(clip), headers={"x-api-key": "other"}).status_code == 200
        assert "secret" not in json.dumps(service.lines)
