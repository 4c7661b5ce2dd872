"""ONNX graphs of a directory's or a hub's weights, each held against the fp32 network."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sv_eval.backends.sensevoice.model_dir import GRAPH_FILES, open_model
from sv_eval.backends.sensevoice.models.agreement import SOUNDS, Fp32Reference
from sv_eval.backends.sensevoice.models.files import copy_card, copy_companions, prepare_out
from sv_eval.backends.sensevoice.models.graph import write_onnx
from sv_eval.backends.sensevoice.models.network import load_network
from sv_eval.backends.sensevoice.models.precisions import write_fp16, write_int8


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedGraph:
    """One graph that an export wrote."""

    path: Path
    """The file."""
    precision: str
    """Its key in GRAPH_FILES."""
    size_bytes: int
    """Its size."""
    seconds: float
    """What writing it took; for fp16 and int8 from the fp32 graph."""
    gap: float
    """The largest difference of an emotion's posterior from the fp32 network's, over the made sounds."""


def export(source: Path, out: Path, precisions: Sequence[str]) -> list[ExportedGraph]:
    """Write graphs of the directory `source`, and what belongs beside them, to `out`; both may be one directory.

    A graph appears under its name only when it is whole.
    """
    directory = open_model(source)
    prepare_out(out)
    network = load_network(source)
    reference = Fp32Reference(network, directory)
    graphs = []
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
        fp32 = Path(folder) / GRAPH_FILES["fp32"]
        fp32_s = _timed(write_onnx, network, fp32)
        del network
        makers = {"fp16": write_fp16, "int8": write_int8}
        for precision in precisions:
            path = Path(folder) / GRAPH_FILES[precision]
            took_s = fp32_s if precision == "fp32" else _timed(makers[precision], fp32, path)
            graphs.append(
                ExportedGraph(
                    path=out / path.name,
                    precision=precision,
                    size_bytes=path.stat().st_size,
                    seconds=took_s,
                    gap=reference.gap(path),
                )
            )
        for one in graphs:
            os.replace(Path(folder) / one.path.name, one.path)
    copy_companions(source, out)
    copy_card(source, out, [name for name, file in GRAPH_FILES.items() if (out / file).is_file()])
    return graphs


def table(graphs: Sequence[ExportedGraph]) -> str:
    """What was written, for people."""
    lines = [f"{'file':18} {'MB':>8} {'seconds':>8}  largest difference of an emotion posterior from torch fp32"]
    for one in graphs:
        size_mb = one.size_bytes / 1e6
        lines.append(
            f"{one.path.name:18} {size_mb:8.1f} {one.seconds:8.1f}  {one.gap:.1e} on {len(SOUNDS)} made sounds"
        )
    return "\n".join(lines)


def _timed(work: Callable[..., None], *arguments: object) -> float:
    """The seconds that `work(*arguments)` took."""
    begin = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begin
