"""Finding out how an address that nobody has described is asked, and writing the description down.

One clip is posted to exactly that address: as JSON with base64 under the usual names, as a form, as the body
itself; what a refusal says is missing is tried next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sv_eval.answer_words import AnswerWords
from sv_eval.backend import NO_ADJUSTMENTS
from sv_eval.backends.remote.answer_parsing import answer_parser
from sv_eval.backends.remote.dialect import TAG_EMOJI
from sv_eval.backends.remote.dialects.generic import Generic
from sv_eval.backends.remote.endpoint import Connection, endpoint_of
from sv_eval.backends.remote.http_messages import HttpReply
from sv_eval.backends.remote.http_transport import HttpTransport
from sv_eval.backends.remote.preflight import probe_sound
from sv_eval.backends.remote.reading_shapes import Shape, shape_of
from sv_eval.backends.remote.sound import ORIGINAL
from sv_eval.backends.remote.timeline import Timeline
from sv_eval.config.foreign_json import read_json
from sv_eval.errors import ConfigError
from sv_eval.written_files import write_whole

_IN_JSON = ("audio", "audio_base64", "audio_data", "audio_bytes", "data", "file", "content", "input", "sound")
_IN_FORMS = ("file", "audio", "audio_file", "upload", "clip")
_FILLED = {
    "format": "{format}", "audio_format": "{format}", "file_format": "{format}", "language": "{language}",
    "lang": "{language}", "media_type": "{media_type}", "mime_type": "{media_type}", "content_type": "{media_type}",
    "encoding": "base64", "sample_rate": 16000, "filename": "clip.flac",
}  # fmt: skip
"""What a refusal may ask for beside the recording."""
_MISSING = re.compile(
    r"['\"`]?(\w+)['\"`]?(?: field)? is (?:required|missing)"
    r"|(?:missing|requires?|required)\W+(?:\w+ ){0,3}['\"`](\w+)",
    re.IGNORECASE,
)
_MOST_ATTEMPTS = 24
_WRITTEN_BY = "# Written by `sv-eval probe`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """How an address is asked, and where its answer holds what."""

    encoding: str
    """`json`, `multipart` or `raw`."""
    body: Mapping[str, Any] | None
    """Of JSON and forms."""
    file_field: str | None
    """Of a form."""
    shape: Shape
    """Where the answer holds what."""
    answer: Any
    """The answer itself."""

    @property
    def how(self) -> str:
        """How it was asked, in few words."""
        if self.encoding == "json":
            return f"JSON with base64 under {' and '.join(self.body or {})}"
        return (
            f"a form with the file under {self.file_field}" if self.encoding == "multipart" else "the file as it is"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What an address was found to take."""

    described: Described | None = None
    """The description; None where no answer came that can be read."""
    refusals: tuple[str, ...] = ()
    """What it said to the attempts that failed, each once."""


async def discover(url: str, connection: Connection) -> Discovery:
    """Post a clip to the address in every usual way until an answer tells an emotion.

    Raises RemoteError where no connection can be made.
    """
    endpoint = endpoint_of(url, connection, ("http", "https"))
    words = answer_parser(None, emoji=TAG_EMOJI).words
    refusals: dict[str, None] = {}
    silent: Described | None = None
    transport = HttpTransport(_asking("raw", None, None), endpoint)
    try:
        sound = probe_sound(endpoint, ORIGINAL)
        ways = _Ways()
        for encoding, body, file_field in ways:
            message = _asking(encoding, body, file_field).message(sound, NO_ADJUSTMENTS)
            reply = await transport.exchange(message, Timeline())
            content = _content(reply)
            if reply.status >= 300 or not isinstance(content, dict | list):
                refusals[f"HTTP {reply.status} {reply.excerpt}".strip()] = None
                ways.learn(encoding, content)
                continue
            found = Described(
                encoding=encoding,
                body=body,
                file_field=file_field,
                shape=shape_of(content, words),
                answer=content,
            )
            if found.shape.tells_emotions:
                return Discovery(described=found, refusals=tuple(refusals))
            silent = silent or found
    finally:
        await transport.close()
    return Discovery(described=silent, refusals=tuple(refusals))


class _Ways:
    """The ways to ask, those first that the service's own refusals name."""

    def __init__(self) -> None:
        self._hinted: list[tuple[str, str]] = []
        self._more: dict[str, Any] = {}
        self._tried: set[str] = set()

    def learn(self, encoding: str, content: Any) -> None:
        """Take note of what a refusal says is missing."""
        for name in _missing_in(content):
            if name.lower() in _FILLED:
                self._more[name] = _FILLED[name.lower()]
            elif encoding != "raw":
                self._hinted.append((encoding, name))

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any] | None, str | None]]:
        usual = [("json", name) for name in _IN_JSON] + [("multipart", name) for name in _IN_FORMS] + [("raw", "")]
        while (usual or self._hinted) and len(self._tried) < _MOST_ATTEMPTS:
            encoding, name = self._hinted.pop(0) if self._hinted else usual.pop(0)
            more: dict[str, Any] | None = None
            # What else is missing is known only after a refusal.
            while more != self._more:
                more = dict(self._more)
                yield from self._once(encoding, name, more)

    def _once(
        self, encoding: str, name: str, more: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any] | None, str | None]]:
        way = f"{encoding} {name} {sorted(more)}"
        if way in self._tried or (encoding == "raw" and more):
            return
        self._tried.add(way)
        if encoding == "json":
            yield encoding, {name: "{audio_base64}", **more}, None
        elif encoding == "multipart":
            yield encoding, dict(more) or None, name
        else:
            yield encoding, None, None


def _asking(encoding: str, body: Any, file_field: str | None) -> Generic:
    # What an answer holds is not known yet, and nothing is read by this one.
    return Generic(encoding=encoding, body=body, file_field=file_field or "file", text="$")


def _content(reply: HttpReply) -> Any:
    try:
        return read_json(reply.body)
    except ValueError:
        return None


def _missing_in(content: Any) -> list[str]:
    """The names that a refusal says are missing: pydantic's `loc`, or a sentence."""
    found: list[str] = []
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            loc = one.get("loc")
            if isinstance(loc, list) and loc and isinstance(loc[-1], str) and "missing" in str(one.get("type")):
                found.append(loc[-1])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            found += [first or second for first, second in _MISSING.findall(one[:500])]
    return [name for name in dict.fromkeys(found) if name.lower() not in ("field", "body", "is", "a", "the")][:4]


def write_description(described: Described, url: str, folder: Path, name: str) -> Path:
    """Write `backend/NAME.yaml` below the folder, a configuration for `hydra.searchpath`; its path comes back.

    Raises ConfigError where something else lies there.
    """
    import yaml

    dialect: dict[str, Any] = {
        "_target_": "sv_eval.backends.remote.dialects.generic.Generic",
        "encoding": described.encoding,
    }
    if described.body:
        dialect["body"] = dict(described.body)
    if described.file_field is not None:
        dialect["file_field"] = described.file_field
    dialect |= described.shape.paths
    if described.shape.emoji:
        dialect["emoji"] = True
    content = {"defaults": ["remote/_common@_here_", "_self_"], "url": url, "name": name, "dialect": dialect}
    path = folder / "backend" / f"{name}.yaml"
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(_WRITTEN_BY):
        raise ConfigError(f"{path}: is there already, and is not of a probe; give another name=NAME or out=DIR")
    head = f"{_WRITTEN_BY}: how {url} is asked and read. docs/remote.md says what else can stand here.\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return path


def name_of(url: str) -> str:
    """What an address is called where nobody says.

    >>> name_of("http://127.0.0.1:8000/v2/judge-emotion?x=1"), name_of("https://voice.example.org")
    ('judge_emotion', 'voice_example_org')
    """
    parts = urlsplit(url)
    last = parts.path.rstrip("/").rpartition("/")[2] or parts.hostname or "endpoint"
    return re.sub(r"\W+", "_", last).strip("_").lower() or "endpoint"


def unknown_word(described: Described, words: AnswerWords) -> str | None:
    """The emotion's word where no map holds it."""
    word = described.shape.word if "emotion" in described.shape.paths else None
    return word if word is not None and words.meaning(word) is None else None
