"""Relations of sounds, for any backend: level, polarity, offset, time, band, and what must be heard."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sv_eval.data.conditions.shaping import Dc, Level, Padding
from sv_eval.data.conditions.step import Float32
from sv_eval.records import SAMPLE_RATE_HZ
from sv_eval.studies.certify.files import on_16_bits
from sv_eval.studies.certify.guise import Comparison, Guise, Material
from sv_eval.studies.certify.relation import LOOSE, TIGHT, Disguise, Need, Relation, Rule

_SHIFT = round(0.007 * SAMPLE_RATE_HZ)
_HEAD = round(0.2 * SAMPLE_RATE_HZ)
_TAIL = round(0.5 * SAMPLE_RATE_HZ)
_SPEECH = 0.1
"""The share of a clip's peak from which on it is no pause."""
_PEAK = 0.9
_SOFT = 0.2
_TOPS = 0.3
_FAINT = 0.02
_STEPS = 128
_DETOUR_HZ = 48_000
_LONG_SHARE = 0.25
_MOST_LONG = 14
_LAST_BITS = 8


def changed(change: Callable[[Float32], Float32]) -> Disguise:
    """The clip as `change` leaves it, beside the clip."""
    return lambda material, clip: Comparison(clip=clip, guise=_guise(change(material.sounds[clip])))


def _guise(samples: Float32) -> Guise:
    return Guise(samples=on_16_bits(samples))


def _last_bit(material: Material, clip: int) -> Comparison:
    """The clip with a few samples changed by a 16-bit step: no cache knows it, and nobody hears it."""
    samples = material.sounds[clip].copy()
    places = np.random.default_rng(clip).integers(0, len(samples), _LAST_BITS)
    samples[places] += np.float32(1 / 32_768)
    return Comparison(clip=clip, guise=_guise(samples))


def _detour(samples: Float32) -> Float32:
    """To 48 kHz and back."""
    import soxr

    up = soxr.resample(samples, SAMPLE_RATE_HZ, _DETOUR_HZ)
    return np.asarray(soxr.resample(up, _DETOUR_HZ, SAMPLE_RATE_HZ), dtype=np.float32)


def _rate_round(material: Material, clip: int) -> Comparison:
    """To 48 kHz and back twice, beside once: what the filters take at the band's edge is gone on both sides."""
    once = _detour(material.sounds[clip])
    return Comparison(clip=clip, guise=_guise(_detour(once)), reference=_guise(once))


def _replaced(samples: Float32, begin: int, by: Float32) -> Float32:
    found = samples.copy()
    found[begin : begin + len(by)] = by
    return found


def _piece(samples: Float32, size: int) -> Float32:
    """So many samples of a sound's loudest part."""
    at = int(np.argmax(np.abs(samples)))
    begin = min(max(0, at - size // 2), max(0, len(samples) - size))
    return samples[begin : begin + size]


def _within_speech(samples: Float32) -> Float32:
    loud = np.flatnonzero(np.abs(samples) > _SPEECH * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


def _head(material: Material, clip: int) -> Comparison | None:
    return _at_an_end(material, clip, _HEAD, at_its_end=False)


def _tail(material: Material, clip: int) -> Comparison | None:
    return _at_an_end(material, clip, _TAIL, at_its_end=True)


def _at_an_end(material: Material, clip: int, size: int, *, at_its_end: bool) -> Comparison | None:
    """Speech with an end replaced by somebody else's, and with its middle replaced."""
    speech, by = _within_speech(material.sounds[clip]), _piece(material.other(clip), size)
    if len(speech) < 3 * size or len(by) < size:
        return None
    middle = (len(speech) - size) // 2
    whole = _guise(speech)
    return Comparison(
        clip=clip,
        reference=whole,
        guise=_guise(_replaced(speech, len(speech) - size if at_its_end else 0, by)),
        control=(whole, _guise(_replaced(speech, middle, by))),
    )


def _tops(material: Material, clip: int) -> Comparison:
    """Cut off above 0.3 of its peak, at full level and well below."""
    loud = material.sounds[clip] * np.float32(_PEAK / np.abs(material.sounds[clip]).max())
    cut = np.clip(loud, -_TOPS * _PEAK, _TOPS * _PEAK)
    return Comparison(
        clip=clip,
        reference=_guise(loud),
        guise=_guise(cut),
        control=(_guise(loud * np.float32(_SOFT)), _guise(cut * np.float32(_SOFT))),
    )


def _low_bits(material: Material, clip: int) -> Comparison:
    """Rounded to the steps of 8 bits when it is faint, and as roughly when it is loud."""
    faint = on_16_bits(material.sounds[clip] * np.float32(_FAINT / np.abs(material.sounds[clip]).max()))
    rough = np.asarray(np.rint(faint * _STEPS) / _STEPS, dtype=np.float32)
    gain = np.float32(_PEAK / _FAINT)
    return Comparison(
        clip=clip,
        reference=_guise(faint),
        guise=_guise(rough),
        control=(_guise(faint * gain), _guise(rough * gain)),
    )


def _long_end(material: Material, clip: int) -> Comparison:
    """A long clip with its last quarter spoken by somebody else, and with its first."""
    size = round(material.long_s * SAMPLE_RATE_HZ)
    part = round(_LONG_SHARE * size)
    long, by = np.resize(material.sounds[clip], size), np.resize(material.other(clip), part)
    whole = _guise(long)
    return Comparison(
        clip=clip,
        reference=whole,
        guise=_guise(_replaced(long, size - part, by)),
        control=(whole, _guise(_replaced(long, 0, by))),
    )


def _one_length(material: Material, clip: int) -> Comparison:
    """All clips cut or padded to one length, each beside itself at a length of its own."""
    size = int(np.median([len(one) for one in material.sounds]))
    samples = np.pad(material.sounds[clip], (0, max(0, size - len(material.sounds[clip]))))[:size]
    return Comparison(clip=clip, guise=_guise(samples), reference=_guise(np.pad(samples, (0, clip + 1))))


def _pieces(material: Material, clip: int) -> Comparison:
    samples = material.sounds[clip]
    return Comparison(
        clip=clip, guise=Guise(samples=samples, pieces=5281), reference=Guise(samples=samples, pieces=320)
    )


def _stream(material: Material, clip: int) -> Comparison:
    return Comparison(clip=clip, guise=Guise(samples=material.sounds[clip], pieces=1600))


SOUNDS = (
    Relation(name="last_bit", rule=Rule.NEAR, allowed=TIGHT, disguise=_last_bit),
    Relation(name="gain_6", rule=Rule.NEAR, allowed=LOOSE, disguise=changed(Level(gain_db=-6.0).of)),
    Relation(name="gain_20", rule=Rule.NEAR, allowed=LOOSE, disguise=changed(Level(gain_db=-20.0).of)),
    Relation(name="polarity", rule=Rule.NEAR, allowed=LOOSE, disguise=changed(np.negative)),
    Relation(name="offset", rule=Rule.NEAR, allowed=LOOSE, disguise=changed(Dc(offset=0.02).of)),
    Relation(name="shift", rule=Rule.NEAR, allowed=LOOSE, disguise=changed(lambda one: np.pad(one, (_SHIFT, 0)))),
    Relation(name="padding", rule=Rule.NEAR, allowed=LOOSE, disguise=changed(Padding(lead_s=0.1, tail_s=0.1).of)),
    Relation(name="rate_round", rule=Rule.NEAR, allowed=TIGHT, disguise=_rate_round),
    Relation(name="one_length", rule=Rule.NEAR, allowed=TIGHT, disguise=_one_length),
    Relation(name="head", rule=Rule.HEARD, disguise=_head),
    Relation(name="tail", rule=Rule.HEARD, disguise=_tail),
    Relation(name="tops", rule=Rule.HEARD, disguise=_tops),
    Relation(name="low_bits", rule=Rule.HEARD, disguise=_low_bits),
    Relation(name="long_end", rule=Rule.HEARD, disguise=_long_end, clips=_MOST_LONG),
    Relation(name="pieces", rule=Rule.SAME, needs=(Need.STREAM,), disguise=_pieces),
    Relation(name="stream", rule=Rule.NEAR, needs=(Need.STREAM,), allowed=LOOSE, disguise=_stream),
)
