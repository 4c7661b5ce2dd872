"""A chat server whose faults are planted: `python -m sv_eval.backends.chat.fake_server [KEY=VALUE ...]`.

Speaks OpenAI's chat completions with audio, streamed or not; `sv_eval.backends.chat.planted` is the model behind
it. `dataset` and `root` have it know a corpus other than the bundled one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Self

from aiohttp import web

from sv_eval.backends.chat.dialect import MOST_SAMPLES
from sv_eval.backends.chat.planted import Answered, Known, Planted, PlantedModel, bundled, fingerprint
from sv_eval.backends.chat.protocol import protocol_of
from sv_eval.config.foreign_json import read_json
from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.errors import AudioError
from sv_eval.records import Waveform

__all__ = ["ChatFake", "Known", "Planted", "bundled", "main", "serving"]

_LIMITS = AudioLimits(min_duration_s=0.0)
_LONGEST_BODY = 64 << 20
_TOKENS_A_SECOND = 25
_OF_CORPUS = ("protocol", "dataset", "root")


class ChatFake:
    """The server; an asynchronous context, at `url` within it.

    known: what its model knows. protocol: what its prompts are taken to be.
    """

    def __init__(self, known: Known, planted: Planted, protocol: str | Mapping[str, Any] = "word_en") -> None:
        self._planted, self._model = planted, PlantedModel(known, planted, protocol_of(protocol))
        self.asked = 0
        """Questions so far."""
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._lately = deque[float]()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LONGEST_BODY)
        for path in ("/v1/chat/completions", "/compatible-mode/v1/chat/completions"):
            app.router.add_post(path, self._completions)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *reason: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self._too_many():
            message = {"error": {"message": "rate limit reached"}}
            return web.json_response(message, status=429, headers={"Retry-After": "0.05"})
        self.asked += 1
        number = self.asked
        try:
            asked = read_json(body)
            audio, text = _parts(asked)
            waveform = None if audio is None else decode(audio, limits=_LIMITS)
            mark = None if waveform is None else fingerprint(waveform.samples)
            samples = int(asked.get("n") or 1)
            if not 1 <= samples <= MOST_SAMPLES:
                raise ValueError(f"n={samples}")
        except (ValueError, KeyError, TypeError, StopIteration, AudioError) as error:
            return web.json_response({"error": {"message": f"bad request: {error}"}}, status=400)
        if asked.get("logprobs") and not self._planted.logprobs:
            return web.json_response({"error": {"message": "logprobs are not supported"}}, status=400)
        answers = [self._model.answer(mark, text, number) for _ in range(samples)]
        told = {"model": asked.get("model") or self._model.version(number)}
        usage = _usage(text, waveform, answers) if self._planted.usage else None
        if asked.get("stream"):
            wanted = usage if (asked.get("stream_options") or {}).get("include_usage") else None
            return await _streamed(request, told, answers, wanted, logprobs=bool(asked.get("logprobs")))
        choices = [
            {
                "index": place,
                "message": {"role": "assistant", "content": one.text},
                "finish_reason": "stop",
                **({"logprobs": {"content": [one.logprobs]}} if asked.get("logprobs") else {}),
            }
            for place, one in enumerate(answers)
        ]
        counted = {} if usage is None else {"usage": usage}
        return web.json_response({"object": "chat.completion", **told, "choices": choices, **counted})

    def _too_many(self) -> bool:
        """Whether the limit of the last second is reached; a question that is taken counts."""
        limit, now = self._planted.rate_limit, time.monotonic()
        if not limit:
            return False
        while self._lately and now - self._lately[0] >= 1:
            self._lately.popleft()
        if len(self._lately) >= limit:
            return True
        self._lately.append(now)
        return False


@contextmanager
def serving(known: Known, planted: Planted, protocol: str | Mapping[str, Any] = "word_en") -> Iterator[str]:
    """The address of a server in a thread of its own, for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = ChatFake(known, planted, protocol)
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        yield server.url
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _usage(text: str, waveform: Waveform | None, answers: list[Answered]) -> dict[str, Any]:
    audio = 0 if waveform is None else int(waveform.duration_s * _TOKENS_A_SECOND)
    return {
        "prompt_tokens": len(text) // 4 + audio,
        "completion_tokens": sum(max(1, len(one.text) // 4) for one in answers),
        "prompt_tokens_details": {"audio_tokens": audio, "cached_tokens": 0},
    }


def _parts(asked: Mapping[str, Any]) -> tuple[bytes | None, str]:
    """The audio, where there is any, and the text of the last message."""
    content = asked["messages"][-1]["content"]
    text = next(part["text"] for part in content if part["type"] == "text")
    part = next((part for part in content if part["type"] in ("input_audio", "audio_url")), None)
    if part is None:
        return None, text
    data = part["input_audio"]["data"] if "input_audio" in part else part["audio_url"]["url"]
    return base64.b64decode(data.rpartition(",")[2], validate=True), text


async def _streamed(
    request: web.Request,
    told: Mapping[str, Any],
    answers: list[Answered],
    usage: Mapping[str, Any] | None,
    *,
    logprobs: bool,
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)

    async def send(event: Mapping[str, Any]) -> None:
        await response.write(f"data: {json.dumps({**told, **event})}\n\n".encode())

    for place, one in enumerate(answers):
        for number, piece in enumerate((*one.text, None)):
            delta = {} if piece is None else {"content": piece}
            choice: dict[str, Any] = {
                "index": place,
                "delta": delta,
                "finish_reason": "stop" if piece is None else None,
            }
            if logprobs and number == 0:
                choice["logprobs"] = {"content": [one.logprobs]}
            await send({"choices": [choice]})
    if usage is not None:
        await send({"choices": [], "usage": usage})
    await response.write(b"data: [DONE]\n\n")
    return response


async def _serve(words: list[str]) -> None:
    from sv_eval.machine.terminal import say

    given: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        given[key] = read_json(value.encode()) if value[:1].isdigit() or value in ("true", "false") else value
    protocol, card = str(given.pop("protocol", "word_en")), str(given.pop("dataset", "demo"))
    place = {"root": given.pop("root")} if "root" in given else {}
    async with ChatFake(bundled(card, **place), Planted(**given), protocol) as server:
        say(server.url)
        await asyncio.Event().wait()


def main(words: list[str]) -> int:
    """Serve until Ctrl-C, or explain."""
    from sv_eval.machine.terminal import say

    names = {item.name for item in fields(Planted)} | set(_OF_CORPUS)
    if any("=" not in word or word.partition("=")[0] not in names for word in words):
        say(f"{(__doc__ or '').strip()}\n\nKeys: {', '.join(sorted(names))}")
        return 0 if words in (["--help"], ["-h"]) else 2
    try:
        asyncio.run(_serve(words))
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
