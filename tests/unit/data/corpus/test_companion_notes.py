"""Tables beside the audio: joined as they really are, and missed where they aren't."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sv_eval.data.corpus.reading import Corpus

Read = Callable[..., Corpus]
Tree = Callable[..., Path]


def companion_notes(corpus: Corpus) -> list[tuple[str, dict[str, Any]]]:
    return [(note.code, dict(note.values)) for note in corpus.notes if note.code.startswith("companion")]


@pytest.mark.parametrize("name", ["相同的文本201--250.txt", "相同文本201--250.txt", "docs/相同的文本201-250.TXT"])
def test_casia_s_words_join_under_the_name_that_they_have(read: Read, tree: Tree, name: str) -> None:
    words = "201. 就是下雨也去\r\n202. 欢迎你\r\n"
    root = tree("liuchanhg/fear/201.wav", "wangzhe/sad/202.wav", encoding="gb18030", **{name: words})

    corpus = read(card="casia", root=str(root))

    assert [clip.transcript for clip in corpus.clips] == ["就是下雨也去", "欢迎你"]
    assert companion_notes(corpus) == []


@pytest.mark.parametrize("ending", ["", ".wav", ".WAV"])
def test_nemo_s_ids_may_carry_the_files_ending(read: Read, tree: Tree, ending: str) -> None:
    table = f"file_id\traw_text\nWR0_surprised_64{ending}\tCzy mogę?\n"

    corpus = read(card="nemo", root=str(tree("samples/WR0_surprised_64.wav", **{"data.tsv": table})))

    assert [clip.transcript for clip in corpus.clips] == ["Czy mogę?"]


def test_a_table_that_says_less_is_a_note_with_its_numbers(read: Read, tree: Tree) -> None:
    root = tree(
        "samples/EB0_anger_1.wav",
        "samples/EB0_anger_2.wav",
        **{"data.tsv": "file_id\traw_text\nEB0_anger_1\tTak.\n"},
    )

    corpus = read(card="nemo", root=str(root))

    assert companion_notes(corpus) == [
        ("companion_partial", {"what": ["transcript"], "n": 1, "of": 2, "files": ["**/data.tsv"]})
    ]


def test_a_table_that_is_not_there_is_another(read: Read, tree: Tree) -> None:
    corpus = read(card="nemo", root=str(tree("samples/EB0_anger_1.wav")))

    assert companion_notes(corpus) == [
        ("companion_absent", {"what": ["transcript"], "n": 0, "of": 1, "files": ["**/data.tsv"]})
    ]


def stm(key: str, speaker: str) -> str:
    return f"{key} 1 {speaker} 0 1.08 <id={key},lang=en,spk={speaker},emotion=x> x\n"


@pytest.mark.parametrize(
    ("name", "key", "path", "label", "spoken_by", "speaker"),
    [
        ("polish", "polish-m1.a_podaj_3", "m1.a_podaj_3.wav", "a", "3", "3"),
        ("emns", "emns-recorded_audio_59AlNza3", "cleaned_webm/recorded_audio_59AlNza3.webm", "Angry", "3", "3"),
        ("mesd", "mesd-Anger_C_A_Child", "Anger_C_A_Child.wav", "Anger", "Child", "Child"),
        ("mesd", "mesd-Anger_C_A_no", "Anger_C_A_no.wav", "Anger", "Anger_C_A_no", None),
        ("mesd", "mesd-Anger_C_A_no.wav", "Anger_C_A_no.wav", "Anger", "Anger_C_A_no", None),
        ("mesd", "mesd-Anger_C_A_no", "Anger_C_A_no.wav", "Anger", "mesd-Anger_C_A_no", None),
    ],
)
def test_emobox_s_speaker_is_none_only_where_it_is_the_clip_s_name(
    read: Read, tree: Tree, name: str, key: str, path: str, label: str, spoken_by: str, speaker: str | None
) -> None:
    line = f'{{"key": "{key}", "wav": "downloads/{name}/{path}", "emo": "{label}"}}\n'
    folder = f"data/{name}/"
    root = tree(
        f"downloads/{name}/{path}",
        **{folder + f"{name}.jsonl": line, folder + "data.seg.wrd.stm": stm(key, spoken_by)},
    )

    assert [clip.speaker for clip in read(card="emobox", name=name, root=str(root)).clips] == [speaker]
