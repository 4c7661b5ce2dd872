"""KServe v2, as Triton serves FunASR's SenseVoice: tensors in, a transcript with tags out."""

from __future__ import annotations

import json
import struct
from typing import Any

from sv_eval.backend import Adjustments
from sv_eval.backends.remote.answer_parsing import ParsedAnswer, expect
from sv_eval.backends.remote.dialect import Traits
from sv_eval.backends.remote.http_messages import HttpMessage, HttpReply
from sv_eval.backends.remote.http_transport import HttpDialect
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.typed_fields import list_in, objects_in, text_in
from sv_eval.backends.sensevoice.tokens import LANGUAGE_PROMPTS, TEXTNORM_PROMPTS
from sv_eval.errors import ConfigError, nearest


class KServe(HttpDialect):
    """`POST /v2/models/MODEL/infer` with WAV, WAV_LENS, LANGUAGE and TEXT_NORM; nothing there resamples.

    model: the model's name. binary: put the samples behind the JSON, as Triton's binary tensors are, instead of
    writing them as numbers; about a fifth of the size.
    """

    def __init__(self, *, model: str = "sensevoice", binary: bool = True) -> None:
        self._binary = binary
        self.traits = Traits(
            name="kserve",
            schemes=("http", "https"),
            path=f"/v2/models/{model}/infer",
            forms=(),
            asks=("language", "use_itn"),
        )

    def message(self, sound: Sound, asked: Adjustments) -> HttpMessage:
        """Four tensors of one clip."""
        language = asked.language or "auto"
        if language not in LANGUAGE_PROMPTS:
            raise ConfigError(f"backend.language={language} is not known; {nearest(language, LANGUAGE_PROMPTS)}")
        length = len(sound.waveform.samples)
        small = [
            _tensor("WAV_LENS", length),
            _tensor("LANGUAGE", LANGUAGE_PROMPTS[language]),
            _tensor("TEXT_NORM", TEXTNORM_PROMPTS[bool(asked.use_itn)]),
        ]
        wav: dict[str, Any] = {"name": "WAV", "shape": [1, length], "datatype": "FP32"}
        output: dict[str, Any] = {"name": "TRANSCRIPTS"}
        if not self._binary:
            wav["data"] = sound.waveform.samples.tolist()
            body = json.dumps({"inputs": [wav, *small], "outputs": [output]}).encode()
            return HttpMessage(body=body, headers={"Content-Type": "application/json"})
        samples = sound.pcm_f32le
        wav["parameters"] = {"binary_data_size": len(samples)}
        output["parameters"] = {"binary_data": False}
        head = json.dumps({"inputs": [wav, *small], "outputs": [output]}).encode()
        return HttpMessage(
            body=head + samples,
            headers={
                "Content-Type": "application/octet-stream",
                "Inference-Header-Content-Length": str(len(head)),
            },
        )

    def read(self, reply: HttpReply) -> ParsedAnswer:
        """The tensor TRANSCRIPTS."""
        content = _content(reply)
        if isinstance(content, dict) and content.get("error"):
            raise self.refusal(reply)
        expect(isinstance(content, dict) and content.get("outputs") is not None, "the answer has no `outputs`")
        outputs = objects_in(content["outputs"], "outputs")
        output = next((one for one in outputs if one.get("name") == "TRANSCRIPTS"), None)
        expect(output is not None, "the answer has no output TRANSCRIPTS")
        text = _text(output, reply)
        return ParsedAnswer(text=text, no_speech=not text.strip(), where="outputs.TRANSCRIPTS", excerpt=text[:80])


def _tensor(name: str, value: int) -> dict[str, Any]:
    return {"name": name, "shape": [1, 1], "datatype": "INT32", "data": [value]}


def _content(reply: HttpReply) -> Any:
    length = reply.headers.get("Inference-Header-Content-Length", "")
    if not length.isdigit():
        return reply.json()
    return HttpReply(status=reply.status, body=reply.body[: int(length)], headers={}).json()


def _text(output: Any, reply: HttpReply) -> str:
    """The first string of a BYTES tensor, written as JSON or, after a length of four bytes, behind the JSON."""
    data = output.get("data")
    if data:
        flat = list_in(data, "TRANSCRIPTS")[0]
        return text_in(flat[0] if isinstance(flat, list) and flat else flat, "TRANSCRIPTS") or ""
    begin = int(reply.headers.get("Inference-Header-Content-Length") or 0)
    expect(begin and len(reply.body) >= begin + 4, "the output TRANSCRIPTS holds nothing")
    (length,) = struct.unpack_from("<I", reply.body, begin)
    return reply.body[begin + 4 : begin + 4 + length].decode("utf-8", "replace")
