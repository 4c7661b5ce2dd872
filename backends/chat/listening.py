"""Does a model hear the audio at all? Twenty clips, each asked about twice.

Harnesses have measured for months models that were never sent the audio. Of a model that does not listen, what it
says to a clip is as like what it says to any other as to the same one: which answers belong together is then
exchangeable, and a permutation test tells (Fisher 1935; Phipson and Smyth 2010 for its p-value). It asks for no
right answer, and one that is always the same is the plainest case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sv_eval.backend import Adjustments
from sv_eval.backends.chat.dialect import ChatDialect
from sv_eval.backends.remote.dialect import Transport
from sv_eval.backends.remote.endpoint import Endpoint
from sv_eval.backends.remote.errors import EndpointError, RemoteError
from sv_eval.backends.remote.sound import Sound
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.config.places import cards_dir
from sv_eval.data.audio.decoding import decode

CLIPS = 20
"""Each is asked about twice."""
SURELY = 0.01
"""How often a model that does not listen is believed to."""
_DRAWS = 9_999
_AT_ONCE = 8
_STEP = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What the questions told."""

    asked: int
    """Clips that were answered twice."""
    alike: int
    """Those of them that got the same answer both times."""
    answers: int
    """Answers that differ from each other."""
    p_value: float
    """How likely so many would be alike of a model that does not listen."""

    @property
    def heard(self) -> bool:
        """Whether the answers depend on the audio."""
        return self.p_value <= SURELY


def judged(first: Sequence[str], second: Sequence[str], *, seed: int = 0) -> Listening:
    """Whether answers belong to their clips: `first` and `second` are the answers to the same clips, in order.

    >>> judged(["a"] * 20, ["a"] * 20).heard, judged(list("abcd" * 5), list("abcd" * 5)).heard
    (False, True)
    """
    one, other = (np.unique([*first, *second], return_inverse=True)[1][part] for part in _halves(len(first)))
    alike = int((one == other).sum())
    rng = np.random.default_rng(seed)
    drawn = np.array([int((one == rng.permutation(other)).sum()) for _ in range(_DRAWS)])
    return Listening(
        asked=len(first),
        alike=alike,
        answers=len({*first, *second}),
        p_value=(1 + int((drawn >= alike).sum())) / (1 + _DRAWS),
    )


async def look(transport: Transport, dialect: ChatDialect, endpoint: Endpoint, form: str) -> Listening:
    """Ask about the bundled clips. Raises EndpointError where the answers do not depend on the audio."""
    paths = sorted((cards_dir() / "demo" / "clips").glob("*.flac"))
    # They are sorted by speaker and emotion, ten a speaker: a step of 13 meets every speaker and every emotion.
    chosen = [paths[_STEP * place % len(paths)] for place in range(CLIPS)]
    places = asyncio.Semaphore(_AT_ONCE)

    async def answer(path: Any) -> str | None:
        async with places:
            message = dialect.message(Sound(decode(path, keep_encoded=True), form), Adjustments())
            try:
                parsed = await transport.ask(message, Timeline())
            except RemoteError:
                # The run's own business, which tries again and counts.
                return None
            return parsed.emotion or parsed.unread or ""

    found = await asyncio.gather(*(answer(path) for path in [*chosen, *chosen]))
    pairs = zip(found[:CLIPS], found[CLIPS:], strict=True)
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    told = judged([one for one, _ in both], [other for _, other in both])
    if not told.heard:
        said = ", ".join(sorted({word for pair in both for word in pair if word})) or "none"
        raise EndpointError(
            f"{endpoint.url}: the answers do not depend on the audio: of {told.asked} bundled clips, asked about "
            f"twice, {told.alike} were answered alike, no more than any two clips would be (p {told.p_value:.2g}; "
            f"answers: {said}). Does the server pass the audio on to the model, and take this form of it "
            "(backend.part, backend.audio)? backend.listening=false runs it all the same, and the report says so"
        )
    return told


def _halves(n: int) -> tuple[slice, slice]:
    return slice(0, n), slice(n, 2 * n)
