"""Manifests: CSV, TSV and JSON lines, whole and broken, small and large."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sv_eval.data.corpus.notes import Note
from sv_eval.data.corpus.reading import dataset_config_from, read_corpus
from sv_eval.errors import AudioError, CorpusError


@pytest.fixture
def table(tmp_path):
    """Writes a manifest and gives the configuration that reads it."""

    def write(content: str | bytes, name: str = "list.csv", **options) -> dict:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return {"kind": "manifest", "manifest": {"file": str(path), **options}}

    return write


def test_csv_with_every_column(read, table, sound):
    sound("wav/a.wav", seconds=2.0)
    options = table(
        "id,path,emotion,speaker,sex,language,transcript,start,end,split\n"
        'x,wav/a.wav,Happiness, s1 ,F,en,"Well, yes",0.5,1.5,train\n'
        "y,wav/a.wav,sad,s2,male,de,,1.5,,test\n"
    )

    corpus = read(**options)

    first, second = corpus.clips
    assert (first.reference, first.speaker, first.sex, first.transcript) == (
        "happy",
        "s1",
        "female",
        "Well, yes",
    )
    assert (first.start_s, first.end_s, second.start_s, second.end_s) == (0.5, 1.5, 1.5, None)
    assert first.size_bytes == second.size_bytes > 0
    assert corpus.source.load(first).duration_s == 1.0
    assert corpus.source.load(second).duration_s == 0.5
    assert [clip.id for clip in read(**options, split="test").clips] == ["y"]
    with pytest.raises(CorpusError, match=r"no such split; did you mean test"):
        read(**options, split="tset")


def test_tsv_bom_and_other_names(read, table, sound):
    sound("a.wav")
    content = "\ufefffile_id\temo\tspk\na.wav\tjoy\t        EB0\n"

    corpus = read(**table(content, "x.tsv", columns={"path": "file_id", "emotion": "emo", "speaker": "spk"}))

    assert (corpus.clips[0].id, corpus.clips[0].reference, corpus.clips[0].speaker) == ("a", "happy", "EB0")


def test_json_lines_and_semicolons(read, table):
    rows = [
        {"path": "a.wav", "emotion": "sad", "start": 1, "end": 2.5, "speaker": 7},
        {"path": "a.wav", "emotion": None, "start": 2.5, "end": 3},
    ]
    of_json = read(**table("\n".join(map(json.dumps, rows)) + "\n\n", "x.jsonl"))
    of_csv = read(**table("path;emotion\na.wav;sad\n", delimiter=";"))

    assert [clip.id for clip in of_json.clips] == ["a@1-2.5", "a@2.5-3"]
    assert of_json.clips[0].speaker == "7"
    assert of_json.clips[1].reference is None
    assert of_json.notes == (Note(code="unlabelled", values={"n": 1}),)
    assert of_csv.clips[0].reference == "sad"


def test_json_lines_have_keys_of_their_own(read, table):
    rows = [
        {"path": "a.wav", "emotion": "sad"},
        {"path": "b.wav", "emotion": "sad", "start": 1, "end": 2.5, "who": "s1"},
        {"emotion": "happy", "path": "c.wav", "who": "s2"},
    ]
    content = "\n".join(map(json.dumps, rows))

    corpus = read(**table(content, "x.jsonl", columns={"speaker": "who"}))

    assert [(clip.id, clip.speaker, clip.start_s, clip.end_s) for clip in corpus.clips] == [
        ("a", None, None, None),
        ("b@1-2.5", "s1", 1.0, 2.5),
        ("c", "s2", None, None),
    ]


@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [
        (
            '{"path": "b.wav"}',
            {},
            r"x.jsonl:2: there is no column 'emotion', but path; .*\(null if there is none\)",
        ),
        ('{"emotion": "sad"}', {}, r"x.jsonl:2: there is no column 'path', but emotion"),
        (
            '{"path": "b.wav", "emotion": "sad"}',
            {"speaker": "who"},
            r"x.jsonl: .* no column 'who', but path, emotion",
        ),
        (
            '{"path": "b.wav", "emotion": ""}',
            {"start": "t0"},
            r"x.jsonl: .* no column 't0'.*columns.start=COLUMN",
        ),
    ],
)
def test_json_lines_that_lack_a_column(read, table, row, columns, message):
    with pytest.raises(CorpusError, match=message):
        read(**table('{"path": "a.wav", "emotion": "sad"}\n' + row, "x.jsonl", columns=columns))


def test_hash_sees_that_a_missing_file_has_come(read, table, sound):
    options = table("path,emotion\na.wav,sad\n")
    missing = read(**options).hash
    sound("a.wav")

    assert read(**options).hash != missing


def test_table_without_labels(read, table):
    with pytest.raises(CorpusError, match=r"no column 'emotion', but path; .*columns.emotion=COLUMN \(null if"):
        read(**table("path\na.wav\n"))

    corpus = read(**table("path\na.wav\n", columns={"emotion": None}))

    assert corpus.clips[0].reference is None


def test_root_moves_the_audio(read, table, sound, tmp_path):
    sound("audio/a.wav")
    (tmp_path / "lists").mkdir()
    options = table("path,emotion\na.wav,sad\n", "lists/list.csv")

    corpus = read(**options, root=str(tmp_path / "audio"))

    assert corpus.source.load(corpus.clips[0]).duration_s == 0.1
    assert corpus.clips[0].size_bytes is not None


def test_audio_that_is_not_there_is_its_clips_failure(read, table):
    corpus = read(**table("path,emotion\nnone.wav,sad\n"))

    assert corpus.clips[0].size_bytes is None
    with pytest.raises(AudioError, match=r"dataset\.root") as error:
        corpus.source.load(corpus.clips[0])
    assert error.value.kind == "not_found"


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("path,emotion\na.wav\n", "x.csv", r"x.csv:2 has 1 columns, but the header has 2"),
        ('path,emotion\na.wav,sad\n"b.wav,sad\n', "x.csv", r"x.csv:3 can't be read"),
        ("path,emotion\n,sad\n", "x.csv", r"x.csv:2: the column 'path' is empty"),
        ("path,emotion\na.wav,loud\n", "x.csv", r"x.csv:2 has the label 'loud'"),
        ("path,emotion,start\na.wav,sad,soon\n", "x.csv", r"x.csv:2: start is 'soon'"),
        ("path,emotion,start\na.wav,sad,-1\n", "x.csv", r"x.csv:2: start is '-1'"),
        ("path,emotion,start\na.wav,sad,1e300\n", "x.csv", r"x.csv:2: start is '1e300'"),
        ("path,emotion,start,end\na.wav,sad,2,1\n", "x.csv", r"x.csv:2: the clip ends at 1 s"),
        ("path,emotion\n", "x.csv", "lists no clip"),
        ("", "x.csv", "lists no clip"),
        ("path,emotion\n\xe9".encode("latin-1"), "x.csv", "isn't UTF-8"),
        ("wav,emotion\na.wav,sad\n", "x.csv", r"no column 'path', but wav, emotion"),
        ("path,emotion\na.wav," + "x" * 200_000, "x.csv", r"x.csv:2 can't be read"),
        ('{"path": "a.wav", "emotion": "sad"}\n{"path":\n', "x.jsonl", r"x.jsonl:2 isn't JSON"),
        ("[1]\n", "x.jsonl", r"x.jsonl:1 is list, not an object"),
        (
            '{"path": ["a.wav"], "emotion": "sad"}\n',
            "x.jsonl",
            r"x.jsonl:1: the column 'path' holds \['a.wav'\]",
        ),
        (
            "id,path,emotion\nx,a.wav,sad\nx,b.wav,sad\n",
            "x.csv",
            r"two clips have the id 'x': a.wav and b.wav",
        ),
    ],
)
def test_broken_manifest_is_told_where(read, table, content, name, message):
    with pytest.raises(CorpusError, match=message) as error:
        read(**table(content, name))

    assert "\n" not in str(error.value)


def test_wrong_options_are_told(read, table):
    content = "path,emotion\na.wav,sad\n"

    with pytest.raises(CorpusError, match=r"'speker' is no field of a clip; did you mean speaker\?"):
        read(**table(content, columns={"speker": "x"}))
    with pytest.raises(CorpusError, match=r"no column 'who'.*columns.speaker=COLUMN"):
        read(**table(content, columns={"speaker": "who"}))
    with pytest.raises(CorpusError, match="can't be read as a table"):
        read(**table(content, delimiter=";;"))
    with pytest.raises(CorpusError, match=r"there is no such manifest"):
        read(kind="manifest", manifest={"file": "/no/list.csv"})


def test_card_with_a_manifest_beside_the_audio_or_the_card(read, card, sound, tmp_path):
    folder = card(layout="kind: manifest, file: made.csv, columns: {emotion: emo}")
    sound("audio/a.wav")
    with pytest.raises(CorpusError, match=r"no such manifest; Ask me"):
        read(card=str(folder), root=str(tmp_path / "audio"))
    with pytest.raises(CorpusError, match=r"dataset.root isn't set"):
        read(card=str(folder))

    (folder / "made.csv").write_text("path,emo\na.wav,sad\n")
    corpus = read(card=str(folder), root=str(tmp_path / "audio"))

    assert corpus.source.load(corpus.clips[0]).duration_s == 0.1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.tsv", "x.jsonl"]))
def test_any_content_ends_in_clips_or_a_corpus_error(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(b"path,emotion\n" + content)
    config = dataset_config_from({"name": "x", "kind": "manifest", "manifest": {"file": str(path)}})

    try:
        corpus = read_corpus(config)
    except CorpusError as error:
        message = str(error)
    else:
        message = ""
        assert corpus.clips

    assert "\n" not in message


@pytest.mark.slow
def test_large_manifest_costs_a_few_hundred_bytes_a_clip(tmp_path):
    n_clips = 50_000
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write("id,path,emotion,speaker,sex,language,transcript\n")
        for index in range(n_clips):
            emotion = ("happy", "sad", "angry")[index % 3]
            file.write(
                f"clip_{index},audio/{index % 97}/clip_{index}.wav,{emotion},s{index % 500},female,en,"
                f"sentence number {index % 350}\n"
            )
    config = dataset_config_from({"name": "x", "kind": "manifest", "manifest": {"file": str(path)}})

    tracemalloc.start()
    corpus = read_corpus(config)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(corpus.clips) == n_clips
    assert held / n_clips < 350
    assert peak / n_clips < 400


def test_ages_and_accents_are_read(read, table, sound):
    sound("a.wav")
    rows = ["path,emotion,age,accent,start,end", "a.wav,happy,31,Scottish,0,0.2", "a.wav,sad,31.0,,0.2,0.4"]

    clips = read(**table("\n".join([*rows, "a.wav,sad,,,0.4,0.6", ""]))).clips

    found = {clip.start_s: (clip.age, clip.accent) for clip in clips}
    assert found == {0.0: (31, "Scottish"), 0.2: (31, None), 0.4: (None, None)}


@pytest.mark.parametrize("age", ["young", "-3", "31.5", "400", "３１"])
def test_an_age_that_is_none_is_refused_with_its_line(read, table, sound, age):
    sound("a.wav")

    with pytest.raises(CorpusError, match=r"list.csv:2: .*no number of years"):
        read(**table(f"path,emotion,age\na.wav,happy,{age}\n"))
