"""`python -m sv_eval.models`: build directories with random weights, export directories to ONNX."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from sv_eval.backends.sensevoice.model_dir import BUNDLED, GRAPH_FILES, bundled_model
from sv_eval.backends.sensevoice.models.installed import EXTRA, check_installed
from sv_eval.backends.sensevoice.models.precisions import parse_precisions
from sv_eval.errors import ConfigError
from sv_eval.machine.process import run_command
from sv_eval.machine.terminal import say

_PROGRAM = "python -m sv_eval.models"
_EPILOG = f"""\
Needs pip install '{EXTRA}'. Exit codes: 0 done, 2 wrong usage or something missing (one line says what).
"""
_BUILD = """\
Writes model.pt, am.mvn, config.yaml, configuration.json, the sentencepiece vocabulary and a model card.
Normalisation and vocabulary are the bundled model's, the weights are random: the arithmetic is SenseVoice's, the
answers mean nothing.
"""
_EXPORT = """\
Writes the ONNX graphs, one file each, copies am.mvn, config.yaml, configuration.json, vocabulary and model card
beside them, and prints each graph's size, the seconds it took and the largest difference of its emotion
posteriors from torch fp32 on a few made sounds. model.onnx, model_quant.onnx and the files beside them have the
names that funasr_onnx looks for. model.pt is not copied.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> None:
    options = _parser().parse_args(arguments)
    if options.command == "build":
        from sv_eval.backends.sensevoice.models.build import build

        say(build(options.size, options.out, seed=options.seed, onnx=options.onnx))
    else:
        _export(options)


def _export(options: argparse.Namespace) -> None:
    precisions = parse_precisions(options.precision)
    check_installed("torch", "funasr", *(["onnx"] if set(precisions) != {"fp32"} else []))
    from sv_eval.backends.hubs import find_directory
    from sv_eval.backends.sensevoice.models.export import export, table

    model = str(bundled_model()) if options.model == BUNDLED else options.model
    source = find_directory(model, asked=options.model, hub=options.hub, revision=options.revision)
    say(table(export(source, options.out, precisions)))
    say(f"in {options.out}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=_PROGRAM, description="SenseVoice model directories.", epilog=_EPILOG)
    commands = parser.add_subparsers(dest="command", required=True, metavar="build|export")
    build = commands.add_parser("build", help="a directory with random weights", description=_BUILD, epilog=_EPILOG)
    build.add_argument(
        "size",
        choices=("tiny", "small"),
        help="tiny: the bundled model's sizes (1.9 M parameters); small: SenseVoiceSmall's (234 M, 50 + 20 blocks)",
    )
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory to write, made if need be")
    build.add_argument("--seed", type=int, default=0, metavar="N", help="of the random weights (default: 0)")
    build.add_argument("--onnx", action="store_true", help="write model.onnx (fp32) as well")
    export = commands.add_parser(
        "export", help="ONNX graphs of a directory or a hub model", description=_EXPORT, epilog=_EPILOG
    )
    export.add_argument(
        "model",
        metavar="MODEL",
        help="a directory with FunASR's model.pt and config.yaml, 'bundled', or a hub id (iic/SenseVoiceSmall)",
    )
    export.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="directory to write; may be MODEL itself"
    )
    export.add_argument(
        "--precision",
        default=",".join(GRAPH_FILES),
        metavar="LIST",
        help="which graphs, comma-separated, of "
        + ", ".join(f"{name} ({file})" for name, file in GRAPH_FILES.items())
        + "; default: all",
    )
    export.add_argument("--hub", choices=("ms", "hf"), default="ms", help="ModelScope (default) or Hugging Face")
    export.add_argument("--revision", metavar="R", help="of the hub model; default: the newest")
    return parser
