"""What a report is told about a SenseVoice backend, however the model is run."""

from __future__ import annotations

from typing import Any

from sv_eval.backends.segmentation.segmenter import Segmenter
from sv_eval.backends.sensevoice.listening import Listening
from sv_eval.backends.sensevoice.model_dir import ModelDirectory
from sv_eval.emotions import EMOTIONS

TRACED = ("waveform", "features", "logits")
"""The stages that a SenseVoice backend can show of a clip, in order."""


ADJUSTS = ("language", "use_itn", "vad_threshold", "chunk_size")
"""What a request may set for itself."""


def labels_of(directory: ModelDirectory) -> tuple[str, ...]:
    """The emotions that the model was trained to say by its card, else those that its vocabulary holds."""
    said = directory.card.get("emotions")
    known = [emotion for emotion in EMOTIONS if emotion in directory.vocabulary.emotions]
    return tuple(emotion for emotion in known if said is None or emotion in said)


def listening_details(listening: Listening, segmenter: Segmenter) -> dict[str, Any]:
    """The settings that change answers, for a report; those that are not in force are left out."""
    details: dict[str, Any] = {
        "language": listening.language,
        "use_itn": listening.use_itn,
        "batch_size": listening.batch_size,
        "dither": 0,
    }
    if listening.batch_s is not None:
        details["batch_s"] = listening.batch_s
    settings = segmenter.settings
    details["vad"] = "none" if segmenter.detector is None else segmenter.detector.name
    if segmenter.detector is not None:
        rule = settings.rule
        details |= {
            "vad_threshold": rule.threshold,
            "min_speech_ms": rule.min_speech_ms,
            "min_silence_ms": rule.min_silence_ms,
            "pad_ms": rule.pad_ms,
        }
    if settings.chunk_size is not None:
        details["chunk_size"] = settings.chunk_size
    if not settings.whole:
        details["combine"] = listening.combine
    return details
