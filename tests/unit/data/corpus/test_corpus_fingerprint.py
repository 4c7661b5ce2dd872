"""The dataset hash sees the audio: a little of every file, and no more than that."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from sv_eval.data.corpus.fingerprint import ends_of_file
from sv_eval.data.corpus.reading import corpus_of, dataset_config_from, open_corpus


def test_hash_tells_a_copy_with_noise_from_the_corpus(read, sound, tmp_path):
    for root in ("clean", "noisy"):
        for name in ("happy/a", "sad/b"):
            sound(f"{root}/{name}.wav", seconds=1.0)
    noisy = sound("noisy/sad/b.wav", seconds=1.0, value=0.11)
    assert noisy.stat().st_size == (tmp_path / "clean/sad/b.wav").stat().st_size

    clean, other = (read(kind="folder", root=str(tmp_path / root)) for root in ("clean", "noisy"))
    cleaned = sound("noisy/sad/b.wav", seconds=1.0)
    again = read(kind="folder", root=str(tmp_path / "noisy"))

    assert cleaned == noisy
    assert clean.hash == again.hash != other.hash


@pytest.mark.parametrize("at", [0, 3000, -3000, -1])
def test_hash_sees_a_change_at_either_end_of_a_file(read, sound, tmp_path, at):
    path = sound("happy/a.wav", seconds=2.0)
    before = read(kind="folder", root=str(tmp_path)).hash
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)

    assert read(kind="folder", root=str(tmp_path)).hash != before


def test_hash_opens_only_the_clips_that_a_limit_leaves(sound, tmp_path):
    for index in range(20):
        sound(f"happy/{index}.wav")
    config = dataset_config_from({"name": "test", "kind": "folder", "root": str(tmp_path), "limit": 3})
    card, found = open_corpus(config)
    looked_at = []

    corpus = corpus_of(config, card, replace(found, ends=looked_at.append))

    assert looked_at == list(corpus.clips)
    assert len(looked_at) == 3


def test_ends_of_what_is_no_readable_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for path in (pipe, tmp_path, tmp_path / "none", "a\0b"):
        assert ends_of_file(str(path)) is None
