"""The files of a model directory that are not weights."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from sv_eval.errors import ConfigError

CARD = "model_card.yaml"
_COMPANIONS = ("am.mvn", "config.yaml", "configuration.json", "tokens.json", "*.bpe.model")


def prepare_out(out: Path) -> Path:
    """The output directory, made if need be; ConfigError when that can't be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {out}: no directory can be made there ({error.strerror})") from error
    return out


def copy_companions(source: Path, out: Path, patterns: Iterable[str] = _COMPANIONS) -> None:
    """Normalisation, configuration and vocabulary of `source`; nothing happens when both are one directory."""
    if source.resolve() == out.resolve():
        return
    for pattern in patterns:
        for path in sorted(source.glob(pattern)):
            shutil.copyfile(path, out / path.name)


def copy_card(source: Path, out: Path, precisions: Sequence[str]) -> None:
    """`model_card.yaml`, where there is one, stating the precisions of the graphs that `out` holds.

    The rest of the card stays as it was written, to the letter: `08` must remain a speaker's name.
    """
    if not (source / CARD).is_file():
        return
    text = (source / CARD).read_text(encoding="utf-8")
    stated = f"precision: {', '.join(precisions)}"
    corrected, found = re.subn(r"^precision:.*$", stated, text, flags=re.MULTILINE)
    (out / CARD).write_text(corrected if found else f"{text.rstrip()}\n{stated}\n", encoding="utf-8")
