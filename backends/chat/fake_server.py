"""A chat server whose faults are planted: `python -m sv_eval.backends.chat.fake_server [KEY=VALUE ...]`.

Speaks OpenAI's chat completions with audio. It knows clips by their samples, and answers as it was told to: with a
known recall, refusals, prose, several names at once, a pull to the first option, deaf, with log-probabilities or
without. What a run reports of it can be held against what was planted. Its answers depend on its seed, the clip and
the order of the options alone.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import string
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from sv_eval.backends.chat.protocol import JSON, LETTERS, Protocol, protocol_of
from sv_eval.config.foreign_json import read_json
from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.emotions import EMOTIONS
from sv_eval.errors import AudioError

PROSE = {
    "en": "The speaker sounds {word}, judging by the tone of the voice.",
    "zh": "从语气来看，说话人听起来很{word}。",
}
REFUSAL = {
    "en": "I'm sorry, but I'm not able to determine emotions from audio.",
    "zh": "抱歉，我无法从音频中判断情绪。",
}
SEVERAL = {"en": "It could be {word} or {other}.", "zh": "可能是{word}，也可能是{other}。"}
_TOLD_TOKENS = 8
_LIMITS = AudioLimits(min_duration_s=0.0)
_LONGEST_BODY = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What is wrong with a model, as shares from 0 to 1."""

    recall: float = 0.8
    """How often it names a clip's emotion; else one of the others, each as often."""
    refuses: float = 0.0
    """How often it declines."""
    hedges: float = 0.0
    """How often it names two."""
    prose: float = 0.0
    """How often it answers in a sentence."""
    first: float = 0.0
    """How often it takes the option that stands first, whatever it heard."""
    deaf: bool = False
    """Whether its answers do not depend on the audio."""
    logprobs: bool = True
    """Whether it tells log-probabilities where it is asked for them; a refusal (400) else."""
    seed: int = 0
    """Another draw of everything."""


class ChatFake:
    """The server; an asynchronous context, at `url` within it.

    known: the emotion of each clip, by `fingerprint` of its samples. protocol: what its prompts are taken to be.
    """

    def __init__(self, known: Mapping[str, str], planted: Planted, protocol: str = "word_en") -> None:
        self._known, self._planted = known, planted
        self._protocol: Protocol = protocol_of(protocol)
        self.asked = 0
        """Questions so far."""
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LONGEST_BODY)
        app.router.add_post("/v1/chat/completions", self._completions)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *reason: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        try:
            asked = read_json(await request.read())
            audio, text = _parts(asked)
            mark = fingerprint(decode(audio, limits=_LIMITS).samples)
        except (ValueError, KeyError, TypeError, StopIteration, AudioError) as error:
            return web.json_response({"error": {"message": f"bad request: {error}"}}, status=400)
        if asked.get("logprobs") and not self._planted.logprobs:
            return web.json_response({"error": {"message": "logprobs are not supported"}}, status=400)
        order = self._order(text)
        emotion, said = self._answer("" if self._planted.deaf else mark, order)
        model = asked.get("model") or "planted"
        if asked.get("stream"):
            return await _streamed(request, model, said)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": said},
            "finish_reason": "stop",
        }
        if asked.get("logprobs"):
            choice["logprobs"] = {"content": [self._told(emotion, order, said)]}
        usage = {"prompt_tokens": len(text) // 4, "completion_tokens": max(1, len(said) // 4)}
        return web.json_response({"object": "chat.completion", "model": model, "choices": [choice], "usage": usage})

    def _order(self, text: str) -> list[str]:
        """The options in the order in which the prompt has them."""
        places = {name: text.rfind(word) for name, word in self._protocol.options.items()}
        if self._protocol.form == LETTERS:
            places = {name: text.find(f". {word}") for name, word in self._protocol.options.items()}
        return sorted((name for name in places if places[name] >= 0), key=lambda name: places[name])

    def _answer(self, mark: str, order: list[str]) -> tuple[str, str]:
        """What it hears, and its words for it."""
        planted, language = self._planted, self._protocol.language
        truth = self._known.get(mark, order[0])
        emotion = truth
        if self._draw(mark, "recall") >= planted.recall:
            others = [name for name in sorted(self._protocol.options) if name != truth]
            emotion = others[int(self._draw(mark, "which") * len(others))]
        if self._draw(mark, "first") < planted.first:
            emotion = order[0]
        word = self._protocol.options[emotion]
        kind = self._draw(mark, "kind")
        if kind < planted.refuses:
            return emotion, REFUSAL[language]
        if kind < planted.refuses + planted.hedges:
            other = next(name for name in order if name != emotion)
            return emotion, SEVERAL[language].format(word=word, other=self._protocol.options[other])
        if self._draw(mark, "prose") < planted.prose:
            return emotion, PROSE[language].format(word=word)
        if self._protocol.form == LETTERS:
            return emotion, string.ascii_uppercase[order.index(emotion)]
        return emotion, json.dumps(
            {self._protocol.key: word}, ensure_ascii=False
        ) if self._protocol.form == JSON else word

    def _told(self, emotion: str, order: list[str], said: str) -> dict[str, Any]:
        """The first token's alternatives: 0.7 on what was heard, 0.1 on none of the options, the rest even."""
        others = [name for name in order if name != emotion]
        shares = {name: 0.2 / len(others) for name in others} | {emotion: 0.7}
        tokens = {self._token(name, order): math.log(share) for name, share in shares.items()} | {
            "The": math.log(0.1)
        }
        listed = [{"token": token, "logprob": value} for token, value in tokens.items()][:_TOLD_TOKENS]
        return {"token": said[:1], "logprob": math.log(0.7), "top_logprobs": listed}

    def _token(self, name: str, order: list[str]) -> str:
        if self._protocol.form == LETTERS:
            return string.ascii_uppercase[order.index(name)]
        return self._protocol.options[name]

    def _draw(self, mark: str, what: str) -> float:
        drawn = hashlib.sha256(f"{self._planted.seed}\n{what}\n{mark}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") / 2**64


@contextmanager
def serving(known: Mapping[str, str], planted: Planted, protocol: str = "word_en") -> Iterator[str]:
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


def bundled() -> dict[str, str]:
    """The emotions of the bundled clips, by fingerprint."""
    from sv_eval.data.corpus.reading import dataset_config_from, read_corpus

    corpus = read_corpus(dataset_config_from({"name": "demo", "card": "demo"}))
    return {
        fingerprint(corpus.source.load(clip).samples): clip.reference
        for clip in corpus.clips
        if clip.reference in EMOTIONS
    }


def fingerprint(samples: NDArray[np.float32]) -> str:
    """What the server knows a clip by: its samples to 16 bits.

    >>> fingerprint(np.zeros(3, np.float32)) == fingerprint(np.full(3, 1e-6, np.float32))
    True
    """
    return hashlib.sha256(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()).hexdigest()[:16]


def _parts(asked: Mapping[str, Any]) -> tuple[bytes, str]:
    """The audio and the text of the last message."""
    content = asked["messages"][-1]["content"]
    text = next(part["text"] for part in content if part["type"] == "text")
    part = next(part for part in content if part["type"] in ("input_audio", "audio_url"))
    data = part["input_audio"]["data"] if "input_audio" in part else part["audio_url"]["url"].partition(",")[2]
    return base64.b64decode(data, validate=True), text


async def _streamed(request: web.Request, model: str, said: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for piece in (*said, None):
        delta = {} if piece is None else {"content": piece}
        event = {"model": model, "choices": [{"delta": delta, "finish_reason": "stop" if piece is None else None}]}
        await response.write(f"data: {json.dumps(event)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response


async def _serve(words: list[str]) -> None:
    from sv_eval.machine.terminal import say

    given: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        given[key] = read_json(value.encode()) if value[:1].isdigit() or value in ("true", "false") else value
    protocol = str(given.pop("protocol", "word_en"))
    async with ChatFake(bundled(), Planted(**given), protocol) as server:
        say(server.url)
        await asyncio.Event().wait()


def main(words: list[str]) -> int:
    """Serve the bundled clips' emotions until Ctrl-C, or explain."""
    from sv_eval.machine.terminal import say

    names = {item.name for item in fields(Planted)} | {"protocol"}
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
