"""FunASR's network of a model directory, or of a hub's model."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backends.sensevoice.model_dir import BUNDLED, bundled_model
from backends.sensevoice.models.quiet import quiet
from sv_eval.errors import ModelError

WEIGHTS = "model.pt"
"""FunASR's weights in a directory."""

Download = Callable[[str, str | None], str]
"""From a hub id and a revision (None: the newest) to the directory that holds its files."""

# What funasr, torch and OmegaConf raise over files that are damaged or of something else.
_LOADING_ERRORS = (
    RuntimeError, ValueError, LookupError, AssertionError, TypeError, AttributeError, OSError, EOFError,
    ImportError, pickle.UnpicklingError,
)  # fmt: skip
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def find_directory(model: str, *, hub: str, revision: str | None, hubs: Mapping[str, Download]) -> Path:
    """The directory that `model` names: a path, `bundled`, or the hub's copy, which is downloaded if need be.

    hub: which of `hubs` a hub id is asked from.
    """
    path = bundled_model() if model == BUNDLED else Path(model).expanduser()
    if not path.exists() and _HUB_ID.fullmatch(model):
        return _downloaded(model, hub, revision, hubs[hub])
    if not path.is_dir():
        raise ModelError(
            f"{model}: no such directory; give a SenseVoice directory, '{BUNDLED}', or a hub id OWNER/NAME"
        )
    if revision is not None:
        raise ModelError(f"{model} is a directory, which has no revisions; leave out --revision {revision}")
    return path


def load_network(directory: Path) -> Any:
    """The network of a directory with `model.pt` and `config.yaml`: fp32, on the CPU, ready to infer."""
    for name in (WEIGHTS, "config.yaml"):
        if not (directory / name).is_file():
            raise ModelError(
                f"{directory}: {name} is missing; an export starts from FunASR's {WEIGHTS} and config.yaml"
            )
    import torch

    try:
        with quiet() as said:
            from funasr import AutoModel

            network = AutoModel(
                model=str(directory),
                device="cpu",
                ncpu=torch.get_num_threads(),
                disable_update=True,
                disable_pbar=True,
                # Weights of another shape must not be passed over in silence.
                ignore_init_mismatch=False,
                frontend_conf={"dither": 0.0},
            ).model
    except _LOADING_ERRORS as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(
            f"{directory}: FunASR can't load it ({reason}); are its files whole and of one model?"
        ) from error
    absent = re.findall(r"miss key in ckpt: ([\w.]+)", said.getvalue())
    if absent:
        raise ModelError(
            f"{directory / WEIGHTS}: {len(absent)} weights are not in it, {absent[0]} for one; it is not whole"
        )
    if not all(hasattr(network, part) for part in ("embed", "encoder", "ctc")):
        raise ModelError(f"{directory}: holds a {type(network).__name__}, not a SenseVoice model")
    return network.float().eval()


def from_modelscope(model: str, revision: str | None) -> str:
    """The directory of a ModelScope model."""
    from modelscope.hub.snapshot_download import snapshot_download

    return str(snapshot_download(model, revision=revision or "master"))


def from_huggingface(model: str, revision: str | None) -> str:
    """The directory of a Hugging Face model."""
    from huggingface_hub import snapshot_download

    return str(snapshot_download(model, revision=revision))


HUBS: Mapping[str, Download] = {"ms": from_modelscope, "hf": from_huggingface}
"""The hubs by FunASR's names: ModelScope and Hugging Face.

Asked directly, since FunASR's own download prints an error and goes on, and forgets the revision on Hugging Face.
"""


def _downloaded(model: str, hub: str, revision: str | None, download: Download) -> Path:
    errors: tuple[type[Exception], ...] = (*_LOADING_ERRORS, *_hub_errors())
    try:
        with quiet():
            return Path(download(model, revision))
    except errors as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelError(
            f"{model}: no such directory here, and hub '{hub}' did not give it ({reason}); check the name and the "
            "network, or copy the model's files to a directory and name that"
        ) from error


def _hub_errors() -> tuple[type[Exception], ...]:
    """ModelScope's errors have a root of their own."""
    try:
        from modelscope_hub.errors import HubError
    except ImportError:
        return ()
    return (HubError,)
