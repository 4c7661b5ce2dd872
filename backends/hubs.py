"""Models by name: the directory that a path or a hub's id stands for.

The hubs are asked directly. FunASR's own download prints an error and goes on, and forgets the revision on Hugging
Face.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sv_eval.backends.quiet import quiet
from sv_eval.errors import ModelError

Download = Callable[[str, str | None], str]
"""From a hub id and a revision (None: the newest) to the directory that holds its files."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def from_modelscope(model: str, revision: str | None) -> str:
    """The directory of a ModelScope model."""
    from modelscope.hub.snapshot_download import snapshot_download

    return str(snapshot_download(model, revision=revision or "master"))


def from_huggingface(model: str, revision: str | None) -> str:
    """The directory of a Hugging Face model."""
    from huggingface_hub import snapshot_download

    return str(snapshot_download(model, revision=revision))


HUBS: Mapping[str, Download] = {"ms": from_modelscope, "hf": from_huggingface}
"""The hubs by FunASR's names."""
_NAMES: Mapping[str, str] = {"ms": "ModelScope", "hf": "Hugging Face"}


def find_directory(
    model: str, *, asked: str, hub: str = "ms", revision: str | None = None, hubs: Mapping[str, Download] = HUBS
) -> Path:
    """The directory that `model` names: a path, or the hub's copy, which is downloaded if need be.

    asked: what errors begin with, such as `backend.model=iic/SenseVoiceSmall`. hub: which of `hubs` an id is asked
    from. Raises ModelError.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        if revision is not None:
            raise ModelError(f"{asked} is a directory, which has no revisions; leave out the revision {revision}")
        return path
    if path.exists() or not _HUB_ID.fullmatch(model):
        raise ModelError(f"{asked}: no such directory; give a model directory, or a hub id OWNER/NAME")
    try:
        with quiet():
            return Path(hubs[hub](model, revision))
    except _hub_errors() as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelError(
            f"{asked}: no such directory here, and {_NAMES.get(hub, hub)} did not give it ({reason}); check the "
            "name and the network, or copy the model's files to a directory and name that"
        ) from error


def _hub_errors() -> tuple[type[Exception], ...]:
    """ModelScope's errors have a root of their own; network errors are OSErrors."""
    own: tuple[type[Exception], ...] = (RuntimeError, ValueError, LookupError, TypeError, AttributeError, OSError)
    own = (*own, AssertionError, ImportError)
    try:
        from modelscope_hub.errors import HubError
    except ImportError:
        return own
    return (*own, HubError)
