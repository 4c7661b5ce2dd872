"""A folder or file elsewhere, read through fsspec: listed, read whole or in stretches, asked again if it may help.

Stores fail for a moment (throttled, a connection that broke): those reads are made again, a few times and ever
later. What is missing or forbidden is said at once.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from sv_eval.data.storage.address import is_address, without_secrets
from sv_eval.errors import AudioError, ConfigError, CorpusError, MissingPackageError

if TYPE_CHECKING:
    from sv_eval.data.storage.ranged_file import RangedFile

ABREAST = 16
"""Requests under way at once."""
_WAITS_S = (0.2, 0.6, 1.8, 5.4)
"""Before each further attempt, give or take half."""
_UNLISTED = ("http", "https")
"""Servers of files that can't say which they have."""
_ON_DISK = ("file", "local")
_FOREIGN_ERRORS = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("huggingface_hub.errors", "HfHubHTTPError"),
)
"""What libraries raise that is no error of the operating system's."""
_MISSING, _FORBIDDEN = (404, 410), (401, 403)
_LONGEST_MESSAGE = 200
_VERSIONS = ("ETag", "etag", "md5Hash", "sha256", "blob_id", "LastModified", "mtime", "created")
"""What stores call that which changes with a file."""
Found = TypeVar("Found")


class StorageError(AudioError):
    """Something elsewhere can't be read. Kinds: `not_found`, `no_permission`, `unreachable`."""

    def as_corpus_error(self) -> CorpusError:
        """The same, where it is about the corpus and not about one clip."""
        return CorpusError(str(self))


@dataclass(frozen=True, kw_only=True)
class Place:
    """A file or a folder in a store; threads may share it."""

    files_at: Any
    """The fsspec file system."""
    key: str
    """The path in it, without a slash at its end."""
    scheme: str
    """How its address begins: `s3`."""
    waits_s: Sequence[float] = field(default=_WAITS_S, compare=False)
    """Seconds before each further attempt at what failed for a moment."""

    def __str__(self) -> str:
        """Its address, which holds no secret."""
        key = self.key if self.scheme in _ON_DISK else self.key.lstrip("/")
        return without_secrets(key if "://" in key else f"{self.scheme}://{key}")

    def __truediv__(self, path: str) -> Place:
        """What lies there below it; raises StorageError for a path that leads elsewhere."""
        if ".." in path.split("/"):
            raise StorageError("not_found", f"{self}/{path}: a path in a store can't go up; write it out")
        below = path.lstrip("/") if self.lists else quote(path.lstrip("/"))
        return replace(self, key=f"{self.key}/{below}")

    @property
    def parent(self) -> Place:
        """The folder that it lies in."""
        return replace(self, key=self.key.rpartition("/")[0])

    @property
    def name(self) -> str:
        """Its last word."""
        return self.key.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """Its ending, with the dot."""
        stem, dot, ending = self.name.rpartition(".")
        return dot + ending if stem else ""

    @property
    def lists(self) -> bool:
        """Whether the store can say which files it has."""
        return self.scheme not in _UNLISTED

    def files(self) -> Iterator[tuple[str, int]]:
        """Every file below it that isn't hidden, as its path from here and its size; raises CorpusError."""
        if not self.lists:
            raise CorpusError(
                f"{self}: a web server can't say which files it has; list the clips in a table "
                "(dataset=manifest dataset.manifest.file=...), or read them from a store that can"
            )
        try:
            found = self._asked(lambda: self.files_at.find(self.key, detail=True), self)
        except StorageError as error:
            raise error.as_corpus_error() from error
        begin = len(self.key.strip("/")) + 1
        for key, facts in found.items():
            path = key.strip("/")[begin:]
            if path and facts.get("type") != "directory" and not any(p.startswith(".") for p in path.split("/")):
                yield path, int(facts["size"])

    def is_file(self) -> bool:
        """Whether there is such a file; raises StorageError where nobody can say."""
        return self.size() is not None

    def size(self) -> int | None:
        """Bytes of the file; None where there is none, and where the store does not say."""
        try:
            facts = self._asked(lambda: self.files_at.info(self.key), self)
        except StorageError as error:
            if error.kind == "not_found":
                return None
            raise
        size = facts.get("size")
        return None if facts.get("type") == "directory" or size is None else int(size)

    def version(self) -> str | None:
        """What changes with the file's content; None where the store tells nothing. Raises StorageError."""
        facts = self._asked(lambda: self.files_at.info(self.key), self)
        told = [facts.get(name) for name in _VERSIONS]
        return None if not any(told) else f"{facts.get('size')}:{told}"

    def read_bytes(self) -> bytes:
        """The whole file; raises StorageError."""
        return bytes(self._asked(lambda: self.files_at.cat_file(self.key), self))

    def stretch(self, begin: int, end: int) -> bytes:
        """The bytes from `begin` to before `end`; raises StorageError."""
        if end <= begin:
            return b""
        found = bytes(self._asked(lambda: self._fetched(begin, end), self))
        # Some web servers know of no stretches, and send the whole file.
        return found if len(found) <= end - begin else found[begin:end]

    def _fetched(self, begin: int, end: int) -> Any:
        if not self._reads_ahead:
            return self.files_at.cat_file(self.key, start=begin, end=end)
        with self.files_at.open(self.key, "rb", cache_type="none") as file:
            file.seek(begin)
            return file.read(end - begin)

    @cached_property
    def _reads_ahead(self) -> bool:
        """Whether the store knows no stretches itself, so that fsspec would fetch megabytes behind each."""
        import fsspec

        own = getattr(self.files_at.cat_file, "__func__", None)
        return self.scheme not in _ON_DISK and own is fsspec.AbstractFileSystem.cat_file

    def open(self) -> RangedFile:
        """The file, of which only what is read is fetched; raises StorageError."""
        from sv_eval.data.storage.ranged_file import RangedFile

        size = self.size()
        if size is None:
            raise StorageError("not_found", f"{self}: there is no such file")
        return RangedFile(self.stretch, size)

    def _asked(self, ask: Callable[[], Found], where: object) -> Found:
        """What the store says, asked again where it failed for a moment."""
        for wait_s in (*self.waits_s, None):
            try:
                return ask()
            except self._errors as error:
                kind, said = _what_failed(error)
                if kind != "unreachable" or wait_s is None:
                    again = f" ({1 + len(self.waits_s)} attempts)" if kind == "unreachable" else ""
                    raise StorageError(kind, f"{where} {said}{again}") from error
                # Not all at the same moment.
                time.sleep(wait_s * random.uniform(0.5, 1.5))
        raise AssertionError("the last attempt returns or raises")

    @cached_property
    def _errors(self) -> tuple[type[BaseException], ...]:
        # Looked up and not imported: what raises them is there already.
        foreign = (getattr(sys.modules.get(module), name, None) for module, name in _FOREIGN_ERRORS)
        return (OSError, ValueError, RuntimeError, *(kind for kind in foreign if kind is not None))


def placed(text: str) -> Path | Place:
    """The folder or file that a setting names, on a disk or elsewhere; raises ConfigError."""
    return place_at(text) if is_address(text) else Path(text).expanduser()


def place_at(address: str) -> Place:
    """The place that an address names; raises ConfigError, MissingPackageError where a package lacks."""
    shown = without_secrets(address)
    try:
        import fsspec
    except ImportError as error:
        raise MissingPackageError(
            f"reading {shown} needs another package; pip install 'sv-eval[storage]'"
        ) from error
    scheme = address.partition("://")[0].lower()
    try:
        files_at, key = fsspec.core.url_to_fs(address)
    except ImportError as error:
        extra = "'sv-eval[storage]'" if scheme == "s3" else {"gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub"}
        wanted = extra if isinstance(extra, str) else extra.get(scheme, "what fsspec's page names for it")
        raise MissingPackageError(
            f"reading {shown} needs another package ({error}); pip install {wanted}"
        ) from error
    except (ValueError, OSError) as error:
        raise ConfigError(
            f"{shown} can't be read ({_first_line(error)}); give s3://, gs://, hf://, https:// or a path"
        ) from error
    return Place(files_at=files_at, key=key.rstrip("/"), scheme=scheme)


def all_at_once(work: Callable[[Any], Found], items: Iterable[Any]) -> Iterator[Found]:
    """What the work gives for each item, in order, several under way at a time."""
    with ThreadPoolExecutor(ABREAST, thread_name_prefix="fetch") as pool:
        yield from pool.map(work, items)


def _what_failed(error: BaseException) -> tuple[str, str]:
    """The kind of a store's error, and what to do about it."""
    status = _status(error)
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError) or status in _MISSING:
        return "not_found", "isn't there; check dataset.root and the path"
    if isinstance(error, PermissionError) or status in _FORBIDDEN:
        return "no_permission", (
            f"may not be read ({_first_line(error)}); check the credentials that the store's own tools use"
        )
    if "Credential" in type(error).__name__:
        return "no_permission", (
            f"needs credentials ({_first_line(error)}); give them where the store's own tools look, or read a "
            "public bucket without any: FSSPEC_S3_ANON=true"
        )
    return "unreachable", f"can't be read ({_first_line(error)}); the same command goes on from here"


def _status(error: BaseException) -> int | None:
    """The HTTP status behind an error, where it tells."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        response = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    status = getattr(error, "status", None) or getattr(response, "status_code", response)
    return status if isinstance(status, int) else None


def _first_line(error: BaseException) -> str:
    """The error's class and what it says first, without secrets."""
    said = without_secrets(str(error).strip().partition("\n")[0])[:_LONGEST_MESSAGE]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
