"""Label maps in a file of their own, and the advice that leads there."""

from __future__ import annotations

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from sv_eval.config.overrides import quoted, teach_omegaconf
from sv_eval.data.corpus.label_file import how_to_map
from sv_eval.data.corpus.reading import dataset_config_from
from sv_eval.errors import CorpusError

HARD = [
    "große", "中立", "a b", "a,b", "a:b", "a=b", "a'b", 'a"b', "#1", "1e5", "1_0", "007", "true", "Null", "NaN",
    "-inf", "a}b", "$x", "${x}", "~", "a&b", "é", "1.0", "a\\b", "a\nb",
]  # fmt: skip


def test_labels_of_a_file_go_before_the_cards_and_after_the_users(read, sound, tmp_path):
    for name in ("große Freude", "a,b", "happy"):
        sound(f"root/{name}/a.wav")
    file = tmp_path / "labels.yaml"
    file.write_text("große Freude: happy\n'a,b': sad\nHappy: other\n", encoding="utf-8")

    corpus = read(
        kind="folder", root=str(tmp_path / "root"), labels_file=str(file), labels={"GROSSE FREUDE": "surprised"}
    )

    assert {clip.raw_label: clip.reference for clip in corpus.clips} == {
        "große Freude": "surprised", "a,b": "sad", "happy": "other",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("angst: scared\n", r"labels.yaml: 'angst' leads to 'scared', which is no emotion name"),
        ("angst: hapy\n", r"did you mean happy\?"),
        ("angst: 1\n", r"labels.yaml: 'angst' leads to 1; give an emotion's name"),
        ("angst: [sad]\n", "'angst' leads to"),
        ("1: sad\n", "the raw label 1 isn't text; put it in quotes"),
        ("no: sad\n", "the raw label False isn't text; put it in quotes"),
        ("' a': sad\n", "no blanks around it"),
        ("a: sad\na: happy\n", r"labels.yaml:2: the key 'a' stands in line 1 already"),
        ("", r"labels.yaml should hold raw labels"),
        ("- a\n", r"labels.yaml should hold raw labels"),
        ("a: [", r"labels.yaml can't be read as YAML"),
    ],
)
def test_broken_label_file_is_told_where(read, sound, tmp_path, content, message):
    sound("root/happy/a.wav")
    file = tmp_path / "labels.yaml"
    file.write_text(content)

    with pytest.raises(CorpusError, match=message) as error:
        read(kind="folder", root=str(tmp_path / "root"), labels_file=str(file))

    assert "\n" not in str(error.value)


def test_label_file_that_is_not_there(read, tmp_path):
    with pytest.raises(CorpusError, match=r"dataset\.labels_file=none\.yaml: there is no such file"):
        read(kind="folder", root=str(tmp_path), labels_file="none.yaml")


@given(st.text(min_size=1) | st.from_regex(r"\A[\w. /-]+\Z"))
@example("happy")
@example("A-b_c.d/e1")
def test_advice_for_the_command_line_can_be_typed_and_means_the_label(raw):
    check_advice(raw)


@pytest.mark.parametrize("raw", [*HARD, "fear", "F", "1", "0", "a-b", "s01/x"])
def test_advice_works_for_this_label(raw):
    check_advice(raw)


def check_advice(raw: str) -> None:
    """Does what the advice says, as a shell would, and finds the label mapped."""
    advice = how_to_map(raw).removeprefix("map it: ")
    (word,) = shlex.split(advice[: advice.rindex(" (an emotion")])
    teach_omegaconf()
    labels = OverridesParser.create().parse_override(quoted([word])[0]).value()
    plain = OmegaConf.to_container(OmegaConf.create({"labels": labels}), resolve=True)

    config = dataset_config_from({"name": "x", "kind": "folder", **plain})

    assert config.labels == {raw: "other"}
