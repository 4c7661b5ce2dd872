"""The cards and the table of finer words say the same, and suites name what the cards have."""

from __future__ import annotations

import pytest
import yaml

from sv_eval.config.places import conf_dir
from sv_eval.data.corpus.card import find_card, list_cards
from sv_eval.emotions import EMOTIONS, OTHER
from sv_eval.finer_words import FINE, SPELLINGS
from sv_eval.scoring.references import published
from sv_eval.studies.suite.config import suite_config_from


@pytest.mark.parametrize("name", list_cards())
def test_a_card_leads_a_finer_word_where_the_switches_say_it_does_by_default(name):
    card = find_card(name)

    for raw, emotion in card.words.map.items():
        word = card.words.meanings.get(raw) or (
            raw if card.words.case_sensitive else SPELLINGS.get(raw.casefold(), raw)
        )
        if word in FINE:
            assert emotion == FINE[word].default, (raw, word)
        else:
            assert emotion != OTHER, f"{raw} is outside the seven and needs one of the finer words as its meaning"


def test_every_alternative_is_an_emotion_or_other():
    for fine in FINE.values():
        assert {fine.default, *fine.alternatives} <= {*EMOTIONS, OTHER}
        assert fine.default not in fine.alternatives


@pytest.mark.parametrize("path", sorted((conf_dir() / "suite").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_suite_names_corpora_and_splits_that_there_are(path):
    suite = yaml.safe_load(path.read_text(encoding="utf-8"))
    roots = dict.fromkeys(suite["sets"], "x")
    config = suite_config_from({"suite": suite | {"roots": roots}})

    for name, choice in config.suite.sets.items():
        dataset = yaml.safe_load((conf_dir() / "dataset" / f"{choice.dataset}.yaml").read_text(encoding="utf-8"))
        card = find_card(dataset["card"])
        splits = [one.partition("=")[2] for one in choice.more if one.startswith("dataset.split=")]
        assert set(splits) <= set(card.splits), (name, sorted(card.splits))
        if config.suite.reference:
            assert card.name in published()[config.suite.reference]["figures"]
