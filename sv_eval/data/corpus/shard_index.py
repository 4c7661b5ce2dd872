"""What a tar shard holds: its samples, where their audio lies in it, and what their side files say."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from sv_eval.data.corpus.fingerprint import END_BYTES, digest_of_ends
from sv_eval.data.corpus.shard_cache import ShardCache
from sv_eval.data.corpus.tree import AUDIO_SUFFIXES, printable
from sv_eval.data.storage.place import Place, StorageError
from sv_eval.data.storage.stretch import opened_for_walking
from sv_eval.errors import CorpusError

SIDE_FILES = ("json", "cls", "txt")
"""Endings of what is read beside the audio."""
_VERSION = 1
_BLOCK_BYTES = 1 << 22
_MOST_SIDE_BYTES = 1 << 20


class Sample(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The files of one key."""

    key: str
    """What their names have in common."""
    audio: str
    """Name of its sound, without the key and its dot."""
    begin: int
    """Where that begins in the shard."""
    size: int
    """Its bytes."""
    ends: bytes
    """Digest of what it begins and ends with."""
    side: dict[str, str]
    """Ending of each side file to its text."""


def samples_of(shard: Path | Place, audio: str | None) -> list[Sample]:
    """The samples of a shard; raises CorpusError.

    Of a file elsewhere all is read once, in order, and what was found is kept in the user's cache, by the file's
    address, size and version. audio: the ending of the sound where keys have several.
    """
    # On a disk walking is as quick.
    cache = None if isinstance(shard, Path) else ShardCache(shard, f"{_VERSION}:{audio}")
    if cache is not None and (kept := cache.kept(list[Sample])) is not None:
        return kept
    try:
        found = list(_walked(shard, audio))
    except StorageError as error:
        raise error.as_corpus_error() from error
    except OSError as error:
        raise CorpusError(f"{shard} can't be read ({error.strerror or error}); check dataset.root") from error
    except (tarfile.TarError, EOFError) as error:
        raise CorpusError(
            f"{shard} is no whole tar file ({error}); fetch it again, and unpack it where it is compressed"
        ) from error
    if cache is not None:
        cache.keep(found)
    return found


def _walked(shard: Path | Place, audio: str | None) -> Iterator[Sample]:
    with opened_for_walking(shard, _BLOCK_BYTES) as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                yield from _samples(shard, tar, file, audio)
        except (tarfile.TarError, OSError) as error:
            if (trouble := getattr(file, "trouble", None)) is not None:
                raise trouble from error
            raise


def _samples(shard: Path | Place, tar: tarfile.TarFile, file: BinaryIO, audio: str | None) -> Iterator[Sample]:
    """The samples, each from the files of one key that follow each other."""
    key, parts = "", dict[str, tarfile.TarInfo]()
    for member in tar:
        # What was read of the others need not be kept.
        tar.members = []  # type: ignore[attr-defined]
        folder, _, name = member.name.removeprefix("./").rpartition("/")
        if not member.isfile() or name.startswith("."):
            continue
        stem, _, ending = name.partition(".")
        this = f"{folder}/{stem}" if folder else stem
        if this != key:
            yield from _sample(shard, file, key, parts, audio)
            key, parts = this, {}
        parts[ending] = member
    yield from _sample(shard, file, key, parts, audio)


def _sample(
    shard: Path | Place, file: BinaryIO, key: str, parts: dict[str, tarfile.TarInfo], audio: str | None
) -> Iterator[Sample]:
    """The sample of one key's files, if there is sound among them."""
    sounds = [
        name
        for name in parts
        if (name == audio if audio else f".{name.rpartition('.')[2].lower()}" in AUDIO_SUFFIXES)
    ]
    if not sounds:
        return
    if len(sounds) > 1:
        raise CorpusError(
            f"{shard}: {printable(key)} has several files of sound ({', '.join(sounds)}); say which one is the "
            f"clip, dataset.webdataset.audio={sounds[0]}"
        )
    member = parts[sounds[0]]
    back = file.tell()
    head = _read(file, member.offset_data, min(END_BYTES, member.size))
    tail = _read(file, member.offset_data + max(member.size - END_BYTES, 0), min(END_BYTES, member.size))
    side = {
        name: _read(file, parts[name].offset_data, min(parts[name].size, _MOST_SIDE_BYTES)).decode(errors="replace")
        for name in SIDE_FILES
        if name in parts
    }
    file.seek(back)
    yield Sample(
        key=printable(key),
        audio=sounds[0],
        begin=member.offset_data,
        size=member.size,
        ends=digest_of_ends(head, tail),
        side=side,
    )


def _read(file: BinaryIO, begin: int, size: int) -> bytes:
    file.seek(begin)
    found = bytearray()
    while len(found) < size and (part := file.read(size - len(found))):
        found += part
    return bytes(found)
