"""What was found in shards, kept for the next start, so that none is walked twice."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from sv_eval.data.storage.place import Place, StorageError

Found = TypeVar("Found")


class ShardCache:
    """A file in the user's cache for what a shard, in one version, holds; one that nobody can tell keeps nothing.

    how: what beside the shard decides what is found in it.
    """

    def __init__(self, shard: Path | Place, how: str) -> None:
        self._file: Path | None = None
        version = _version(shard)
        if version is not None:
            name = hashlib.sha256(f"{how}:{shard}:{version}".encode(errors="surrogatepass")).hexdigest()[:32]
            cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
            self._file = Path(cache) / "sv-eval" / "shards" / name

    def kept(self, kind: type[Found]) -> Found | None:
        """What was kept; None for nothing."""
        if self._file is not None:
            with suppress(OSError, msgspec.DecodeError):
                return msgspec.msgpack.decode(self._file.read_bytes(), type=kind)
        return None

    def keep(self, found: object) -> None:
        """Keeps it for the next start; a home that can't be written costs no run."""
        if self._file is None:
            return
        partial = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(msgspec.msgpack.encode(found))
            os.replace(partial, self._file)


def _version(shard: Path | Place) -> str | None:
    """What changes with the shard; raises CorpusError where it can't be asked for."""
    if isinstance(shard, Place):
        try:
            return shard.version()
        except StorageError as error:
            raise error.as_corpus_error() from error
    try:
        facts = shard.stat()
    except OSError:
        # Whoever opens it will say so.
        return None
    return f"{shard.absolute()}:{facts.st_size}:{facts.st_mtime_ns}"
