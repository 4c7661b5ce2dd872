"""The sound of a finished run's clips, from where they lie: as the recogniser heard them, cut and mixed alike."""

from __future__ import annotations

import base64
import io
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.corpus.reading import dataset_config_from, open_corpus
from sv_eval.data.corpus.source import EncodedSource, FileSource
from sv_eval.errors import AudioError, SvEvalError
from sv_eval.records import SAMPLE_RATE_HZ, Clip
from sv_eval.report.environment import Environment

_SHAREABLE = (
    "CC0",
    "CC-BY",
    "CC-PDDC",
    "PDDL",
    "ODbL",
    "DbCL",
    "MIT",
    "Apache",
    "BSD",
    "Unlicense",
    "GPL",
    "LGPL",
    "ISC",
)
"""How identifiers of licences begin that let anybody pass the clips on."""
_UNCHANGED_ONLY = "-ND"
"""No derivatives: a clip that was cut, mixed and encoded anew is one."""
_OPUS_HZ = 48_000
_BITS_PER_S = 24_000


def may_be_passed_on(licence: str) -> bool:
    """Whether a card's licence is known to allow handing clips, encoded anew, to others.

    >>> may_be_passed_on("CC-BY-NC-SA-4.0"), may_be_passed_on("CC-BY-NC-ND-4.0"), may_be_passed_on("unknown")
    (True, False, False)
    """
    parts = licence.replace(" OR ", " AND ").split(" AND ")
    return all(part.strip(" ()").startswith(_SHAREABLE) and _UNCHANGED_ONLY not in part for part in parts)


class RunSounds:
    """Reads clips where a run's configuration says that they lie.

    root: the corpus's folder, where it lies elsewhere by now.
    """

    def __init__(self, environment: Environment, root: str | None = None) -> None:
        self._config: Mapping[str, Any] = environment.config.get("dataset") or {}
        self._root = root
        self._folder: Path | str | None = None

    @cached_property
    def _source(self) -> EncodedSource:
        # Only now: an opened corpus may look through folders, or ask for a data set.
        config = dataset_config_from({key: value for key, value in self._config.items() if value is not None})
        if self._root is not None:
            config = replace(config, root=self._root)
        _, found = open_corpus(config)
        if not isinstance(found.source, FileSource):
            # A table's source learns on the way which clip is which row.
            deque(found.entries, maxlen=0)
        self._folder = found.source.root if isinstance(found.source, FileSource) else config.root
        return found.source

    def samples(self, clip: Clip) -> NDArray[np.float32]:
        """Mono samples at 16 kHz; raises AudioError, also for a file that is not below the corpus's folder."""
        source = self._source
        encoded = source.encoded(clip)
        if isinstance(encoded, Path):
            _refuse_outside(self._folder, encoded)
        return source.load(clip).samples


def _refuse_outside(root: Path | str | None, path: Path) -> None:
    """Raises AudioError for a file whose own place, links followed, is not below `root`."""
    try:
        inside = root is not None and path.resolve().is_relative_to(Path(root).resolve())
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside:
        raise AudioError("not_found", "the clip's file is not below the corpus's folder, and stays unread")


def as_wav(samples: NDArray[np.float32]) -> bytes:
    """A WAV file of 16 bits, which every browser plays."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


def as_opus(samples: NDArray[np.float32]) -> bytes:
    """An Ogg file of Opus at 24 kbit/s: a second of speech in 3 kB."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=_OPUS_HZ, layout="mono")
        stream.bit_rate = _BITS_PER_S
        frame = av.AudioFrame.from_ndarray(
            (np.clip(samples, -1, 1) * 32767).astype(np.int16)[None, :], format="s16", layout="mono"
        )
        frame.sample_rate = SAMPLE_RATE_HZ
        resampler = av.AudioResampler(format="s16", layout="mono", rate=_OPUS_HZ)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def embedded(
    clips: Iterable[tuple[int, Clip]], sounds: RunSounds, most_bytes: int
) -> tuple[dict[str, str], bool, SvEvalError | None]:
    """Sounds by row as base64, up to a size; whether all found room; the first error of a clip that has none."""
    held: dict[str, str] = {}
    size, trouble = 0, None
    for row, clip in clips:
        try:
            text = base64.b64encode(as_opus(sounds.samples(clip))).decode()
        except SvEvalError as error:
            trouble = trouble or error
            continue
        if size + len(text) > most_bytes:
            return held, False, trouble
        held[str(row)], size = text, size + len(text)
    return held, True, trouble
