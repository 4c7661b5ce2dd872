"""The table of corpora in the documentation is that of the cards; every choice has its card, page and defaults."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from sv_eval.config.commented import whole_text
from sv_eval.config.places import cards_dir, conf_dir, house
from sv_eval.data.corpus.card import find_card, list_cards
from sv_eval.data.corpus.overview import BEGIN, clip_count, described_cards, overview, renewed
from sv_eval.data.corpus.reading import dataset_config_from

PAGE = house() / "docs" / "corpora.md"


def test_page_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")

    assert page == renewed(page, described_cards()), "run: python -m sv_eval.data.corpus.overview docs/corpora.md"


def test_page_without_its_marks_is_refused():
    with pytest.raises(ValueError, match=r"lacks the line"):
        renewed(f"{BEGIN} and no end", [])


def test_line_of_a_corpus():
    line = overview([find_card("esd")]).splitlines()[-1]

    for cell in ("zh, en", "35000", "29.07", "20", "train, evaluation, test, emobox_fold1..5", "LicenseRef-ESD"):
        assert cell in line


def test_numbered_splits_are_said_in_one_word():
    lines = overview([find_card("iemocap"), find_card("mer2023")])

    assert "| session1..5, emobox_fold1..5 |" in lines
    assert "| train, test1, test2, test3, emobox_fold1 |" in lines


def test_corpus_that_grows_has_no_count():
    assert clip_count(find_card("msppodcast")) is None
    assert clip_count(find_card("emovdb")) == 7000


@pytest.mark.parametrize("name", sorted(set(list_cards())))
def test_every_card_is_a_choice_that_names_its_splits(name):
    file = conf_dir() / "dataset" / f"{name}.yaml"
    text = whole_text(file)

    assert yaml.safe_load(text)["card"] == name
    listed = next(line for line in text.splitlines() if line.startswith("split:"))
    for split in find_card(name).splits:
        if not split.startswith(("emobox_fold", "session")):
            assert split in listed


@pytest.mark.parametrize("name", sorted(set(list_cards()) - {"demo"}))
def test_every_page_of_a_corpus_says_how_to_run_it_and_what_is_disputed(name):
    page = Path(cards_dir() / name / "README.md").read_text(encoding="utf-8")
    card = find_card(name)

    assert f"python -m sv_eval dataset={name}" in page or f"dataset={name} " in page
    assert not card.words.disputed or "disputed" in page.casefold()
    assert card.citation is None or card.citation.split(":")[0].split(",")[0][:6] in page


_OWN = {
    "huggingface": ("split",),
    "csemotions": ("split", "huggingface"),
    "asvpesd": ("split",),
    "esd_zh": ("only",),
    "esd_en": ("only",),
}
"""What a choice sets on purpose."""


@pytest.mark.parametrize("path", sorted((conf_dir() / "dataset").glob("[!_]*.yaml")), ids=lambda path: path.stem)
def test_configuration_files_hold_the_defaults(path: Path):
    data = yaml.safe_load(whole_text(path))
    config = dataset_config_from({**data, "name": path.stem})

    defaults = {"name": config.name, "card": config.card, "kind": config.kind}
    own = {"split": config.split, "only": config.only, "huggingface": asdict(config.huggingface)}
    defaults |= {key: own[key] for key in _OWN.get(path.stem, ())}
    assert config == dataset_config_from(defaults)
