"""What a layout can say: variants, numbers that tell, copies, tables beside the audio, restrictions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sv_eval.data.corpus.layout_rule import NumberRange
from sv_eval.data.corpus.reading import dataset_config_from
from sv_eval.data.corpus.text_encoding import cell_text, decoded
from sv_eval.errors import ConfigError, CorpusError

PATTERN = r"kind: pattern, pattern: '(?P<speaker>s\d)_(?P<label>\w+)_(?P<number>\d+)\.wav$'"
VARIANTS = r"""kind: pattern, fields: {id: '{stem}'}, variants: [
  {name: deep, pattern: '(?P<label>happy|sad)/(?P<speaker>s\d)/[^/]+\.wav$'},
  {name: shallow, glob: '*.wav', pattern: '^(?P<speaker>s\d)-(?P<label>happy|sad)-\d\.wav$',
   fields: {id: '{speaker}'}}]"""


@pytest.mark.parametrize(
    ("names", "variant", "ids"),
    [
        (("happy/s1/a.wav",), "deep", ["a"]),
        (("s1-sad-1.wav",), "shallow", ["s1"]),
        (("s1-sad-1.wav", "happy/s1/a.wav"), "deep", ["a"]),
    ],
)
def test_first_variant_that_any_file_follows_is_read(read, card, tree, names, variant, ids):
    corpus = read(card=str(card(layout=VARIANTS)), root=str(tree(*names)))

    assert corpus.variant == variant
    assert [clip.id for clip in corpus.clips] == ids


def test_no_variant_fits(read, card, tree):
    with pytest.raises(
        CorpusError, match=r"2 files match .* none follows any of the 2 forms that the corpus comes in"
    ):
        read(card=str(card(layout=VARIANTS)), root=str(tree("a.wav", "b/c.wav")))


@given(st.integers(1, 1750))
def test_numbers_begin_anew(number):
    parts = {"evaluation": (1, 20), "test": (21, 50), "train": (51, 350)}

    name = NumberRange(group="number", every=350, parts=parts).name(number)

    place = number % 350 or 350
    assert name == ("evaluation" if place <= 20 else "test" if place <= 50 else "train")


def test_number_outside_every_part_decides_nothing(read, card, tree, told):
    layout = PATTERN + ", ranges: {split: {group: number, parts: {test: [1, 9]}}}"
    folder = card("splits: {test: {values: [test]}, rest: {not_in: [test]}}", layout=layout)
    root = tree("s1_happy_5.wav", "s1_happy_12.wav")

    assert [clip.id for clip in read(card=str(folder), root=str(root), split="test").clips] == ["s1_happy_5"]
    assert [clip.id for clip in read(card=str(folder), root=str(root), split="rest").clips] == ["s1_happy_12"]


def test_copies_must_be_alike_in_size(read, card, tree, codes):
    folder = card(layout=PATTERN + ", fields: {id: '{stem}'}, copies: true")
    name = "s1_happy_1.wav"

    alike = read(card=str(folder), root=str(tree("b/" + name, "a/deep/" + name, folder="alike")))
    assert [clip.path for clip in alike.clips] == ["b/" + name]
    assert codes(alike) == {"copies": {"n": 1}}
    with pytest.raises(CorpusError, match="two clips have the id 's1_happy_1'"):
        read(card=str(folder), root=str(tree("b/" + name, folder="unlike", **{"a/" + name: "longer"})))


def test_restriction_by_several_fields(read, card, tree):
    layout = PATTERN + ", lowercase: [label]"
    folder = card("speakers: {s1: {sex: female}, s2: {sex: male}}", layout=layout)
    root = tree("s1_happy_1.wav", "s1_SAD_1.wav", "s2_happy_1.wav")
    options = {"card": str(folder), "root": str(root)}

    assert [clip.id for clip in read(**options, only={"sex": ["female"], "label": ["sad"]}).clips] == ["s1_SAD_1"]
    with pytest.raises(CorpusError, match="no clip of test has the speaker s9; there are s1, s2"):
        read(**options, only={"speaker": ["s9"]})
    with pytest.raises(CorpusError, match="no clip of test has the language zh; no clip states its language"):
        read(**options, only={"language": ["zh"]})
    with pytest.raises(CorpusError, match="no clip of test meets all of it"):
        read(**options, only={"speaker": ["s2"], "label": ["sad"]})


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ({"speeker": ["a"]}, "'speeker' can't be restricted; did you mean speaker"),
        ({"sex": []}, "only.sex wants nothing"),
    ],
)
def test_wrong_restriction_is_refused(read, only, message):
    with pytest.raises(ConfigError, match=message):
        read(kind="folder", only=only)


TABLE = (
    PATTERN.replace("(?P<label>\\w+)", "\\w+")
    + ", companions: [{files: ['**/labels.csv'], form: table, {more}, columns: {label: Emotion, transcript: Text}}]"
)


def test_table_is_read_shallowest_first_and_its_first_row_holds(read, card, tree, told):
    layout = TABLE.replace("{more}", "key: '{File}', join: '{file}', lists: true, needed: true")
    root = tree(
        "s1_x_1.wav", "s1_x_2.wav",
        **{
            "labels.csv": "file,EMOTION,Text\ns1_x_1.wav,happy,Hi\ns1_x_1.wav,sad,\n",
            "old/labels.csv": "File,Emotion\ns1_x_1.wav,sad\ns1_x_2.wav,sad\n",
        },
    )  # fmt: skip

    corpus = read(card=str(card(layout=layout)), root=str(root))

    assert told(corpus, "raw_label", "transcript") == {"s1_x_1": ("happy", "Hi"), "s1_x_2": ("sad", None)}


@pytest.mark.parametrize(
    ("more", "text", "message"),
    [
        ("needed: true", "Name,Emotion\n", "labels.csv gives no row with label and transcript"),
        ("key: '{Fil}'", "File,Emotion\na,b\n", r"labels\.csv:2: there is no column 'fil'; did you mean file"),
        (
            "key: '{File}'",
            "File,Emotio\na,b\n",
            r"labels\.csv:2: there is no column 'emotion'; did you mean emotio",
        ),
        ("key: '{File}'", 'File,Emotion\n"a\x00', None),
    ],
)
def test_broken_table_is_told_in_a_line(read, card, tree, more, text, message):
    folder = card(layout=TABLE.replace("{more}", more))
    root = tree("s1_x_1.wav", **{"labels.csv": text})

    if message is None:
        assert [clip.raw_label for clip in read(card=str(folder), root=str(root)).clips] == [None]
        return
    with pytest.raises(CorpusError, match=message) as error:
        read(card=str(folder), root=str(root))
    assert "\n" not in str(error.value)


def test_table_in_an_unknown_encoding_is_told(read, card, tree):
    folder = card(layout=TABLE.replace("{more}", "key: '{File}'"))
    root = tree("s1_x_1.wav", encoding="latin-1", **{"labels.csv": "File,Emotion\nä,b\n"})

    with pytest.raises(CorpusError, match=r"labels\.csv is neither UTF-8, UTF-16 nor what its card names"):
        read(card=str(folder), root=str(root))


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("kind: pattern, pattern: x, variants: [{name: a, pattern: '('}]", "no regular expression"),
        (
            "kind: pattern, variants: [{name: a, pattern: '(?P<label>.)', fields: {speaker: '{who}'}}]",
            "group 'who'",
        ),
        (
            PATTERN + ", companions: [{files: [], form: text, columns: {label: text}}]",
            "needs `files` and `columns`",
        ),
        (PATTERN + ", companions: [{files: [a], form: lines, columns: {label: a}}]", "needs a `pattern`"),
        (PATTERN + ", companions: [{files: [a], form: text, rows: b, columns: {label: a}}]", "`table` has `rows`"),
        (PATTERN + ", companions: [{files: [a], form: text, key: '{a', columns: {label: a}}]", "is broken"),
        (PATTERN + ", companions: [{files: [a], form: text, join: '{who}', columns: {label: a}}]", "group 'who'"),
        (
            PATTERN + ", companions: [{files: [a], form: text, encodings: {a: b}, columns: {label: a}}]",
            "encoding 'b'",
        ),
        (PATTERN + ", ranges: {split: {group: number, parts: {test: [9]}}}", "pairs of numbers"),
        (PATTERN + ", ranges: {split: {group: number, parts: {test: [9, 1]}}}", "pairs of numbers"),
        (PATTERN + ", ranges: {split: {group: number, every: 0, parts: {test: [1, 9]}}}", "give 1 or more"),
        (PATTERN + ", lowercase: [labell]", "'labell' is no field of a clip; did you mean label"),
    ],
)
def test_broken_layout_is_told(read, card, tmp_path, layout, message):
    with pytest.raises(CorpusError, match=message) as error:
        read(card=str(card(layout=layout)), root=str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("splits: {a: {not_in: [b]}}", "splits.a.not_in: 'b' isn't defined"),
        ("splits: {a: {not_in: [b]}, b: {not_in: [a]}}", "names a split that is what others leave"),
        ("splits: {a: {pattern: '('}}", "no regular expression"),
        ("editions: {old: {hapy: 3}}", "editions.old: 'hapy' isn't defined; did you mean happy"),
    ],
)
def test_broken_split_or_edition_is_told(read, card, tmp_path, text, message):
    with pytest.raises(CorpusError, match=message):
        read(card=str(card(text)), root=str(tmp_path))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), min_size=1))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_in_every_encoding_that_marks_itself(encoding, text):
    assert decoded(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_zeros(encoding):
    text = "0003_000351\t打远一看\t生气\r\n"

    assert decoded(text.encode(encoding)) == text


def test_fallback_and_mended_punctuation():
    assert decoded("生气".encode("gb18030"), "gb18030") == "生气"
    assert cell_text("  It\x92s \n fine ") == "It’s fine"
    with pytest.raises(UnicodeDecodeError):
        decoded(b"\xff\x81")


def test_restriction_that_looks_like_a_number_is_text():
    config = dataset_config_from({"name": "x", "kind": "folder", "only": {"speaker": [1, "02"]}})

    assert config.only == {"speaker": ("1", "02")}
