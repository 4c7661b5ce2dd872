"""One corpus is one, however it is read; and recordings are known by their sound."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from sv_eval.backends.baselines.folds import LOSO, folds_of
from sv_eval.backends.baselines.training import read_training
from sv_eval.backends.sensevoice.model_dir import bundled_model
from sv_eval.data.audio.decoding import decode
from sv_eval.data.audio.digest import sound_digest, taught_digests, without_digests
from sv_eval.data.audio.limits import AudioLimits
from sv_eval.data.corpus.config import dataset_config_from
from sv_eval.data.corpus.manifest_writer import write_manifest
from sv_eval.data.corpus.reading import card_of, read_corpus
from sv_eval.data.corpus.source import FileSource
from sv_eval.records import Clip
from sv_eval.run.history import describe_corpus
from sv_eval.run.prefetch import Prefetcher

Sound = Callable[..., Path]
NOISE = (0.1 * np.random.default_rng(5).standard_normal(24_000)).astype(np.float32)


@pytest.fixture
def copies(tmp_path: Path, sound: Sound) -> dict[str, dict[str, Any]]:
    """A little EmoDB, as its card, EmoBox's lists, a table and a folder read it."""
    names = ["03a01Fa", "03a01Wa", "08a01Fa", "08a01Wa", "12a01Fa", "12a01Wa"]
    rows, lines = ["path,emotion,speaker"], []
    for name in names:
        sound(f"db/wav/{name}.wav")
        emotion = {"F": "happy", "W": "anger"}[name[5]]
        sound(f"folder/{emotion}/{name}.wav")
        rows.append(f"wav/{name}.wav,{emotion},{name[:2]}")
        lines.append({"key": f"emodb-{name}", "wav": f"downloads/emodb/wav/{name}.wav", "emo": emotion})
    data = tmp_path / "data" / "emodb"
    data.mkdir(parents=True)
    (data / "emodb.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "list.csv").write_text("\n".join(rows))
    root, pattern = str(tmp_path / "db"), r"(?P<label>[a-z]+)/(?P<speaker>\d\d)"
    table = {"kind": "manifest", "root": root, "manifest": {"file": str(tmp_path / "list.csv")}}
    return {
        "card": {"name": "emodb", "card": "emodb", "root": root},
        "emobox": {"name": "emodb", "card": "emobox", "root": root, "emobox": {"data": str(data.parent)}},
        "table": {"name": "emodb", **table},
        "folder": {
            "name": "EmoDB", "kind": "folder", "root": str(tmp_path / "folder"), "folder": {"pattern": pattern},
        },
        "another": {"name": "mine", **table},
    }  # fmt: skip


@pytest.mark.parametrize("way", ["card", "emobox", "table", "folder"])
def test_however_it_is_read_it_is_the_same_corpus(copies: dict[str, dict[str, Any]], way: str) -> None:
    corpus = read_corpus(dataset_config_from(copies[way]))

    assert corpus.card.identity == "emodb"
    assert describe_corpus(corpus).identity == "emodb"
    assert {clip.speaker for clip in corpus.clips} == {"03", "08", "12"}


@pytest.mark.parametrize("taught", ["card", "emobox", "table", "folder"])
@pytest.mark.parametrize("asked", ["card", "emobox", "table", "folder"])
def test_a_baseline_keeps_speakers_apart_however_its_corpora_are_read(
    copies: dict[str, dict[str, Any]], taught: str, asked: str
) -> None:
    training = read_training(copies[asked], copies[taught])

    folds = folds_of(training, LOSO)

    assert training.same_people
    assert folds.how == "leave one speaker out"
    assert len(set(folds.part_of_clip.values())) == 3


def test_a_list_of_another_name_is_another_corpus(copies: dict[str, dict[str, Any]]) -> None:
    assert not read_training(copies["another"], copies["card"]).same_people


def test_lists_without_a_name_are_not_one_corpus_for_that() -> None:
    one, other = (
        card_of(dataset_config_from({"name": "manifest", "kind": "manifest", "manifest": {"file": file}}))
        for file in ("a.csv", "b.csv")
    )

    assert one.identity != other.identity


def test_a_member_of_emobox_without_a_card_is_known_by_its_name() -> None:
    config = dataset_config_from({"name": "mesd", "card": "emobox"})

    assert (card_of(config).identity, card_of(config).name) == ("mesd", "emobox_mesd")


def test_a_manifest_that_was_written_is_read_as_the_corpus_it_is_of(
    copies: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    said = write_manifest(dataset_config_from(copies["card"]), tmp_path / "out.csv")

    assert "dataset.name=emodb" in said


@pytest.mark.parametrize(
    "options",
    [
        {"format": "WAV", "subtype": "FLOAT"}, {"format": "WAV", "subtype": "PCM_24"},
        {"format": "FLAC", "subtype": "PCM_16"}, {"format": "AIFF", "subtype": "PCM_16"},
    ],
)  # fmt: skip
def test_a_recording_is_known_in_any_lossless_file(tmp_path: Path, options: dict[str, str]) -> None:
    soundfile.write(tmp_path / "a.wav", NOISE, 16_000, subtype="PCM_16")
    first = decode(tmp_path / "a.wav").samples
    silence = np.zeros(500, np.float32)
    soundfile.write(tmp_path / "b", np.concatenate([silence, first, silence]), 16_000, **options)

    assert sound_digest(decode(tmp_path / "b").samples) == sound_digest(first)


@pytest.mark.parametrize("other", [NOISE * np.float32(0.5), NOISE[:-1], NOISE[1:], np.roll(NOISE, 5)])
def test_another_level_or_cut_is_another_recording(other: np.ndarray) -> None:
    assert sound_digest(other) != sound_digest(NOISE)


def test_silence_is_nobody_s_recording() -> None:
    assert sound_digest(np.zeros(100, np.float32)) is None
    assert sound_digest(np.zeros(0, np.float32)) is None


@pytest.mark.parametrize(
    ("training", "digests"),
    [
        ([{"audio": ["a", "b"]}, {"audio": "c d"}], {"a", "b", "c", "d"}),
        ([{"corpus": "x"}], set()),
        (None, set()),
        ("emodb", set()),
        ([None, 3], set()),
    ],
)
def test_what_a_card_says_of_training(training: object, digests: set[str]) -> None:
    assert taught_digests({"training": training}) == digests


def test_digests_stay_out_of_what_people_read() -> None:
    card = {"kind": "x", "training": [{"corpus": "a", "audio": "1 2 3"}, {"corpus": "b"}]}

    assert without_digests(card) == {"kind": "x", "training": [{"corpus": "a", "n_audio": 3}, {"corpus": "b"}]}
    assert without_digests({"kind": "x"}) == {"kind": "x"}


def test_clips_that_a_model_was_trained_on_are_marked(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "known.wav", NOISE, 16_000, subtype="PCM_16")
    soundfile.write(tmp_path / "new.wav", NOISE[::-1], 16_000, subtype="PCM_16")
    taught = frozenset({sound_digest(decode(tmp_path / "known.wav").samples) or ""})
    clips = [Clip(id=name, path=f"{name}.wav") for name in ("known", "new", "none")]

    async def marks() -> dict[str, tuple[str, ...] | None]:
        source = FileSource(tmp_path, AudioLimits())
        with Prefetcher(clips, source, workers=1, ahead=4, taught=taught) as prefetcher:
            found = [item async for item in prefetcher.stream()]
        return {one.clip.id: None if one.waveform is None else one.waveform.marks for one in found}

    assert asyncio.run(marks()) == {"known": ("taught",), "new": (), "none": None}


def test_the_bundled_model_knows_the_recordings_that_it_was_trained_on(emodb: Path) -> None:
    card = yaml.safe_load((bundled_model() / "model_card.yaml").read_text("utf-8"))
    corpus = read_corpus(dataset_config_from({"name": "emodb", "card": "emodb", "root": str(emodb)}))
    taught = taught_digests(card)

    known = {clip.speaker for clip in corpus.clips if sound_digest(corpus.source.load(clip).samples) in taught}

    assert len(taught) == card["training"][0]["clips"] == 203
    assert known == set(card["training"][0]["speakers"])
