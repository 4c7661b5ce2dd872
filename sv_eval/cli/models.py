"""`sv-eval models`: model directories with random weights, and ONNX graphs of a directory or a hub model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sv_eval.cli.commands import COMMANDS
from sv_eval.cli.words import parse
from sv_eval.errors import ConfigError, UsageError, nearest
from sv_eval.machine.terminal import give, say

_HELP = """\
usage: sv-eval models build tiny|small out=DIR [seed=0] [onnx=true]
       sv-eval models export MODEL out=DIR [precision=fp32,fp16,int8] [hub=ms|hf] [revision=R]

build   A directory with random weights: model.pt, am.mvn, config.yaml, configuration.json, the sentencepiece
        vocabulary and a model card. Normalisation and vocabulary are the bundled model's; the arithmetic is
        SenseVoice's, the answers mean nothing. tiny: the bundled model's sizes (1.9 M parameters); small:
        SenseVoiceSmall's (234 M, 50 + 20 blocks).
  seed=0          of the random weights
  onnx=true       write model.onnx (fp32) as well

export  ONNX graphs, one file each, with am.mvn, config.yaml, configuration.json, vocabulary and model card beside
        them, under the names that funasr_onnx looks for; says each graph's size, its seconds and the largest
        difference of its emotion posteriors from torch fp32 on a few made sounds. model.pt is not copied.
  MODEL           a directory with FunASR's model.pt and config.yaml, 'bundled', or a hub id (iic/SenseVoiceSmall)
  out=DIR         directory to write, made if need be; may be MODEL itself
  precision=LIST  which graphs, comma-separated: fp32 (model.onnx), fp16 (model_fp16.onnx), int8 (model_quant.onnx);
                  default: all
  hub=ms          ModelScope, or hf: Hugging Face
  revision=R      of the hub model; default: the newest

Needs pip install 'sv-eval[export]'. Exit codes: 0 done, 2 wrong usage or something missing (one line says what).
"""
_SIZES = ("tiny", "small")
_OF = {"build": ("out", "seed", "onnx"), "export": ("out", "precision", "hub", "revision")}
_HUBS = ("ms", "hf")


def help_text(words: Sequence[str]) -> str:
    """What `--help` prints."""
    return _HELP


def run(words: Sequence[str]) -> None:
    """Build or export, and say what was written."""
    typed = parse(words, COMMANDS["models"])
    command, *names = typed.names or ("",)
    if command not in _OF:
        raise UsageError(f"'{command}' is no command; {nearest(command, _OF)} (see sv-eval models --help)")
    if len(names) != 1:
        wanted = "a size: tiny or small" if command == "build" else "a model: a directory, 'bundled' or a hub id"
        raise UsageError(f"models {command} needs {wanted}")
    for key in typed.settings:
        if key not in _OF[command]:
            raise UsageError(f"{key} is no setting of models {command}; {nearest(key, _OF[command])}")
    if "out" not in typed.settings:
        raise UsageError(f"out is missing: models {command} {names[0]} out=DIR, the directory to write")
    (_build if command == "build" else _export)(names[0], typed.settings)


def _build(size: str, given: Mapping[str, str]) -> None:
    if size not in _SIZES:
        raise UsageError(f"'{size}' is no size; {nearest(size, _SIZES)}")
    seed, onnx = given.get("seed", "0"), given.get("onnx", "false")
    if not seed.isdecimal():
        raise ConfigError(f"seed={seed}: give a whole number, 0 or more")
    if onnx not in ("true", "false"):
        raise ConfigError(f"onnx={onnx}: give true or false")
    from sv_eval.backends.sensevoice.models.build import build

    said = build(size, Path(given["out"]), seed=int(seed), onnx=onnx == "true")
    say(said)
    give(result={"directory": given["out"], "said": str(said)})


def _export(asked: str, given: Mapping[str, str]) -> None:
    from sv_eval.backends.sensevoice.model_dir import BUNDLED, GRAPH_FILES, bundled_model
    from sv_eval.backends.sensevoice.models.installed import check_installed
    from sv_eval.backends.sensevoice.models.precisions import parse_precisions

    precisions = parse_precisions(given.get("precision", ",".join(GRAPH_FILES)))
    hub = given.get("hub", "ms")
    if hub not in _HUBS:
        raise ConfigError(f"hub={hub}: ms is ModelScope, hf Hugging Face")
    check_installed("torch", "funasr", *(["onnx"] if set(precisions) != {"fp32"} else []))
    from sv_eval.backends.hubs import find_directory
    from sv_eval.backends.sensevoice.models.export import export, table

    model = str(bundled_model()) if asked == BUNDLED else asked
    source = find_directory(model, asked=asked, hub=hub, revision=given.get("revision"))
    rows = export(source, Path(given["out"]), precisions)
    say(table(rows))
    say(f"in {given['out']}")
    give(result={"directory": given["out"], "graphs": [_row(row) for row in rows]})


def _row(row: object) -> dict[str, object]:
    from dataclasses import asdict, is_dataclass

    return asdict(row) if is_dataclass(row) and not isinstance(row, type) else {"graph": str(row)}
