"""SenseVoice's sizes, and what a directory's configuration files say about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INPUT_SIZE = 560
"""Values in an input frame: 80 mel channels, 7 frames side by side."""
VOCABULARY_SIZE = 25055
"""Rows of the output layer."""
PIECES_FILE = "chn_jpn_yue_eng_ko_spectok.bpe.model"
"""The sentencepiece vocabulary, under the name that funasr_onnx looks for."""
ENCODER = "SenseVoiceEncoderSmall"
"""FunASR's name for the encoder's class."""

TINY: Mapping[str, Any] = {
    "output_size": 64,
    "attention_heads": 4,
    "linear_units": 128,
    "num_blocks": 3,
    "tp_blocks": 1,
    "dropout_rate": 0.1,
    "positional_dropout_rate": 0.1,
    "attention_dropout_rate": 0.0,
    "input_layer": "pe",
    "pos_enc_class": "SinusoidalPositionEncoder",
    "normalize_before": True,
    "kernel_size": 11,
    "sanm_shfit": 0,
    "selfattention_layer_type": "sanm",
}
"""The bundled model's encoder, in FunASR's own words."""
SMALL: Mapping[str, Any] = {
    **TINY,
    "output_size": 512,
    "linear_units": 2048,
    "num_blocks": 50,
    "tp_blocks": 20,
}
"""SenseVoiceSmall's encoder: 234 million parameters with the output layer."""


def configuration(encoder: Mapping[str, Any]) -> str:
    """`config.yaml` in FunASR's form."""
    import yaml

    frontend = {
        "fs": 16000,
        "window": "hamming",
        "n_mels": 80,
        "frame_length": 25,
        "frame_shift": 10,
        "lfr_m": 7,
        "lfr_n": 6,
        # FunASR's own default is 1.0, and then the same clip gets another answer each time.
        "dither": 0.0,
        "cmvn_file": None,
    }
    content = {
        "model": "SenseVoiceSmall",
        "model_conf": {"length_normalized_loss": True, "sos": 1, "eos": 2, "ignore_id": -1},
        "encoder": ENCODER,
        "encoder_conf": dict(encoder),
        "frontend": "WavFrontend",
        "frontend_conf": frontend,
        "tokenizer": "SentencepiecesTokenizer",
        "tokenizer_conf": {"bpemodel": None, "unk_symbol": "<unk>", "split_with_space": True},
        "ctc_conf": {"dropout_rate": 0.0, "ctc_type": "builtin", "reduce": True, "ignore_nan_grad": True},
        "normalize": None,
        "input_size": INPUT_SIZE,
        "vocab_size": VOCABULARY_SIZE,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def listing() -> str:
    """`configuration.json`: where FunASR finds the other files."""
    content = {
        "framework": "pytorch",
        "task": "auto-speech-recognition",
        "model": {"type": "funasr"},
        "file_path_metas": {
            "init_param": "model.pt",
            "config": "config.yaml",
            "tokenizer_conf": {"bpemodel": PIECES_FILE},
            "frontend_conf": {"cmvn_file": "am.mvn"},
        },
    }
    return json.dumps(content, indent=2) + "\n"
