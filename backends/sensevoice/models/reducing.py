"""The graph that takes of logits what an answer is made of, where they lie: `logits_reduced.onnx` beside this file.

    python -m sv_eval.backends.sensevoice.models.reducing

Logits are 25,055 numbers a frame, 17 MB for ten seconds; the best ids and the emotions' logits are 1.4 kB. This
graph runs behind a model's own, of whatever vocabulary, in the memory of the device.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sv_eval.backends.sensevoice.answers import EMOTION_FRAME

REDUCING = Path(__file__).with_name("logits_reduced.onnx")
_OPSET, _IR = 13, 8


def reducing_graph() -> Any:
    """The graph, as onnx has it.

    It takes `logits` float32 [batch, frames, ids] and `ids` int64 [emotions]; it gives `best` int64 [batch, frames]
    (the first of the most probable ids) and `emotions` float32 [batch, emotions], at the emotion frame.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [
            helper.make_node("ArgMax", ["logits"], ["best"], axis=2, keepdims=0),
            helper.make_node("Gather", ["logits", "frame"], ["at_frame"], axis=1),
            helper.make_node("Gather", ["at_frame", "ids"], ["emotions"], axis=1),
        ],
        "logits_reduced",
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "frames", "vocabulary"]),
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["n_emotions"]),
        ],
        [
            helper.make_tensor_value_info("best", TensorProto.INT64, ["batch", "frames"]),
            helper.make_tensor_value_info("emotions", TensorProto.FLOAT, ["batch", "n_emotions"]),
        ],
        [helper.make_tensor("frame", TensorProto.INT64, [], [EMOTION_FRAME])],
    )
    opset = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, producer_name="sv-eval", ir_version=_IR, opset_imports=opset)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    REDUCING.write_bytes(reducing_graph().SerializeToString())
