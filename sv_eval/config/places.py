"""Where the configuration and the corpus cards are, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "_bundled"


def house() -> Path:
    """The folder that holds `sv_eval`: the root of a checkout, or where packages are installed."""
    return _PACKAGE.parent


def conf_dir() -> Path:
    """The folder of Hydra's configuration groups."""
    return _place("conf")


def cards_dir() -> Path:
    """The folder with one folder per corpus, each holding a `dataset.yaml`."""
    return _place("datasets")


def _place(name: str) -> Path:
    inside = _IN_WHEEL / name
    return inside if inside.is_dir() else house() / name
