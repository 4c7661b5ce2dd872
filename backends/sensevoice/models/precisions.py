"""The numeric forms of a graph: fp32 as exported, fp16 for GPUs, int8 for CPUs.

fp16: every weight and nearly all arithmetic in half precision, inputs and outputs float32, so that a caller
need not know. The position encoding stays in float32: positions times frequencies would lose their fractions.

int8: onnxruntime's dynamic quantisation of the matrix products with weights; the scales of activations come from
each call's data. The products of two activations (attention) stay in float.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sv_eval.backends.quiet import quiet
from sv_eval.backends.sensevoice.model_dir import GRAPH_FILES
from sv_eval.errors import ConfigError, nearest


def parse_precisions(text: str) -> tuple[str, ...]:
    """The precisions in a comma-separated list, in the order of GRAPH_FILES, each once.

    >>> parse_precisions("int8,fp32")
    ('fp32', 'int8')
    """
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    for word in wanted:
        if word not in GRAPH_FILES:
            raise ConfigError(f"--precision {word} is not known; {nearest(word, GRAPH_FILES)}")
    if not wanted:
        raise ConfigError(f"precision is empty; {nearest('', GRAPH_FILES)}")
    return tuple(name for name in GRAPH_FILES if name in wanted)


def write_int8(fp32: Path, out: Path) -> None:
    """The graph `fp32` with its matrix products' weights in 8 bits."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Measured on the bundled model (321 clips of speech) and, for speed, at full size on a processor with VNNI:
    # - QInt8, not FunASR's QUInt8: 1.7 times as fast one by one, 2.0 times in batches, and no less exact.
    # - One scale a column (per_channel): as fast as one a matrix, and 41 instead of 81 of 14,683 output frames
    #   get another best id than in fp32; the emotion changes in 1 clip with either.
    # - The output layer too: leaving it in float costs a tenth in speed and 37 MB, and moved the posteriors no
    #   less (0.028 instead of 0.029 at most).
    with quiet():
        quantize_dynamic(fp32, out, op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8, per_channel=True)


def write_fp16(fp32: Path, out: Path) -> None:
    """The graph `fp32` in half precision, with float32 inputs and outputs."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(str(fp32))
    half = convert_float_to_float16(model, keep_io_types=True, node_block_list=_position_encoding(model.graph.node))
    onnx.save(half, str(out))


def _position_encoding(nodes: Iterable[Any]) -> list[str]:
    """Names of the sine and cosine nodes and of all that leads to them."""
    by_output = {output: node for node in nodes for output in node.output}
    waiting = [node for node in by_output.values() if node.op_type in ("Sin", "Cos")]
    found: dict[str, Any] = {}
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found[node.name] = node
            waiting += [by_output[name] for name in node.input if name in by_output]
    return list(found)
