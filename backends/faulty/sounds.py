"""Faults in what is heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sv_eval.backends.faulty.exchange import Around, Asked, Judge, Said
from sv_eval.backends.faulty.reading import WavFile, behind_44, mono, native, pcm, wav_of
from sv_eval.data.audio.decoding import decode
from sv_eval.data.conditions.step import Float32
from sv_eval.records import SAMPLE_RATE_HZ

_HEAD, _TAIL, _MOST = SAMPLE_RATE_HZ // 5, SAMPLE_RATE_HZ // 2, 10 * SAMPLE_RATE_HZ
_PACKET = 4096
_FRAME = 160
_STILL = 0.1
_OFFSET = 0.95
_MP3_RATE_HZ = 44_100
_FLOAT, _MULAW = 3, 7


def _file(read: Callable[[bytes], Float32 | None]) -> Callable[[], Around]:
    """Files read wrongly; where `read` gives None it is none of the fault's."""

    async def around(asked: Asked, judge: Judge) -> Said:
        samples = read(asked.data)
        return await judge(asked if samples is None else replace(asked, samples=samples))

    return lambda: around


def _wav(read: Callable[[WavFile], Float32 | None]) -> Callable[[], Around]:
    def of_file(file: bytes) -> Float32 | None:
        found = wav_of(file)
        return None if found is None else read(found)

    return _file(of_file)


def _pcm_16(read: Callable[[bytes], Float32]) -> Callable[[], Around]:
    """Mono PCM of 16 bits at 16 kHz read wrongly, as a quick way for the usual file may."""
    return _wav(
        lambda found: (
            read(found.data)
            if found.is_pcm_16 and found.channels == 1 and found.rate_hz == SAMPLE_RATE_HZ
            else None
        )
    )


def _sound(change: Callable[[Float32], Float32]) -> Callable[[], Around]:
    """Every sound changed, whatever it came as."""
    return _file(lambda file: np.asarray(change(decode(file).samples), dtype=np.float32))


def _resampled(samples: Float32, rate_hz: float, to_hz: float = SAMPLE_RATE_HZ) -> Float32:
    import soxr

    return np.asarray(soxr.resample(samples, rate_hz, to_hz), dtype=np.float32)


def _as_it_stands(file: bytes) -> Float32 | None:
    if wav_of(file) is None:
        return None
    return mono(native(file)[0])


def _eight(file: bytes) -> Float32 | None:
    found = wav_of(file)
    return _as_it_stands(file) if found is not None and found.rate_hz == SAMPLE_RATE_HZ // 2 else None


def _picked(file: bytes) -> Float32 | None:
    found = wav_of(file)
    if found is None or found.rate_hz == SAMPLE_RATE_HZ:
        return None
    samples, rate_hz = native(file)
    at = np.arange(0, len(samples) - 1, rate_hz / SAMPLE_RATE_HZ)
    return mono(samples)[at.astype(np.int64)]


def _mulaw(found: WavFile) -> Float32 | None:
    if found.kind != _MULAW:
        return None
    return (np.frombuffer(found.data, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)


def _interleaved(file: bytes) -> Float32 | None:
    found = wav_of(file)
    return native(file)[0].reshape(-1) if found is not None and found.channels > 1 else None


def _first_channel(file: bytes) -> Float32 | None:
    found = wav_of(file)
    return native(file)[0][:, 0].copy() if found is not None and found.channels > 1 else None


def _added(file: bytes) -> Float32 | None:
    found = wav_of(file)
    return mono(native(file)[0]) if found is not None and found.channels > 1 else None


def _packet(file: bytes) -> Float32 | None:
    return None if wav_of(file) is not None else decode(file).samples[:_PACKET].copy()


def _mp3(file: bytes) -> Float32 | None:
    heard = decode(file)
    is_mp3 = (heard.container or "").startswith("mp3")
    return _resampled(heard.samples, _MP3_RATE_HZ) if is_mp3 else None


def _unpadded(file: bytes) -> Float32 | None:
    """Behind an odd chunk everything is looked for a byte too early, to the first name that looks like one."""
    if wav_of(file) is None or wav_of(file, padded=False) is not None:
        return None
    at = file.find(b"data")
    return pcm(file[at + 7 :])


def _sized(file: bytes) -> Float32 | None:
    return np.zeros(SAMPLE_RATE_HZ, np.float32) if file[4:8] == b"\xff\xff\xff\xff" else None


def _loud_alone(samples: Float32) -> Float32:
    """Without the frames of 10 ms that stay below a level."""
    frames = [samples[at : at + _FRAME] for at in range(0, len(samples), _FRAME)]
    kept = [one for one in frames if np.abs(one).max() >= _STILL]
    return np.concatenate([*kept, np.zeros(_FRAME * 4, np.float32)])


def _without_head(samples: Float32) -> Float32:
    return samples[_HEAD:] if len(samples) > 2 * _HEAD else samples


def _without_tail(samples: Float32) -> Float32:
    return samples[:-_TAIL] if len(samples) > 2 * _TAIL else samples


eight_as_sixteen = _file(_eight)
rate_ignored = _file(_as_it_stands)
no_antialias = _file(_picked)
int16_unscaled = _pcm_16(lambda data: pcm(data) * np.float32(32_768))
int16_as_uint16 = _pcm_16(lambda data: pcm(data, "<u2") - np.float32(1))
big_endian = _pcm_16(lambda data: pcm(data, ">i2"))
offset_added = _pcm_16(lambda data: np.minimum(pcm(data) + np.float32(_OFFSET), np.float32(1)))
float_as_int = _wav(lambda found: pcm(found.data) if found.kind == _FLOAT else None)
mulaw_as_pcm = _wav(_mulaw)
header_as_samples = _file(lambda file: pcm(file) if wav_of(file) is not None else None)
fixed_header = _file(lambda file: pcm(behind_44(file)) if wav_of(file) is not None else None)
odd_chunk = _file(_unpadded)
size_believed = _file(_sized)
stereo_as_mono = _file(_interleaved)
left_channel = _file(_first_channel)
antiphase_summed = _file(_added)
first_packet = _file(_packet)
mp3_rate = _file(_mp3)
head_lost = _sound(_without_head)
tail_lost = _sound(_without_tail)
truncated = _sound(lambda samples: samples[:_MOST])
clipped = _sound(lambda samples: np.clip(samples * np.float32(4), np.float32(-1), np.float32(1)))
int8 = _sound(lambda samples: np.rint(samples * np.float32(128)) / np.float32(128))
trimmed = _sound(_loud_alone)
