"""The tiny model's vocabulary: SenseVoice's 25055-id layout with pieces of our own, as a sentencepiece file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SIZE = 25055
BLANK_ID = 0

LANGUAGES = {"zh": 24884, "en": 24885, "yue": 24888, "ja": 24892, "ko": 24896, "nospeech": 24992}
EMOTIONS = {
    "happy": 25001,
    "sad": 25002,
    "angry": 25003,
    "neutral": 25004,
    "fearful": 25005,
    "disgusted": 25006,
    "surprised": 25007,
    "unknown": 25009,
}
EVENTS = {"Speech": 24993, "BGM": 24995, "Laughter": 24997, "Applause": 24999, "Event_UNK": 25019}
TEXT_NORMS = {"withitn": 25016, "woitn": 25017}
# Read off the order in which public clients list the tags, between ids that are certain. The model never says
# them.
INFERRED_EVENTS = {
    "/Speech": 24994,
    "/BGM": 24996,
    "/Laughter": 24998,
    "/Applause": 25000,
    "Cry": 25008,
    "Sneeze": 25010,
    "Breath": 25011,
    "Cough": 25012,
    "Sing": 25013,
    "Speech_Noise": 25014,
    "GBG": 25018,
}

# Inputs of the model's query embedding.
LANGUAGE_PROMPTS = {"auto": 0, "zh": 3, "en": 4}
TEXT_NORM_PROMPTS = {"withitn": 14, "woitn": 15}

FIRST_PIECE_ID = 3
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789'.,?!。，？！"


def tag_ids() -> dict[str, int]:
    """Every `<|tag|>` piece and its id."""
    tags = {f"<|{name}|>": number for name, number in (LANGUAGES | EVENTS | TEXT_NORMS | INFERRED_EVENTS).items()}
    for name, number in EMOTIONS.items():
        tags["<|EMO_UNKNOWN|>" if name == "unknown" else f"<|{name.upper()}|>"] = number
    return tags


@dataclass(frozen=True, slots=True)
class TrainingVocabulary:
    """Which piece has which id."""

    pieces: dict[str, int]  # ordinary pieces: words as "▁word", Chinese characters, letters

    def transcript_ids(self, text: str, language: str) -> list[int]:
        """A transcript as piece ids; a word or character that is not in the vocabulary is spelled or left out."""
        if language == "zh":
            return [self.pieces[c] for c in text if c in self.pieces]
        ids: list[int] = []
        for word in text.lower().split():
            whole = self.pieces.get("▁" + word)
            spelled = [self.pieces[c] for c in word if c in self.pieces]
            ids += [whole] if whole is not None else [self.pieces["▁"], *spelled]
        return ids

    def used_ids(self) -> list[int]:
        """The ids that training can teach: blank, our pieces, and the tags that have targets or may be said."""
        tags = [*LANGUAGES.values(), *EMOTIONS.values(), *EVENTS.values(), *TEXT_NORMS.values()]
        return [BLANK_ID, *sorted(self.pieces.values()), *sorted(tags)]

    def serialised(self) -> bytes:
        """The vocabulary as a sentencepiece model (unigram, tags as user-defined symbols)."""
        import sentencepiece.sentencepiece_model_pb2

        # The generated module has no types.
        proto: Any = sentencepiece.sentencepiece_model_pb2

        by_id = {number: piece for piece, number in self.pieces.items()}
        tags = {number: piece for piece, number in tag_ids().items()}
        kinds = proto.ModelProto.SentencePiece
        model = proto.ModelProto()
        for number in range(SIZE):
            piece = model.pieces.add()
            if number < FIRST_PIECE_ID:
                piece.piece = ("<unk>", "<s>", "</s>")[number]
                piece.type = kinds.UNKNOWN if number == 0 else kinds.CONTROL
            elif number in by_id:
                piece.piece = by_id[number]
                # Whole words win over their letters.
                piece.score = -1.0 if len(by_id[number].lstrip("▁")) > 1 else -8.0
            elif number in tags:
                piece.piece, piece.type = tags[number], kinds.USER_DEFINED
            else:
                piece.piece, piece.type = f"#{number:x}", kinds.UNUSED
        model.trainer_spec.model_type = proto.TrainerSpec.UNIGRAM
        model.trainer_spec.vocab_size = SIZE
        model.normalizer_spec.name = "identity"
        model.normalizer_spec.add_dummy_prefix = True
        model.normalizer_spec.remove_extra_whitespaces = True
        model.normalizer_spec.escape_whitespaces = True
        return bytes(model.SerializeToString(deterministic=True))


def vocabulary(transcripts: Iterable[tuple[str, str]]) -> TrainingVocabulary:
    """The vocabulary of (language, transcript) pairs."""
    words: set[str] = set()
    characters: set[str] = set()
    for language, text in transcripts:
        if language == "zh":
            characters.update(text)
        else:
            words.update("▁" + word for word in text.lower().split())
    ordinary = ["▁", *LETTERS, *sorted(words - {"▁a"}), "▁a", *sorted(characters - set(LETTERS))]
    return TrainingVocabulary({piece: FIRST_PIECE_ID + n for n, piece in enumerate(ordinary)})
