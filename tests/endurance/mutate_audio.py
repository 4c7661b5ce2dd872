"""Audio files that were damaged: decoding ends with samples or with a kind of its own, in time and within memory.

    python tests/endurance/mutate_audio.py --files 100000 --seed 0

A short sound is written in every container and coding that libsndfile and FFmpeg write here, with one, two and
six channels and at several rates, beside files that unpack to minutes. Copies of them are damaged and decoded, as
bytes and as files, in two processes of which each decodes hundreds: a process that crashes, hangs, or grows beyond
its bound names the file that it was at, and another goes on behind it.
"""

from __future__ import annotations

import argparse
import io
import itertools
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parent))

from mutations import KINDS, damaged

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.errors import AudioError

_LIMITS = AudioLimits(min_duration_s=0.1, max_duration_s=20, max_encoded_bytes=1 << 20, max_decoded_bytes=1 << 24)
_HANG_S = 20
_MEMORY_MIB = 200
"""How much a process may grow beyond what it is after the undamaged files."""
_BATCH = 500
_SECONDS = 0.3
_PROCESSES = 2
_MUXED = (
    ("adts", "aac"), ("mp4", "aac"), ("mov", "pcm_s16le"), ("ipod", "alac"), ("mp4", "flac"), ("mp4", "opus"),
    ("matroska", "aac"), ("matroska", "vorbis"), ("webm", "opus"), ("webm", "libopus"), ("webm", "libvorbis"),
    ("mpegts", "aac"), ("mpegts", "mp2"), ("mpegts", "ac3"), ("mpeg", "mp2"), ("asf", "wmav2"), ("asf", "wmav1"),
    ("avi", "pcm_s16le"), ("avi", "adpcm_ms"), ("avi", "mp2"), ("flv", "aac"), ("flv", "adpcm_swf"), ("ac3", "ac3"),
    ("eac3", "eac3"), ("tta", "tta"), ("wv", "wavpack"), ("voc", "pcm_u8"), ("au", "pcm_mulaw"), ("ogg", "flac"),
    ("ogg", "libspeex"), ("oga", "vorbis"), ("caf", "alac"), ("aiff", "pcm_s16be"), ("wav", "adpcm_ima_wav"),
    ("wav", "pcm_f64le"), ("w64", "pcm_s24le"), ("amr", "libopencore_amrnb"), ("mp3", "libmp3lame"), ("rm", "ac3"),
    ("matroska", "truehd"), ("matroska", "dca"), ("3gp", "aac"), ("spdif", "ac3"), ("caf", "pcm_alaw"),
)  # fmt: skip


def sound(rate: int, channels: int) -> np.ndarray:
    """A short sound."""
    steps = np.arange(round(_SECONDS * rate)) / rate
    one = 0.3 * np.sin(2 * np.pi * 220 * steps) * (1 + np.sin(2 * np.pi * 5 * steps))
    return np.repeat(one.astype(np.float32)[:, None], channels, axis=1)


def of_libsndfile() -> Iterator[tuple[str, bytes]]:
    """Every format and coding that libsndfile writes."""
    shapes = itertools.cycle([(16_000, 1), (44_100, 2), (8_000, 1), (48_000, 6)])
    for form in sorted(set(soundfile.available_formats()) - {"RAW", "SD2"}):
        for coding in soundfile.available_subtypes(form):
            for rate, channels in (next(shapes), (16_000, 1)):
                file = io.BytesIO()
                try:
                    soundfile.write(file, sound(rate, channels), rate, format=form, subtype=coding)
                except (soundfile.LibsndfileError, ValueError, TypeError):
                    continue
                yield f"{form} {coding}", file.getvalue()


def of_ffmpeg() -> Iterator[tuple[str, bytes]]:
    """The containers that FFmpeg writes here."""
    for form, coding in _MUXED:
        for rate, channels in ((16_000, 1), (48_000, 2), (8_000, 1)):
            file = io.BytesIO()
            try:
                with av.open(file, "w", format=form) as container:
                    stream = container.add_stream(coding, rate=rate, layout="mono" if channels == 1 else "stereo")
                    samples = np.ascontiguousarray((sound(rate, channels) * 32767).astype(np.int16).reshape(1, -1))
                    frame = av.AudioFrame.from_ndarray(samples, "s16", "mono" if channels == 1 else "stereo")
                    frame.sample_rate = rate
                    for packet in (*stream.encode(frame), *stream.encode(None)):
                        container.mux(packet)
            except (av.FFmpegError, ValueError, OSError, RuntimeError, TypeError):
                continue
            yield f"{form} {coding}", file.getvalue()


def long_ones() -> Iterator[tuple[str, bytes]]:
    """Small files that unpack to minutes."""
    for form, coding in (("FLAC", "PCM_16"), ("OGG", "OPUS"), ("OGG", "VORBIS")):
        file = io.BytesIO()
        with soundfile.SoundFile(file, "w", 16_000, 1, format=form, subtype=coding) as writer:
            for _ in range(3):
                writer.write(np.zeros(16_000 * 60, np.float32))
        yield f"long {form} {coding}", file.getvalue()


def outcome(data: bytes, place: Path | None) -> str:
    """What decoding ended with; what was wrong about it begins with an exclamation mark."""
    try:
        if place is not None:
            place.write_bytes(data)
        waveform = decode(data if place is None else place, limits=_LIMITS)
    except AudioError as error:
        return error.kind if error.kind in KINDS and "\n" not in str(error) else f"!{error.kind}: {error!r}"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"!{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {str(error)[:80]!r}"
    samples = waveform.samples
    if samples.dtype != np.float32 or not np.isfinite(samples).all() or not len(samples):
        return "!samples that are none"
    return "audio" if len(samples) <= _LIMITS.max_duration_s * 16_000 else "!longer than the limit"


class Board:
    """Memory that both processes see: the file that a child is at, and what it found so far."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    @property
    def at(self) -> int:
        """The number of the file."""
        return int(struct.unpack("q", self._memory[:8])[0])

    @at.setter
    def at(self, number: int) -> None:
        self._memory[:8] = struct.pack("q", number)


def file_of(number: int, seed: int, seeds: list[tuple[str, bytes]]) -> tuple[str, bytes, bool]:
    """The damaged file of that number: its form, its bytes, and whether it is to lie on the disk."""
    drawn = random.Random(f"{seed}:{number}")
    name, data = seeds[number % len(seeds)]
    return name, damaged(data, drawn), drawn.random() < 0.2


def decoded(
    numbers: range, seed: int, seeds: list[tuple[str, bytes]], board: Board, pipe: int, place: Path
) -> None:
    """The work of a child: a line for each kind of outcome, with the first file's number."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Libraries in C tell of what they find on whatever is there.
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    # The signal ends the process, also where a library in C never comes back.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for number in numbers:
        board.at = number
        signal.alarm(_HANG_S)
        name, data, on_disk = file_of(number, seed, seeds)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = outcome(data, place if on_disk else None)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
        if grown > _MEMORY_MIB:
            said = f"!grew by {grown:.0f} MiB"
            memory += int(grown * 1024)
        os.write(pipe, f"{number}\t{name}\t{said}\n".encode())
    os._exit(0)


class Findings:
    """What became of the files."""

    def __init__(self, asked: argparse.Namespace, seeds: list[tuple[str, bytes]]) -> None:
        self._asked, self._seeds = asked, seeds
        self.kinds, self.faults, self.first = Counter[str](), Counter[str](), dict[str, int]()
        self.forms = set[str]()
        """Those of which a damaged file still was audio."""

    def note(self, number: int, name: str, said: str) -> None:
        """Keep what one file ended with."""
        wrong = said.startswith("!")
        self.kinds["wrong" if wrong else said] += 1
        if said == "audio":
            self.forms.add(name)
        if not wrong:
            return
        self.faults[f"{name}: {said[1:]}"] += 1
        self.first.setdefault(f"{name}: {said[1:]}", number)
        keep = self._asked.keep
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{number}").write_bytes(file_of(number, self._asked.seed, self._seeds)[1])

    def read(self, pipe: int, numbers: range, board: Board, status: int) -> int:
        """Keep what a child told; the number to go on with."""
        os.lseek(pipe, 0, os.SEEK_SET)
        with os.fdopen(pipe, "rb") as told:
            for line in told:
                number, name, said = line.decode(errors="replace").rstrip("\n").split("\t")
                self.note(int(number), name, said)
        if not status:
            return numbers.stop
        how = os.waitstatus_to_exitcode(status)
        said = "!hangs" if how == -signal.SIGALRM else f"!ends the process ({how})"
        self.note(board.at, self._seeds[board.at % len(self._seeds)][0], said)
        return board.at + 1


def main() -> None:
    """Write, damage, decode, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the files that a fault was found with")
    asked = parser.parse_args()
    av.logging.set_level(None)
    seeds = [*of_libsndfile(), *of_ffmpeg(), *long_ones()]
    # Whatever is loaded when it is needed first is loaded now, and counts as no growth.
    known = Counter(outcome(data, None) for _, data in seeds)
    print(f"{len(seeds)} files of {len({name for name, _ in seeds})} forms, undamaged: {dict(known)}", flush=True)
    begin, found = time.perf_counter(), Findings(asked, seeds)
    waiting = [range(n, min(n + _BATCH, asked.files)) for n in range(0, asked.files, _BATCH)][::-1]
    working: dict[int, tuple[int, range, Board]] = {}
    with tempfile.TemporaryDirectory() as folder:
        while waiting or working:
            while waiting and len(working) < _PROCESSES:
                numbers, board = waiting.pop(), Board()
                pipe = os.open(folder, os.O_TMPFILE | os.O_RDWR)
                pid = os.fork()
                if pid == 0:
                    decoded(numbers, asked.seed, seeds, board, pipe, Path(folder) / f"{numbers.start}")
                working[pid] = pipe, numbers, board
            pid, status = os.wait()
            pipe, numbers, board = working.pop(pid)
            go_on = found.read(pipe, numbers, board, status)
            if go_on < numbers.stop:
                waiting.append(range(go_on, numbers.stop))
    took_s = time.perf_counter() - begin
    print(f"{sum(found.kinds.values())} damaged files in {took_s:.0f} s: {sum(found.faults.values())} faults")
    print(f"  {dict(found.kinds.most_common())}; of {len(found.forms)} forms some still were audio")
    for what, many in found.faults.most_common():
        print(f"  {many} x (first: {found.first[what]}) {what}")
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()
