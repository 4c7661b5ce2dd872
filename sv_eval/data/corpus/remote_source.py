"""A corpus's audio in a store elsewhere: sizes, ends and sound, fetched ahead of who asks for them."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, cast

from sv_eval.backend import Location
from sv_eval.data.audio.decoding import OpenFile, decode
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.fingerprint import END_BYTES, digest_of_ends
from sv_eval.data.corpus.tree import forms_of
from sv_eval.data.storage.place import ABREAST, Place, StorageError, all_at_once
from sv_eval.data.storage.ranged_file import RangedFile
from sv_eval.errors import AudioError
from sv_eval.records import Clip, Waveform

_WHOLE_BYTES = 1 << 20
"""Up to here a file is fetched whole, also for a stretch of it: one request is quicker than several."""


class RemoteSizes:
    """Sizes of the files below a place, by the names that a table gives them."""

    def __init__(self, root: Place) -> None:
        self._root = root
        self._known: dict[str, int | None] | None = dict(root.files()) if root.lists else None

    def look_up(self, paths: Iterable[str]) -> None:
        """Asks for the sizes of files in a store that can't list them, many at a time; raises CorpusError."""
        if self._known is not None:
            return
        wanted = list(dict.fromkeys(paths))
        try:
            self._known = dict(
                zip(wanted, all_at_once(lambda path: (self._root / path).size(), wanted), strict=True)
            )
        except StorageError as error:
            raise error.as_corpus_error() from error

    def found(self, path: str) -> tuple[str, int | None]:
        """The path as the store has it, and its size in bytes; None for a file that isn't there: its clip fails."""
        known = self._known or {}
        there = next((form for form in forms_of(path) if known.get(form) is not None), path)
        return there, known.get(there)


class RemoteEnds:
    """Digests of the ends of files in a store: those of a local copy, so that the corpus's hash is the same."""

    def __init__(self, root: Place) -> None:
        self._root = root
        self._known: dict[str, bytes | None] = {}

    def expect(self, clips: Sequence[Clip]) -> None:
        """Fetches the ends that these clips will be asked about, many at a time; raises CorpusError."""
        wanted = {clip.path: clip.size_bytes for clip in clips if clip.path not in self._known}
        try:
            digests = list(all_at_once(lambda item: self._digest(*item), wanted.items()))
        except StorageError as error:
            raise error.as_corpus_error() from error
        # Clips of one file follow each other: the last ones of before may be asked about again.
        self._known = {clip.path: self._known[clip.path] for clip in clips if clip.path in self._known}
        self._known |= dict(zip(wanted, digests, strict=True))

    def __call__(self, clip: Clip) -> bytes | None:
        """The digest for the clip's file; None for one that isn't there, or may not be read: its clip will fail."""
        if clip.path not in self._known:
            self.expect([clip])
        return self._known[clip.path]

    def _digest(self, path: str, size: int | None) -> bytes | None:
        if size is None:
            return None
        try:
            file = self._root / path
            if size <= 2 * END_BYTES:
                whole = file.stretch(0, size)
                return digest_of_ends(whole[:END_BYTES], whole[-END_BYTES:])
            return digest_of_ends(file.stretch(0, END_BYTES), file.stretch(size - END_BYTES, size))
        except StorageError as error:
            if error.kind == "unreachable":
                raise
            return None


class Ahead:
    """Contents that are fetched before they are asked for."""

    def __init__(self) -> None:
        self._coming: dict[str, Future[bytes]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def begin(self, name: str, fetch: Callable[[], bytes]) -> None:
        """Begins to fetch what will be asked for by this name; returns at once."""
        with self._lock:
            if name not in self._coming:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(ABREAST, thread_name_prefix="fetch")
                self._coming[name] = self._pool.submit(fetch)

    def take(self, name: str, fetch: Callable[[], bytes]) -> bytes:
        """What was begun, once it is there, or else what `fetch` gives now."""
        with self._lock:
            coming = self._coming.pop(name, None)
        return fetch() if coming is None else coming.result()


class RemoteSource:
    """Audio files below a place in a store."""

    def __init__(self, root: Place, limits: AudioLimits) -> None:
        self._root, self._limits = root, limits
        self._ahead = Ahead()

    @property
    def root(self) -> Place:
        """The place."""
        return self._root

    def fetch(self, clip: Clip) -> None:
        """Begins to fetch a clip that will be asked for soon."""
        if self._is_fetched_whole(clip):
            self._ahead.begin(clip.path, (self._root / clip.path).read_bytes)

    def load(self, clip: Clip, *, keep_encoded: bool = False) -> Waveform:
        """The clip's audio, decoded from what is fetched of its file; raises AudioError."""
        name = (self._root / clip.path).name
        if self._is_fetched_whole(clip):
            content = self._content(clip)
            file: BinaryIO = io.BytesIO(content)
            size = len(content)
        else:
            path = self._root / clip.path
            file = cast("BinaryIO", path.open()) if clip.size_bytes is None else self._ranged(clip, clip.size_bytes)
            size = clip.size_bytes or file.seek(0, io.SEEK_END)
        trouble: AudioError | None = None
        try:
            return decode(
                OpenFile(file=file, name=name, size=size),
                limits=self._limits,
                start_s=clip.start_s,
                end_s=clip.end_s,
                channel=clip.channel,
                keep_encoded=keep_encoded,
            )
        except (AudioError, OSError) as error:
            # A decoder that could not read on says that the file was damaged.
            trouble = getattr(file, "trouble", None)
            if trouble is None:
                raise
            raise trouble from error

    def location(self, clip: Clip) -> Location:
        """Where the clip's audio lies, for who reads it elsewhere."""
        return Location(
            address=str(self._root / clip.path),
            name=clip.path.rpartition("/")[2],
            size=clip.size_bytes,
            start_s=clip.start_s,
            end_s=clip.end_s,
            channel=clip.channel,
        )

    def encoded(self, clip: Clip) -> bytes:
        """The whole file that holds the clip; raises AudioError."""
        return self._content(clip)

    def _content(self, clip: Clip) -> bytes:
        return self._ahead.take(clip.path, (self._root / clip.path).read_bytes)

    def _ranged(self, clip: Clip, size: int) -> BinaryIO:
        return cast("BinaryIO", RangedFile((self._root / clip.path).stretch, size))

    def _is_fetched_whole(self, clip: Clip) -> bool:
        """Whether all of its file is wanted, and no limit forbids it."""
        size = clip.size_bytes
        if size is None or size > self._limits.max_encoded_bytes:
            return False
        return size <= _WHOLE_BYTES or (clip.start_s is None and clip.end_s is None)
