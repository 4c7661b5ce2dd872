"""Audio in the rows of a Hugging Face table, as bytes or as the name of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.fingerprint import END_BYTES, digest_of_ends, ends_of_file
from sv_eval.errors import AudioError
from sv_eval.records import Clip, Waveform

_FILE = ("string", "large_string", "binary", "large_binary")


def holds_files(feature: Any) -> bool:
    """Whether a column of this feature holds encoded audio, or names of files, as Hugging Face's Audio does."""
    if isinstance(feature, dict):
        parts = [feature[name] for name in ("bytes", "path") if name in feature]
        return bool(parts) and all(getattr(part, "dtype", None) in _FILE for part in parts)
    return type(feature).__name__ == "Audio" or getattr(feature, "dtype", None) in _FILE


class RowSource:
    """The audio of a table's rows; it learns on walking them which clip is which row."""

    def __init__(self, audio: Any, column: str, root: Path | None, limits: AudioLimits) -> None:
        self._audio = audio
        self._column = column
        self._root = root
        self._limits = limits
        self._rows: dict[str, int] = {}
        self._known: list[bytes | str | None] = []
        """By row: a digest of the ends of its bytes, or the file that it names instead."""

    def walk(self) -> Iterator[tuple[int | None, str | None]]:
        """Size and name of each row's audio. Of the bytes only both ends are read, the others stay on disk."""
        import pyarrow.compute as compute

        for chunk in self._audio.with_format("arrow").iter(batch_size=1000):
            cells = chunk.column(self._column)
            content, paths = (compute.struct_field(cells, name) for name in ("bytes", "path"))
            sizes = compute.binary_length(content)
            heads = compute.binary_slice(content, 0, END_BYTES)
            tails = compute.binary_slice(content, -END_BYTES)
            for size, path, head, tail in zip(sizes, paths, heads, tails, strict=True):
                name = path.as_py()
                self._known.append(name if size.as_py() is None else digest_of_ends(head.as_py(), tail.as_py()))
                yield size.as_py(), name

    def locate(self, clip_id: str, row: int) -> None:
        """Remembers a clip's row."""
        self._rows[clip_id] = row

    def ends(self, clip: Clip) -> bytes | None:
        """A digest of the ends of the clip's encoded audio; None where there is none."""
        known = self._known[self._row(clip)]
        return ends_of_file(str(self._file(known))) if isinstance(known, str) else known

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        """The clip's audio, decoded from the bytes in its row or from the file that the row names."""
        return decode(self.encoded(clip), limits=self._limits, channel=clip.channel, keep_encoded=keep_encoded)

    def encoded(self, clip: Clip) -> Path | bytes:
        """The bytes in the clip's row, or the file that the row names; raises AudioError where there is neither."""
        row = self._row(clip)
        cell = self._audio[row][self._column] or {}
        content, path = cell.get("bytes"), cell.get("path")
        if content is not None:
            return bytes(content)
        if path is None:
            raise AudioError("not_found", f"row {row} holds no audio; leave it out or mend the data set")
        return self._file(path)

    def _row(self, clip: Clip) -> int:
        """The clip's row; clips of the channels of a row are called by it."""
        return self._rows[clip.id if clip.id in self._rows else clip.id.rpartition("#")[0]]

    def _file(self, path: str) -> Path:
        return Path(path) if self._root is None else self._root / path
