"""The page at `/`, put together from its parts, and the bundled clips that it offers to be tried."""

from __future__ import annotations

import base64
import csv
import functools
import hashlib
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from sv_eval.config.places import cards_dir
from sv_eval.wire.problems import ServiceError

router = APIRouter(include_in_schema=False)

_PARTS = Path(__file__).parent / "page"
_SAMPLES = (
    "en_f1_angry_01", "en_m1_happy_01", "en_f2_sad_01", "zh_f1_surprised_01", "zh_m1_neutral_01",
)  # fmt: skip
"""Bundled clips: one of each emotion, in both languages."""


@router.api_route("/", methods=["GET", "HEAD"])
async def page() -> Response:
    """The page."""
    text, policy = _whole()
    return HTMLResponse(text, headers={"content-security-policy": policy})


@router.get("/samples")
async def samples() -> Response:
    """What can be tried."""
    return JSONResponse({"samples": [_told(row) for row in _rows().values()]})


@router.get("/samples/{name}")
async def sample(name: str) -> Response:
    """One of them."""
    row = _rows().get(name)
    if row is None:
        raise ServiceError("not_found", f"there is no sample '{name[:100]}'")
    return FileResponse(cards_dir() / "demo" / row["path"], media_type="audio/flac")


@functools.cache
def _whole() -> tuple[str, str]:
    """The page, and what it may do: run its own program, look as it does, and ask this service."""
    script, style = ((_PARTS / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    text = (_PARTS / "index.html").read_text(encoding="utf-8")
    text = text.replace("<style></style>", f"<style>{style}</style>")
    text = text.replace("<script></script>", f"<script>{script}</script>")
    policy = (
        f"default-src 'none'; style-src '{_source(style)}'; script-src '{_source(script)}'; connect-src 'self'; "
        "img-src data: blob:; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy


def _source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@functools.cache
def _rows() -> dict[str, dict[str, str]]:
    """The manifest's rows of the samples, in their order."""
    manifest = cards_dir() / "demo" / "manifest.csv"
    with manifest.open(encoding="utf-8", newline="") as file:
        found = {Path(row["path"]).stem: row for row in csv.DictReader(file)}
    return {name: found[name] for name in _SAMPLES}


def _told(row: dict[str, str]) -> dict[str, str]:
    named = {"emotion": row["emotion"], "language": row["language"], "text": row["transcript"]}
    return {"name": Path(row["path"]).stem, **named}
