"""The files of `conf/`: what is common to several stands once, and the help's text says what Hydra composes."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml

from sv_eval.config.commented import whole_text
from sv_eval.config.composing import composed
from sv_eval.config.overrides import as_override
from sv_eval.config.places import conf_dir

_HANDFUL = 5


def test_a_body_of_ones_own_takes_the_place_of_the_usual_one() -> None:
    body = {"sound": {"data": "{audio_base64}"}, "format": "{format}"}
    found = composed(
        "config", ["backend=remote/generic", "backend.url=x", as_override("backend.dialect.body", body)]
    )

    assert found["backend"]["dialect"]["body"] == body


def test_what_corpora_have_in_common_stands_once():
    of_form = ("defaults:", "_self_", "_common@_here_")
    files = Counter[str]()
    for path in (conf_dir() / "dataset").glob("*.yaml"):
        files.update({line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()})

    often = {line: n for line, n in files.items() if n > _HANDFUL and not line.endswith(of_form)}
    assert not often, "put these lines into conf/dataset/_selection.yaml or _limits.yaml"


def test_the_settings_of_a_run_and_a_report_stand_once():
    whole = {
        name: set(yaml.safe_load((conf_dir() / f"_{name}.yaml").read_text(encoding="utf-8"))[name])
        for name in ("run", "report")
    }
    for path in conf_dir().glob("[!_]*.yaml"):
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, keys in whole.items():
            assert len(settings.get(name, ())) <= len(keys) // 2, f"{path.name}: put `- _{name}` into its defaults"


@pytest.mark.parametrize(
    "choice",
    [
        "dataset=csemotions",
        "dataset=emobox",
        "dataset=esd_en",
        "dataset=simulated",
        "backend=local",
        "backend=remote/generic",
        "backend=remote/dashscope",
        "labels=native",
        "load=ramp",
        "gate=release",
        "sweep=vad_chunk",
    ],
)
def test_the_help_shows_what_hydra_composes(choice):
    group, _, option = choice.partition("=")
    folder = conf_dir() / group
    needed = ("dataset.name=x",) if option == "emobox" else ("backend.url=x",) if option == "remote/generic" else ()

    shown = yaml.safe_load(whole_text(folder / f"{option}.yaml", folder))
    found = composed("config", [choice, *needed], [group])[group]
    for word in needed:
        shown[word.partition("=")[0].partition(".")[2]] = "x"
    assert shown == found


@pytest.mark.parametrize("main", ["capacity", "config", "corpus", "suite", "tune"])
def test_the_help_shows_the_main_files_own_settings(main):
    shown = yaml.safe_load(whole_text(conf_dir() / f"{main}.yaml"))
    shown.pop("hydra", None)

    found = composed(main, ())
    assert shown == {name: found[name] for name in shown}


@pytest.mark.parametrize("included", ["_common@_here_", "esd@_here_", "/dataset/esd@_here_"])
def test_files_of_others_may_build_on_ours(tmp_path, included):
    (tmp_path / "dataset").mkdir()
    text = f"defaults:\n  - {included}\n  - _self_\nname: mine\ncard: demo\nroot: null\n"
    (tmp_path / "dataset" / "mine.yaml").write_text(text)

    found = composed(
        "config", [f"hydra.searchpath=[file://{tmp_path}]", "dataset=mine", "dataset.limit=3"], ["dataset"]
    )

    assert found["dataset"]["name"] == "mine"
    assert found["dataset"]["limits"]["max_duration_s"] == 600.0


def test_every_included_setting_keeps_its_comment(tmp_path):
    (tmp_path / "_common.yaml").write_text(
        "url: ???   # where it is\nconnection:  # may differ\n  # the key\n  key: a  # its variable\n  wait: 3\n"
    )
    own = "name: mine\nurl: here\nconnection:\n  key: b\n  more: 1\n"
    (tmp_path / "mine.yaml").write_text(f"# Mine.\ndefaults:\n  - _common@_here_\n  - _self_\n{own}")

    assert whole_text(tmp_path / "mine.yaml").splitlines() == [
        "# Mine.",
        "name: mine",
        "url: here  # where it is",
        "connection:  # may differ",
        "  more: 1",
        "  # the key",
        "  key: b  # its variable",
        "  wait: 3",
    ]
