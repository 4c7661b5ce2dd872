"""The card of a corpus that has none: its labels are the canonical names or common words for them."""

from __future__ import annotations

from sv_eval.data.corpus.card import list_cards
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.layout_rule import Kind, Layout
from sv_eval.data.corpus.schema import Card, LabelWords, Licence, Origin
from sv_eval.emotions import EMOTIONS

_WORDS = {
    "happy": "happy happiness hap joy joyful excited excitement exc 快乐 高兴 开心",
    "sad": "sad sadness 伤心 悲伤 难过",
    "angry": "angry anger ang 生气 愤怒",
    "neutral": "neutral neutrality neu normal neutre 中立 中性 平静",
    "fearful": "fearful fear fea 恐惧 害怕",
    "disgusted": "disgusted disgust dis 厌恶",
    "surprised": "surprised surprise sur pleasant_surprise pleasant_surprised 惊喜 惊讶 吃惊",
    "other": (
        "other oth calm boredom bored boredem contempt contemptuous worried frustrated frustration fru "
        "anxious anxiety disappointed disappointment sleepy sleepiness amused amusement playful playfulness "
        "enthusiasm enthusiastic apologetic assertive concerned encouraging confused pleasure pain breath xxx "
        "unknown emo_unknown unk <unk> 其他 其它 未知 担心 失望 焦虑"
    ),
}
"""Words that mean the same in every corpus. No single letters: F is joy in one and fear in the next."""
SYNONYMS = {word: emotion for emotion, words in _WORDS.items() for word in words.split()}
_EXCITED = "excitement is counted as happy, as the usual four-class IEMOCAP does; a strict map has it as other"
_PLEASANT = "a pleasant surprise is counted as surprised; some count it as happy"
_DISPUTED = dict.fromkeys(("excited", "excitement", "exc"), _EXCITED) | dict.fromkeys(
    ("pleasant_surprise", "pleasant_surprised"), _PLEASANT
)
REASONS = {_EXCITED: "disputed_excitement", _PLEASANT: "disputed_pleasant_surprise"}
"""Our own reasons to the codes of the notes that state them, in the report's language."""
_HOW = "The corpus has no card; dataset.* says where it is"


def generic_card(config: DatasetConfig, kind: Kind) -> Card:
    """A card for `dataset.kind`, with the words that are common to most corpora."""
    labels = config.simulated.labels if kind == "simulated" else ()
    return Card(
        schema_version=1,
        name=config.name,
        title=config.name,
        licence=Licence(id="unknown", note="No card: look up the corpus's terms"),
        source=Origin(how=_HOW),
        layout=Layout(kind=kind, bundled=kind in ("simulated", "huggingface")),
        words=LabelWords(map=SYNONYMS, disputed=_DISPUTED),
        language=config.language,
        label_order=tuple(name for name in EMOTIONS if not labels or name in labels),
        known_as=_identity(config, kind),
    )


def _identity(config: DatasetConfig, kind: Kind) -> str:
    """Which corpus a folder or a table is: the one whose name it was given, else one that only it knows of."""
    name = config.name.casefold()
    if name in list_cards():
        return name
    # Two lists without a name of their own are not one corpus because both are lists.
    return name if name != kind else f"{kind}:{config.root or config.manifest.file or config.huggingface.path}"
