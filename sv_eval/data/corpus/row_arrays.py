"""Audio in the rows of a table as samples: `{array, sampling_rate}` as Hugging Face decodes it, or a list alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.fingerprint import END_BYTES, digest_of_ends
from sv_eval.data.corpus.row_source import RowSource
from sv_eval.errors import AudioError, CorpusError
from sv_eval.records import Clip

RATE_COLUMNS = ("sampling_rate", "sample_rate", "sr")
"""What a rate beside the samples is called."""
_FULL_SCALE_16 = 32_768
_MOST_CHANNELS = 64


def holds_samples(feature: Any) -> bool:
    """Whether a column of this feature holds samples, or samples with their rate."""
    return _is_list(feature.get("array") if isinstance(feature, dict) else feature)


def _is_list(feature: Any) -> bool:
    """Whether it is a list of numbers, or of lists of numbers, one a channel."""
    if isinstance(feature, list):
        return len(feature) == 1 and (_is_number(feature[0]) or _is_list(feature[0]))
    inner = getattr(feature, "feature", None)
    return inner is not None and (_is_number(inner) or _is_list(inner))


def _is_number(feature: Any) -> bool:
    return str(getattr(feature, "dtype", "")).startswith(("float", "int", "uint"))


class ArraySource(RowSource):
    """The samples of a table's rows, each handed on as a wav of as many bits: all else reads it as a file."""

    def __init__(self, table: Any, column: str, root: Path | None, limits: AudioLimits) -> None:
        super().__init__(table, column, root, limits)
        beside = next((name for name in RATE_COLUMNS if name in table.column_names), None)
        self._rate_column = beside
        if not isinstance(table.features[column], dict) and beside is None:
            raise CorpusError(
                f"the column '{column}' holds samples and nothing says their rate; add a column "
                f"{' or '.join(RATE_COLUMNS)} to the data set (Hz), or store the audio as {{array, sampling_rate}}"
            )

    def walk(self) -> Iterator[tuple[int | None, str | None]]:
        """Size of each row's samples in bytes and what names it."""
        for row in range(len(self._audio)):
            cell = self._audio[row]
            content = b""
            # What is no sound is told by its clip, when it is its turn.
            with suppress(AudioError):
                samples = _samples(self._cell(cell))
                content = b"" if samples is None else samples.tobytes()
            head = f"{self._rate_hz(cell)} ".encode() + content[:END_BYTES]
            self._known.append(digest_of_ends(head, content[-END_BYTES:]))
            own = cell[self._column]
            path = own.get("path") if isinstance(own, dict) else None
            yield len(content), path

    def encoded(self, clip: Clip) -> bytes:
        """The samples of the clip's row as a wav; raises AudioError where there are none, or no rate."""
        import soundfile

        row = self._row(clip)
        cell = self._audio[row]
        samples, rate_hz = _samples(self._cell(cell)), self._rate_hz(cell)
        if samples is None or rate_hz is None:
            what = "samples" if samples is None else "sample rate"
            raise AudioError("not_found", f"row {row} holds no {what}; leave it out or mend the data set")
        file = io.BytesIO()
        subtype = "PCM_16" if samples.dtype == np.int16 else "FLOAT"
        soundfile.write(file, samples, rate_hz, format="WAV", subtype=subtype)
        return file.getvalue()

    def _cell(self, row: Any) -> Any:
        cell = row[self._column]
        return cell.get("array") if isinstance(cell, dict) else cell

    def _rate_hz(self, row: Any) -> int | None:
        cell = row[self._column]
        beside = cell if isinstance(cell, dict) else {}
        rate = next((beside[name] for name in RATE_COLUMNS if beside.get(name)), None)
        rate = row[self._rate_column] if rate is None and self._rate_column is not None else rate
        return None if not rate else int(rate)


def _samples(values: Any) -> NDArray[Any] | None:
    """Samples as int16 or float32, shape [n] or [n, channels]; None for none. Raises AudioError.

    Integers are those of 16 bits, whatever they are stored as; floats have full scale 1, as everywhere.
    """
    if values is None or not len(values):
        return None
    try:
        found = np.asarray(values)
    except ValueError:
        found = np.asarray(None)
    if found.dtype.kind not in "iuf" or found.ndim > 2:
        raise AudioError("not_audio", "the row's samples are no list of numbers, or channels of unequal length")
    if found.ndim == 2 and found.shape[0] <= _MOST_CHANNELS:
        found = found.T
    if found.dtype.kind == "f":
        return found.astype(np.float32)
    if found.min() < -_FULL_SCALE_16 or found.max() >= _FULL_SCALE_16:
        raise AudioError(
            "wrong_scale", "the row's samples are integers beyond 16 bits; store them as floats from -1 to 1"
        )
    return found.astype(np.int16)
