"""The vocabulary of a SenseVoice model: its pieces, and the ids of the tags that carry the answer.

Every id is looked up by its piece when a model is loaded, never written down here: upstream's own code lists
five of the emotions only, and a fine-tuned model may have moved them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sv_eval.emotions import EMOTIONS, UNKNOWN
from sv_eval.errors import ModelError

EMOTION_PIECES: Mapping[str, str] = {
    **{emotion: f"<|{emotion.upper()}|>" for emotion in EMOTIONS},
    UNKNOWN: "<|EMO_UNKNOWN|>",
}
LANGUAGE_PIECES: Mapping[str, str] = {name: f"<|{name}|>" for name in ("zh", "en", "yue", "ja", "ko", "nospeech")}
EVENTS = (
    "Speech", "BGM", "Applause", "Laughter", "Cry", "Sneeze", "Breath", "Cough", "Sing", "Speech_Noise",
    "GBG", "Event_UNK",
)  # fmt: skip
EVENT_PIECES: Mapping[str, str] = {name: f"<|{name}|>" for name in EVENTS}

LANGUAGE_PROMPTS: Mapping[str, int] = {
    "auto": 0, "zh": 3, "en": 4, "yue": 7, "ja": 11, "ko": 12, "nospeech": 13,
}  # fmt: skip
"""Rows of the query embedding that ask for a language."""
TEXTNORM_PROMPTS: Mapping[bool, int] = {True: 14, False: 15}
"""Rows of the query embedding that ask for a text with (True) or without inverse text normalisation."""

SPACE = "\u2581"  # sentencepiece's sign for a blank before a piece


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVocabulary:
    """The pieces of a model, by id, and the ids of its tags."""

    pieces: tuple[str, ...]
    """Every piece, in order of ids."""
    emotions: Mapping[str, int]
    """Emotion name (and `unknown`) to id; only those that the vocabulary holds."""
    languages: Mapping[int, str]
    """Id to language name."""
    events: Mapping[int, str]
    """Id to event name."""
    blank: int = 0
    """The CTC blank's id."""

    @classmethod
    def from_pieces(cls, pieces: Sequence[str], source: str) -> TokenVocabulary:
        """Resolve the tags among `pieces`; `source` names the file in errors."""
        ids = {piece: index for index, piece in enumerate(pieces)}
        emotions = {name: ids[piece] for name, piece in EMOTION_PIECES.items() if piece in ids}
        if not set(emotions) - {UNKNOWN}:
            raise ModelError(
                f"{source}: none of SenseVoice's emotion tags is in this vocabulary of {len(pieces)} pieces; "
                "is it another model's tokenizer?"
            )
        return cls(
            pieces=tuple(pieces),
            emotions=emotions,
            languages={ids[piece]: name for name, piece in LANGUAGE_PIECES.items() if piece in ids},
            events={ids[piece]: name for name, piece in EVENT_PIECES.items() if piece in ids},
        )

    def text(self, ids: Iterable[int]) -> str:
        """The words that `ids` spell, without tags and control pieces."""
        words = (self.pieces[i] for i in ids)
        spelled = "".join(word for word in words if not _is_control(word))
        return spelled.replace(SPACE, " ").strip()


def read_vocabulary(path: Path) -> TokenVocabulary:
    """The vocabulary in a sentencepiece model (`*.bpe.model`) or a `tokens.json` list."""
    if path.suffix == ".json":
        pieces = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(pieces, list):
            raise ModelError(f"{path}: a list of pieces is expected")
        return TokenVocabulary.from_pieces([str(piece) for piece in pieces], str(path))
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.Load(str(path))
    except (RuntimeError, OSError) as error:
        raise ModelError(f"{path}: not a sentencepiece model ({error})") from error
    pieces = [processor.IdToPiece(i) for i in range(processor.GetPieceSize())]
    return TokenVocabulary.from_pieces(pieces, str(path))


def _is_control(piece: str) -> bool:
    return piece in ("<unk>", "<s>", "</s>") or (piece.startswith("<|") and piece.endswith("|>"))
