"""Does a model hear the audio at all? Twenty sounds, each asked about twice.

Harnesses have measured for months models that were never sent the audio. Of a model that does not listen, what it
says to a sound is as like what it says to any other as to the same one: which answers belong together is then
exchangeable, and a permutation test, which swaps every sound with every other, tells (Fisher 1935; Phipson and
Smyth 2010 for its p-value). It asks for no right answer, and one that is always the same is the plainest case.
Sixteen sounds are bundled clips; silence, noise, hum and a tone are there for models that call all synthetic voices
neutral, and for what they say of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sv_eval.backend import NO_ADJUSTMENTS, Answer
from sv_eval.backends.chat.dialect import ChatDialect
from sv_eval.backends.remote.errors import EndpointError
from sv_eval.backends.remote.sound import Sound
from sv_eval.config.places import cards_dir
from sv_eval.data.audio.decoding import decode
from sv_eval.records import SAMPLE_RATE_HZ, Failure, Waveform

SOUNDS = 20
"""Each is asked about twice."""
SURELY = 0.01
"""How often a model that does not listen is believed to."""
_DRAWS = 9_999
_STEP = 13
_FEWEST = 10
_SILENCE, _NOISE, _HUM, _TONE = "silence", "noise", "hum", "tone"
_NO_SPEECH_S, _HUM_HZ, _TONE_HZ = 2.0, 50.0, 440.0

Deliver = Callable[[Any], Awaitable[Answer]]
"""Sends a message, again where that can help, and gives the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What the questions told."""

    asked: int
    """Sounds that were answered twice."""
    alike: int
    """Those of them that got the same answer both times."""
    answers: int
    """Answers that differ from each other."""
    p_value: float
    """How likely so many would be alike of a model that does not listen."""
    without_speech: Mapping[str, str] = field(default_factory=dict)
    """What it said to silence, noise, hum and a tone."""

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


async def look(deliver: Deliver, dialect: ChatDialect, where: str, form: str) -> Listening:
    """Ask about the sounds. Raises EndpointError where the answers do not depend on them, or hardly any come."""
    sounds = _sounds(form)

    async def answer(sound: Sound) -> str | Failure:
        found = await deliver(dialect.message(sound, NO_ADJUSTMENTS))
        return found if isinstance(found, Failure) else found.label or found.unread or ""

    found = await asyncio.gather(*(answer(sound) for sound in [*sounds.values(), *sounds.values()]))
    pairs = dict(zip(sounds, zip(found[:SOUNDS], found[SOUNDS:], strict=True), strict=True))
    failures = [one for one in found if isinstance(one, Failure)]
    both = {name: (str(one), str(other)) for name, (one, other) in pairs.items() if _are_words(one, other)}
    if len(both) < _FEWEST:
        why = f"{failures[0].kind}: {failures[0].message}" if failures else "no answer"
        raise EndpointError(
            f"{where}: of {SOUNDS} sounds, asked about twice to see whether the model listens, only {len(both)} "
            f"were answered both times ({why}). backend.listening=false leaves it out"
        )
    told = judged([one for one, _ in both.values()], [other for _, other in both.values()])
    told = replace(told, without_speech={name: both[name][0] for name in _WITHOUT_SPEECH if name in both})
    if not told.heard:
        said = ", ".join(sorted({word for pair in both.values() for word in pair if word})) or "none"
        raise EndpointError(
            f"{where}: the answers do not depend on the audio: of {told.asked} sounds (bundled clips, silence, "
            f"noise), asked about twice, {told.alike} were answered alike, no more than any two sounds would be "
            f"(p {told.p_value:.2g}; answers: {said}). Does the server pass the audio on to the model, and take "
            "this form of it (backend.part, backend.audio)? backend.listening=false runs it all the same, and the "
            "report says so"
        )
    return told


_WITHOUT_SPEECH = (_SILENCE, _NOISE, _HUM, _TONE)


def _sounds(form: str) -> dict[str, Sound]:
    """Bundled clips, and sounds without speech."""
    paths = sorted((cards_dir() / "demo" / "clips").glob("*.flac"))
    # They are sorted by speaker and emotion, ten a speaker: a step of 13 meets every speaker and every emotion.
    chosen = [paths[_STEP * place % len(paths)] for place in range(SOUNDS - len(_WITHOUT_SPEECH))]
    clips = {path.stem: Sound(decode(path, keep_encoded=True), form) for path in chosen}
    time_s = np.arange(int(_NO_SPEECH_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    without = {
        _SILENCE: np.zeros(len(time_s)),
        _NOISE: 0.1 * np.random.default_rng(0).standard_normal(len(time_s)),
        _HUM: 0.05 * np.sin(2 * np.pi * _HUM_HZ * time_s),
        _TONE: 0.3 * np.sin(2 * np.pi * _TONE_HZ * time_s),
    }
    return clips | {name: Sound(Waveform(samples=one.astype(np.float32))) for name, one in without.items()}


def _are_words(*answers: str | Failure) -> bool:
    return not any(isinstance(one, Failure) for one in answers)


def _halves(n: int) -> tuple[slice, slice]:
    return slice(0, n), slice(n, 2 * n)
