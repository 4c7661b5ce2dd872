"""The card of a corpus that has none: its labels are the canonical names or common words for them."""

from __future__ import annotations

from sv_eval.common_words import COMMON_WORDS
from sv_eval.data.corpus.card import list_cards
from sv_eval.data.corpus.config import DatasetConfig
from sv_eval.data.corpus.layout_rule import Kind, Layout
from sv_eval.data.corpus.schema import Card, LabelWords, Licence, Origin
from sv_eval.emotions import EMOTIONS, OTHER, UNKNOWN
from sv_eval.finer_words import FINE, SPELLINGS

SYNONYMS = {spelling: FINE[word].default for spelling, word in SPELLINGS.items()} | {
    # A corpus that does not know what a clip is has it as something else; it declined to say nothing.
    word: OTHER if emotion == UNKNOWN else emotion
    for word, emotion in COMMON_WORDS.items()
}
"""Words that mean the same in every corpus."""
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
