"""What sherpa-onnx reads of a SenseVoice model: a graph with metadata of its own names, and `tokens.txt`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from sv_eval.backends.sensevoice.model_dir import ModelDirectory
from sv_eval.backends.sensevoice.tokens import LANGUAGE_PROMPTS, TEXTNORM_PROMPTS

_METADATA, _KEY, _VALUE = 14, 1, 2
"""Numbers of fields: `ModelProto.metadata_props`, and of a `StringStringEntryProto`."""


def metadata_of(directory: ModelDirectory) -> Mapping[str, str]:
    """The entries that sherpa-onnx looks for in a SenseVoice graph; without one of them it ends the process."""
    values = {
        "vocab_size": len(directory.vocabulary.pieces),
        "lfr_window_size": directory.frontend.lfr_m,
        "lfr_window_shift": directory.frontend.lfr_n,
        "normalize_samples": 0,
        "neg_mean": ",".join(map(str, directory.cmvn.shift.tolist())),
        "inv_stddev": ",".join(map(str, directory.cmvn.scale.tolist())),
        "model_type": "sense_voice_ctc",
        "with_itn": TEXTNORM_PROMPTS[True],
        "without_itn": TEXTNORM_PROMPTS[False],
        **{f"lang_{name}": prompt for name, prompt in LANGUAGE_PROMPTS.items()},
    }
    return {key: str(value) for key, value in values.items()}


def write_graph(graph: Path, metadata: Mapping[str, str], path: Path) -> Path:
    """A copy of a graph with further metadata."""
    shutil.copyfile(graph, path)
    with path.open("ab") as file:
        # Protobuf messages that follow one another are merged when they are read.
        for key, value in metadata.items():
            file.write(_field(_METADATA, _field(_KEY, key.encode()) + _field(_VALUE, value.encode())))
    return path


def write_tokens(directory: ModelDirectory, path: Path) -> Path:
    """The vocabulary, a piece and its id a line."""
    pieces = directory.vocabulary.pieces
    path.write_text("".join(f"{piece} {number}\n" for number, piece in enumerate(pieces)), encoding="utf-8")
    return path


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes, as protobuf writes it."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first.

    >>> _varint(300).hex()
    'ac02'
    """
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
