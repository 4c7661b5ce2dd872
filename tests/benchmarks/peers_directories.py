"""One model directory, as each peer wants to find it. For bench_peers.py."""

from __future__ import annotations

import logging
from pathlib import Path

from sv_eval.backends.sensevoice.model_dir import open_model
from sv_eval.backends.sensevoice.models.architecture import PIECES_FILE
from sv_eval.backends.sensevoice.models.graph import write_onnx
from sv_eval.backends.sensevoice.models.network import load_network
from sv_eval.backends.sherpa_files import metadata_of, write_graph, write_tokens


def upstream_graph(model: Path, out: Path) -> Path:
    """The fp32 graph as FunASR's own export traces it, which is what the peers' users have."""
    path = out / "upstream.onnx"
    if up_to_date(path, model / "model.pt"):
        return path
    write_onnx(load_network(model), out / "upstream.part", as_upstream=True)
    return (out / "upstream.part").rename(path)


def uint8_graph(model: Path, out: Path) -> Path:
    """FunASR's graph quantised the way its own export does it."""
    path, source = out / "uint8.onnx", upstream_graph(model, out)
    if up_to_date(path, source):
        return path
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    nodes = [node.name for node in onnx.load(str(source)).graph.node]
    excluded = [n for n in nodes if "output" in n or "bias_encoder" in n or "bias_decoder" in n]
    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(
        source,
        out / "uint8.part",
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        reduce_range=False,
        weight_type=QuantType.QUInt8,
        nodes_to_exclude=excluded,
    )
    return (out / "uint8.part").rename(path)


def funasr_directory(model: Path, out: Path) -> Path:
    """What funasr_onnx reads: the model's own files, with FunASR's uint8 graph as `model_quant.onnx`."""
    folder = out / "funasr_onnx"
    folder.mkdir(exist_ok=True)
    for name in ("am.mvn", "config.yaml", PIECES_FILE):
        link(model / name, folder / name)
    link(upstream_graph(model, out), folder / "model.onnx")
    link(uint8_graph(model, out), folder / "model_quant.onnx")
    return folder


def sherpa_graph(graph: Path, model: Path, out: Path) -> Path:
    """A copy of FunASR's graph with the metadata that sherpa-onnx reads."""
    path = out / f"sherpa_{graph.stem}.onnx"
    if up_to_date(path, graph):
        return path
    part = write_graph(graph, metadata_of(open_model(model)), path.with_suffix(".part"))
    return part.rename(path)


def sherpa_tokens(model: Path, out: Path) -> Path:
    """The vocabulary as sherpa-onnx's `tokens.txt`."""
    return write_tokens(open_model(model), out / "tokens.txt")


def up_to_date(path: Path, source: Path) -> bool:
    return path.is_file() and path.stat().st_mtime > source.stat().st_mtime


def link(target: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target.resolve())
