"""The file: data blocks, the program and the look that a page is put together from, and the blocks read back."""

from __future__ import annotations

import base64
import binascii
import functools
import gzip
import hashlib
import html
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from sv_eval.errors import RunDirectoryError

PAGE = "report.html"
ASSETS = Path(__file__).parent / "assets"
_LEVEL = 4
"""A twentieth larger than at 6, in a quarter of the time."""
_MOST_BYTES = 2**31
"""Of a block, unpacked; 100,000 clips take 25 MB."""
_BLOCK = re.compile(r'<script type="application/gzip" id="(\w+)">([^<]*)</script>')
_AUDIO = re.compile(r'<script type="application/json" id="audio">([^<]*)</script>')
_SEAL = re.compile(rb"<!-- sha256 ([0-9a-f]{64}) -->\n\Z")
_SEAL_BYTES = len(b"<!-- sha256  -->\n") + 64


def document(
    boot: Mapping[str, Any],
    blocks: Mapping[str, Any],
    *,
    audio: Mapping[str, str] | None = None,
    served: bool = False,
) -> str:
    """The page: `boot` is what it shows first, `blocks` the data behind it by name.

    audio: sounds by the clip's row, base64 of Ogg Opus. served: whether a server of ours stands behind the page;
    without one it may ask nobody for anything.
    """
    packed = {name: _packed(data) for name, data in blocks.items()}
    # Nobody can have guessed it who wrote a text that is in the data.
    nonce = hashlib.sha256(repr((boot, sorted(packed.items()))).encode(errors="surrogatepass")).hexdigest()[:32]
    script, style = _asset("page.js"), _asset("page.css")
    reach = "'self'" if served else "'none'"
    policy = (
        f"default-src 'none'; script-src '{_source_hash(script)}'; style-src '{_source_hash(style)}' "
        f"'nonce-{nonce}'; img-src data: blob:; media-src blob:; connect-src {reach}; "
        "base-uri 'none'; form-action 'none'"
    )
    title = html.escape(str(boot["title"]))
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        '<link rel="icon" href="data:,">',
        f"<title>{title}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        f'<div id="app"><noscript><h1>{title}</h1>{_plainly(boot)}</noscript></div>',
        _block("boot", _packed({**boot, "nonce": nonce})),
        f"<script>{script}</script>",
        *(_block(name, data) for name, data in packed.items()),
    ]
    if audio:
        parts.append(f'<script type="application/json" id="audio">{orjson.dumps(dict(audio)).decode()}</script>')
    parts += ["</body>", "</html>", ""]
    whole = "\n".join(parts)
    return f"{whole}<!-- sha256 {hashlib.sha256(whole.encode()).hexdigest()} -->\n"


def _plainly(boot: Mapping[str, Any]) -> str:
    """What was found, for who runs no script."""
    lines = "".join(f"<li>{html.escape(line[boot['language']])}</li>" for line in boot.get("verdict", ()))
    return f"<ul>{lines}</ul>"


def _block(name: str, packed: str) -> str:
    return f'<script type="application/gzip" id="{name}">{packed}</script>'


def _packed(data: Any) -> str:
    return base64.b64encode(gzip.compress(orjson.dumps(data), _LEVEL, mtime=0)).decode()


def _source_hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@functools.cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8").strip()


def _unpacked(packed: str) -> bytes:
    """What a block holds; raises ValueError for what is not as it was packed, or larger than any page of ours."""
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    content = unpacking.decompress(base64.b64decode(packed, validate=True), _MOST_BYTES)
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("it is cut short, or too large")
    return content


def blocks_in(content: bytes, where: str) -> tuple[dict[str, Any], str]:
    """The data in a page by block, `audio` among it where there is any, and the page without data.

    Raises RunDirectoryError, which begins with `where`, for what is no page of ours, or was changed after it was
    written, be it by one byte.
    """
    seal = _SEAL.search(content)
    if seal is None:
        raise RunDirectoryError(f"{where}: its end is not as sv_eval writes a page; it was changed, or cut short")
    if hashlib.sha256(content[:-_SEAL_BYTES]).hexdigest().encode() != seal.group(1):
        raise RunDirectoryError(f"{where}: the page was changed after it was written")
    text = content.decode()
    try:
        found = {name: orjson.loads(_unpacked(data)) for name, data in _BLOCK.findall(text)}
        if sounds := _AUDIO.search(text):
            found["audio"] = orjson.loads(sounds.group(1))
    except (ValueError, OSError, EOFError, zlib.error, binascii.Error) as error:
        raise RunDirectoryError(f"{where}: the page's data can't be read ({error})") from error
    if "boot" not in found:
        raise RunDirectoryError(f"{where}: no page of sv_eval's")
    return found, _AUDIO.sub("", _BLOCK.sub("", text))
