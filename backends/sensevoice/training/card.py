"""The model card: what the model is, what it learnt from, and what it scored."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sv_eval.backends.sensevoice.training.corpora import Example
from sv_eval.backends.sensevoice.training.evaluation import Answer, confusion, uar
from sv_eval.backends.sensevoice.training.fitting import SAID

LIBRARIES = (
    "torch",
    "funasr",
    "kaldi-native-fbank",
    "onnx",
    "onnxruntime",
    "sentencepiece",
    "numpy",
    "scipy",
    "scikit-learn",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One held-out set and what the model said to it."""

    corpus: str
    split: str
    examples: list[Example]
    answers: list[Answer]

    def summary(self) -> dict[str, Any]:
        """UAR, recalls, confusions and accuracy of each speaker."""
        counts = confusion(self.examples, self.answers)
        truths = sorted({true for true, _ in counts})
        said = sorted({answer for _, answer in counts} | set(truths))
        right: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for example, answer in zip(self.examples, self.answers, strict=True):
            total[example.speaker] += 1
            right[example.speaker] += example.emotion == answer.emotion
        return {
            "corpus": self.corpus,
            "split": self.split,
            "clips": len(self.examples),
            "uar": round(uar(counts), 4),
            "accuracy": round(sum(right.values()) / len(self.examples), 4),
            "recall": {t: round(counts[t, t] / sum(counts[t, s] for s in said), 4) for t in truths},
            "confusion": {
                "rows": truths,
                "columns": said,
                "counts": [[counts[t, s] for s in said] for t in truths],
            },
            "accuracy_by_speaker": {s: round(right[s] / total[s], 4) for s in sorted(total)},
        }


def model_card(
    *,
    command: str,
    seed: int,
    training_s: float,
    parameters: int,
    corpora: dict[str, list[Example]],
    outcomes: list[Outcome],
    parity: dict[str, float],
    recipe: dict[str, Any],
) -> dict[str, Any]:
    """The card as plain data, ready for YAML."""
    voices = {e.speaker for e in corpora["synthetic"]}
    return {
        "name": "tiny",
        "title": "Tiny demonstration model in SenseVoice's format",
        "kind": "demonstration",
        "licence": "Apache-2.0",
        "parameters": parameters,
        "precision": "fp32",
        "emotions": list(SAID),
        "unknown": "said to sounds that are not speech",
        "languages": ["en", "zh"],
        "training": [
            {
                "corpus": "emodb",
                "licence": "CC0-1.0",
                "speakers": sorted({e.speaker for e in corpora["emodb"]}),
                "emotions": sorted({e.emotion for e in corpora["emodb"]}),
                "clips": len(corpora["emodb"]),
                "audio": " ".join(sorted(e.digest for e in corpora["emodb"] if e.digest)),
            },
            {
                "corpus": "demo-train",
                "synthetic": True,
                "voices": len(voices),
                "emotions": sorted({e.emotion for e in corpora["synthetic"]}),
                "clips": len(corpora["synthetic"]),
            },
            {"corpus": "nonspeech", "synthetic": True, "emotions": ["unknown"], "clips": len(corpora["nonspeech"])},
        ],
        "recipe": recipe,
        "results": {
            "command": command,
            "seed": seed,
            "date": date.today().isoformat(),
            "training_s": round(training_s),
            "processor": f"{platform.machine()}, CPU only",
            "libraries": {name: version(name) for name in LIBRARIES},
            "prediction": "argmax over the eight emotion ids of output frame 1; language auto, woitn",
            "held_out": [outcome.summary() for outcome in outcomes],
            "largest_logit_difference": {name: float(f"{gap:.2g}") for name, gap in parity.items()},
        },
        "limitations": [
            "A demonstration: it shows that the harness works, not how well SenseVoice hears emotion.",
            "Its synthetic voices come from one formant synthesiser; real voices differ far more.",
            "Real speech in training: six German actors, acted anger, happiness, neutrality and sadness.",
            "German has no language tag here: the model calls it English and transcribes nothing meaningful.",
            "It never says fearful or disgusted, and unknown only to what is not speech.",
            "Scores are not calibrated.",
        ],
    }


def write_card(card: dict[str, Any], path: Path) -> None:
    """As YAML, keys in the order of the card; digits that are names (speaker 08) stay in quotes."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """The safe dumper with one more rule."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="'" if value.isdigit() else None)

    Dumper.add_representer(str, text)
    content = yaml.dump(card, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
    path.write_text(content, encoding="utf-8")
