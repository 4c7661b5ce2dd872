"""LitServe in front of the same backend, as bench_service.py starts it: the peer that it measures against."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
import threading
import time
import urllib.request
from typing import Any

import litserve

from sv_eval.backend import Request
from sv_eval.backends.onnx import OnnxBackend
from sv_eval.data.audio.decoding import decode


class EmotionApi(litserve.LitAPI):  # type: ignore[misc]
    """Base64 in, emotion out, in batches of the backend's size."""

    def setup(self, device: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.backend = OnnxBackend(**json.loads(os.environ["SV_EVAL_BENCH"]))
        self.loop.run_until_complete(self.backend.__aenter__())

    # LitServe reads the annotation to decide what a body is: without one it is the JSON itself.
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        return Request(clip_id="", waveform=decode(base64.b64decode(request["audio"])))

    def batch(self, inputs: Any) -> Any:
        return list(inputs)

    def predict(self, x: Any) -> Any:
        return list(self.loop.run_until_complete(self.backend.recognize(x)))

    def unbatch(self, output: Any) -> Any:
        return output

    def encode_response(self, output: Any) -> Any:
        return {
            "success": True,
            "data": {"emotion": output.label, "confidence": output.confidence, "text": output.text},
        }


def tell(port: int) -> None:
    """Say what bench_service.py waits for, once the server answers."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    break
        except OSError:
            time.sleep(0.1)
    print(json.dumps({"event": "listening", "http": f"http://127.0.0.1:{port}"}), file=sys.stderr)
    print(json.dumps({"event": "ready"}), file=sys.stderr, flush=True)


if __name__ == "__main__":
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threading.Thread(target=tell, args=(port,), daemon=True).start()
    api = EmotionApi(max_batch_size=8, batch_timeout=0.005)
    litserve.LitServer(api, accelerator="cpu", timeout=120).run(
        host="127.0.0.1", port=port, generate_client_file=False, log_level="error"
    )
