"""Relations of files: containers, formats, channels, rates and headers that hold one sound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sv_eval.data.audio.decoding import decode
from sv_eval.data.conditions.step import Float32
from sv_eval.records import SAMPLE_RATE_HZ
from sv_eval.studies.certify.files import by_ffmpeg, by_sndfile, chunk, on_16_bits, wav
from sv_eval.studies.certify.guise import Comparison, Guise, Material
from sv_eval.studies.certify.relation import LOOSE, TIGHT, Disguise, Need, Relation, Rule

_BIG_CHUNK = 24_000
_HISS_HZ = (10_000, 20_000)
_HISS = 0.3
_WIDE_HZ = 48_000

File = Callable[[Float32], bytes]


def exactly(make: File, form: str = "wav") -> Disguise:
    """A file without loss, beside the clip."""

    def disguise(material: Material, clip: int) -> Comparison:
        samples = material.sounds[clip]
        return Comparison(clip=clip, guise=Guise(samples=samples, file=make(samples), form=form))

    return disguise


def as_decoded(make: File, form: str = "wav") -> Disguise:
    """A file that changes the sound, beside a wav of what this project's own decoder hears in it."""

    def disguise(material: Material, clip: int) -> Comparison:
        file = make(material.sounds[clip])
        heard = on_16_bits(decode(file).samples)
        return Comparison(
            clip=clip, guise=Guise(samples=heard, file=file, form=form), reference=Guise(samples=heard)
        )

    return disguise


def _at_rate(rate_hz: int) -> File:
    return lambda samples: wav(_resampled(samples, rate_hz), rate_hz)


def _resampled(samples: Float32, rate_hz: int) -> Float32:
    import soxr

    return np.asarray(soxr.resample(samples, SAMPLE_RATE_HZ, rate_hz), dtype=np.float32)


def _with_hiss(samples: Float32) -> bytes:
    """At 48 kHz, with a hiss above what a recogniser hears."""
    from scipy.fft import next_fast_len

    wide = _resampled(samples, _WIDE_HZ)
    size = next_fast_len(len(wide), real=True)
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=size))
    at_hz = np.fft.rfftfreq(size, 1 / _WIDE_HZ)
    spectrum[(at_hz < _HISS_HZ[0]) | (at_hz > _HISS_HZ[1])] = 0
    hiss = np.fft.irfft(spectrum, size)[: len(wide)]
    hiss *= _HISS * np.abs(wide).max() / np.abs(hiss).max()
    return wav((wide + hiss).astype(np.float32) * np.float32(0.75), _WIDE_HZ)


def _channels(left: float, right: float) -> File:
    return lambda samples: wav(np.stack([samples * np.float32(left), samples * np.float32(right)], axis=1))


def _beside_mono(left: float, right: float) -> Disguise:
    def disguise(material: Material, clip: int) -> Comparison:
        samples = material.sounds[clip]
        return Comparison(clip=clip, guise=Guise(samples=samples, file=_channels(left, right)(samples)))

    return disguise


def _big_chunk(samples: Float32) -> bytes:
    """Loud rubbish in a chunk that nobody knows, before the samples."""
    rubbish = np.random.default_rng(1).integers(0, 256, _BIG_CHUNK, dtype=np.uint8).tobytes()
    return wav(samples, before=chunk(b"junk", rubbish))


def _odd_list(samples: Float32) -> bytes:
    return wav(samples, before=chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"certify")[:-1]))


def _doubled_rate(material: Material, clip: int) -> Comparison:
    """The clip's samples under a header of twice their rate, and what that sounds like."""
    samples = material.sounds[clip]
    file = wav(samples, 2 * SAMPLE_RATE_HZ)
    fast = on_16_bits(decode(file).samples)
    plain = Guise(samples=samples)
    return Comparison(
        clip=clip,
        reference=plain,
        guise=Guise(samples=fast, file=file),
        control=(plain, Guise(samples=fast)),
    )


def _one_name(material: Material, clip: int) -> Comparison:
    return Comparison(clip=clip, guise=Guise(samples=material.sounds[clip], name="recording"))


def _two_names(material: Material, clip: int) -> Comparison:
    return Comparison(clip=clip, guise=Guise(samples=material.sounds[clip], name=f"recording ({clip}) é"))


_FILES = (Need.FILES,)


def _same(name: str, disguise: Disguise) -> Relation:
    return Relation(name=name, rule=Rule.SAME, needs=_FILES, disguise=disguise)


def _near(name: str, disguise: Disguise, allowed: float = TIGHT) -> Relation:
    return Relation(name=name, rule=Rule.NEAR, needs=_FILES, allowed=allowed, disguise=disguise)


FILES = (
    _same("flac", exactly(lambda one: by_sndfile(one, "FLAC"), "flac")),
    _near("ogg", as_decoded(lambda one: by_sndfile(one, "OGG"), "ogg")),
    _near("mp3", as_decoded(lambda one: by_ffmpeg(one, "mp3"), "mp3"), LOOSE),
    _near("m4a", as_decoded(lambda one: by_ffmpeg(one, "m4a"), "m4a")),
    _near("webm", as_decoded(lambda one: by_ffmpeg(one, "webm"), "webm")),
    _same("int24", exactly(lambda one: by_sndfile(one, "WAV", "PCM_24"))),
    _same("float32", exactly(lambda one: by_sndfile(one, "WAV", "FLOAT"))),
    _near("mulaw", as_decoded(lambda one: by_sndfile(one, "WAV", "ULAW"))),
    _same("dual_mono", _beside_mono(1, 1)),
    _near("left_only", _beside_mono(1, 0), LOOSE),
    _near("right_only", _beside_mono(0, 1), LOOSE),
    Relation(
        name="antiphase",
        rule=Rule.NEAR,
        needs=_FILES,
        allowed=LOOSE,
        disguise=_beside_mono(1, -1),
        refusal_holds=True,
    ),
    # Above their band there is nothing, and a model hears how it was rounded.
    _near("rate_8000", as_decoded(_at_rate(8000)), LOOSE),
    _near("rate_22050", as_decoded(_at_rate(22_050))),
    _near("rate_44100", as_decoded(_at_rate(44_100))),
    _near("rate_48000", as_decoded(_at_rate(48_000))),
    _near("above_band", as_decoded(_with_hiss)),
    Relation(name="doubled_rate", rule=Rule.HEARD, needs=_FILES, disguise=_doubled_rate),
    _same("big_chunk", exactly(_big_chunk)),
    _same("odd_list", exactly(_odd_list)),
    _same("extensible", exactly(lambda one: wav(one, extensible=True))),
    _same("unknown_size", exactly(lambda one: wav(one, unknown_size=True))),
    _same("one_name", _one_name),
    _same("two_names", _two_names),
)
