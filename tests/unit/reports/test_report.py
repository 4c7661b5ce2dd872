from __future__ import annotations

import copy
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import reports
from sv_eval.data.corpus.notes import (
    Note,
    note_on_absent,
    note_on_beyond,
    note_on_contradictions,
    note_on_copies,
    note_on_overlap,
    note_on_restriction,
    note_on_superseded,
    note_on_unlisted,
    note_on_unranged,
    note_on_voted,
)
from sv_eval.data.corpus.synonyms import REASONS
from sv_eval.finished.rescore import compute_report
from sv_eval.foreign_text import cell
from sv_eval.record_file.run_records import RunRecords
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.report.codec import from_json
from sv_eval.report.environment import Environment
from sv_eval.report.interval import Interval
from sv_eval.report.reasons import TEMPLATES, Coded, Why
from sv_eval.report.report import Report
from sv_eval.reports.figures import draw_figures
from sv_eval.reports.markdown import render
from sv_eval.reports.wording import Wording, percent
from sv_eval.scoring.caveats import find_caveats, training_overlap
from sv_eval.scoring.config import ScoringConfig
from sv_eval.sound_facts import AUDIO_MARKS
from sv_eval.sound_limits import LIMITS

CAVEATS = Path("sv_eval/scoring/caveats.py")
WORDS = Path(reports.__file__).parent / "words"
# `said` stands for words that no code is known for.
ENGLISH_REASONS = {code: words for code, words in TEMPLATES.items() if code != "said"}


HERE: dict[str, Any] = {
    "machine": {"cpu": "A CPU", "cores": 2, "memory_gib": 8.0, "system": "Linux", "python": "3.11"},
    "packages": {"sv-eval": "0.1.0", "numpy": "2.0"},
    "git": {"sv_eval": {"commit": "0123456789abcdef", "dirty": True}, "working_directory": None},
}


def environment() -> Environment:
    data: dict[str, Any] = {
        "config_hash": "c0ffee",
        "settings": {},
        "started_at": "2026-01-01T00:00:00+00:00",
        "config": {"load": {"schedule": "single_stream", "warmup_clips": 8}},
        "overrides": ["backend=fake"],
        "sessions": [{"session": 0, "started_at": "2026-01-01", "wall_s": 1.5, "ended": "finished", **HERE}],
        "dataset": {
            "name": "my_emodb",
            "card": "emodb",
            "title": "A | corpus",
            "hash": "abc",
            "split": "all",
            "n_clips": 60,
            "language": "de",
            "licence": "CC0-1.0",
            "citation": None,
            "label_order": ["happy", "sad", "fearful"],
            "label_map": {"name": "emodb", "version": 1, "hash": "123"},
            "notes": [{"code": "text", "text": "A note of the corpus."}],
        },
        "backend": {
            "name": "fake",
            "model": "simulated",
            "model_hash": None,
            "precision": None,
            "device": "cpu",
            "in_process": True,
            "details": {"threads": 1},
            "card": {"kind": "demonstration", "training": [{"corpus": "emodb", "speakers": ["s1", "s9"]}]},
            "capabilities": {
                "labels": ["happy", "sad"],
                "max_batch": 4,
                "deterministic": True,
                "batch_invariant": False,
            },
        },
        **HERE,
    }
    return from_json(Environment, data, "environment.json")


def records() -> list[Record]:
    made = []
    for i in range(60):
        reference = ("happy", "sad", "fearful", "other")[i % 4]
        answer = reference if reference in ("happy", "sad") and i % 5 else "sad"
        clip = Clip(
            id=f"c{i:02d}", path=f"w/c{i:02d}.wav", reference=reference, speaker=f"s{i % 3}", transcript="a <b> | c"
        )
        if i == 7:
            failure = Failure(kind="not_audio", message="c07.wav | broken")
            made.append(Record(clip=clip, outcome=Outcome.FAILURE, failure=failure))
            continue
        prediction = Prediction(label=answer, forced=answer, scores={answer: 1.0}, confidence=0.9)
        made.append(
            Record(clip=clip, outcome=Outcome.LABEL, prediction=prediction, latency_ms=10.0 + i, audio_s=2.0)
        )
    return made


def metrics(settings: Environment | None = None) -> Report:
    return compute_report(RunRecords.of_records(records()), settings or environment(), ScoringConfig(resamples=200))


def codes(found: Report) -> set[str]:
    return {caveat.code for caveat in found.caveats}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_table_has_as_many_cells_in_each_row(language: str) -> None:
    text = render(metrics(), environment(), language)

    widths: list[int] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            widths.append(len(re.findall(r"(?<!\\)\|", line)))
        else:
            assert len(set(widths)) <= 1, (widths, line)
            widths = []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_holds_what_a_reader_looks_for(language: str) -> None:
    text = render(metrics(), environment(), language)

    for words in (
        "figures/confusion.svg",
        "figures/latency.svg",
        "A CPU",
        "CC0-1.0",
        "`0123456789ab`",
        "not_audio",
    ):
        assert words in text
    assert "None" not in text
    assert "nan" not in text.lower().split()


def test_text_from_outside_can_not_break_the_page() -> None:
    text = render(metrics(), environment(), "en")

    assert "<b>" not in text
    assert "a &lt;b&gt; \\| c" in text
    assert cell("a\nb|c`d`") == "a b\\|c'd'"


def test_both_languages_know_the_same_sentences() -> None:
    def keys(node: Any, prefix: str = "") -> set[str]:
        if not isinstance(node, dict):
            return {prefix}
        return {key for name, value in node.items() for key in keys(value, f"{prefix}.{name}")}

    english, chinese = (yaml.safe_load((WORDS / f"{name}.yaml").read_text("utf-8")) for name in ("en", "zh"))

    # A reason without words of its own has those of metrics.json, which are English.
    english["reasons"] = {**ENGLISH_REASONS, **english["reasons"]}
    english["units"] = dict.fromkeys(("speaker", "clip"), "itself")
    assert keys(english) == keys(chinese)


def test_every_reason_has_words_with_the_same_values_in_chinese() -> None:
    chinese = yaml.safe_load((WORDS / "zh.yaml").read_text("utf-8"))["reasons"]

    for code, words in ENGLISH_REASONS.items():
        assert set(re.findall(r"{(\w+)}", words)) == set(re.findall(r"{(\w+)}", chinese[code])), code


def test_every_caveat_has_a_sentence_with_the_same_values_in_both_languages() -> None:
    source = (Path(__file__).resolve().parents[3] / CAVEATS).read_text(encoding="utf-8")
    found = set(re.findall(r'Coded\(\s*"(\w+)"', source)) | {f"sound_{word}" for word in (*AUDIO_MARKS, *LIMITS)}
    sentences = [yaml.safe_load((WORDS / f"{name}.yaml").read_text("utf-8"))["caveat"] for name in ("en", "zh")]

    assert found == set(sentences[0]) == set(sentences[1])
    for code in found:
        first, second = (set(re.findall(r"{(\w+)}", sentence[code])) for sentence in sentences)
        assert first == second, code


def test_numbers_in_caveats_are_said_in_both_languages() -> None:
    caveat = Coded("fell_behind", p99=12.3456789, limit=5.0)

    for language in ("en", "zh"):
        sentence = Wording(language).caveat(caveat)
        assert "12.35" in sentence
        assert "12.3456" not in sentence


NOTES = (
    Note(code="text", values={"text": "Mind the <gap>."}),
    Note(code="differs_from_card", values={"found": 5, "expected": 9, "differing": {"happy": [5, 9]}}),
    Note(code="strays", values={"n": 2, "example": "a|b.wav"}),
    Note(code="unlabelled", values={"n": 3}),
    Note(code="limited", values={"limit": 1, "total": 2, "seed": 0}),
    Note(code="unlisted_speakers", values={"n": 4, "speakers": ["happy", "s2"]}),
    *(
        Note(
            code=code, values={"n": 1, "raw": "E", "label": "excitement (E)", "emotion": "happy", "why": "so it is"}
        )
        for code in ("outside", "outside_disputed", "disputed", *REASONS.values())
    ),
    Note(code="edition", values={"edition": "the small one", "n": 5}),
    Note(code="speakers_differ", values={"n": 1, "differing": {"s1": [5, 9]}}),
    note_on_copies(3),
    note_on_superseded(2, "**/better_*"),
    note_on_unlisted(4),
    note_on_absent(2, 9, ["a", "b"]),
    note_on_contradictions(1, "happy/a.wav"),
    note_on_overlap("URDU"),
    note_on_unranged(["arousal"]),
    note_on_voted("plurality", ["sad", None], 3),
    note_on_voted("majority", ["sad", None], 3),
    note_on_beyond("valence", 2, 900, (1.0, 5.0), "list.csv:3: 5.5"),
    note_on_restriction({"language": ("zh",)}, 3, 9),
    *(
        Note(code=code, values={"what": ["transcript"], "n": 1, "of": 3, "files": ["**/words.txt"]})
        for code in ("companion_absent", "companion_partial")
    ),
)


def test_every_note_has_a_sentence_with_the_same_values_in_both_languages() -> None:
    sentences = [yaml.safe_load((WORDS / f"{name}.yaml").read_text("utf-8"))["note"] for name in ("en", "zh")]

    assert {note.code for note in NOTES} == set(sentences[0]) == set(sentences[1])
    for note in NOTES:
        first, second = (set(re.findall(r"{(\w+)}", sentence[note.code])) for sentence in sentences)
        assert first == second <= set(note.values), note.code


def test_notes_are_said_in_the_reports_language_and_the_corpuss_own_words_stay() -> None:
    english, chinese = (
        [Wording(name).note(Coded(note.code, note.values)) for note in NOTES] for name in ("en", "zh")
    )

    assert english[0] == chinese[0] == "Mind the &lt;gap&gt;."
    assert "happy 5/9" in english[1]
    assert "happy 5/9" in chinese[1]
    assert "a\\|b.wav" in chinese[2]
    assert "happy、s2" in chinese[5]
    assert chinese[8] == "标签为 excitement (E) 的语音，按高兴计分：1 条。有争议：so it is。"


@pytest.mark.parametrize(("language", "sentence"), [("en", "not scored: 9"), ("zh", "不计分：9 条")])
def test_a_note_stands_in_the_report(language: str, sentence: str) -> None:
    note = Coded("outside", n=9, raw="L", label="boredom (L)", emotion="other")
    settings = environment()
    settings = replace(settings, dataset=replace(settings.dataset, notes=(note,)))

    assert sentence in render(metrics(settings), settings, language)


def test_a_mean_says_which_emotions_it_is_not_over() -> None:
    failed = [
        replace(one, outcome=Outcome.FAILURE, prediction=None, failure=Failure(kind="timeout", message="late"))
        if one.clip.reference == "sad"
        else one
        for one in records()
    ]
    found = compute_report(RunRecords.of_records(failed), environment(), ScoringConfig(resamples=200))
    english, chinese = (render(found, environment(), language) for language in ("en", "zh"))

    assert found.labels == ("happy", "sad")
    assert "**UAR and macro F1 are means over happy alone**: no clip of sad has an answer." in english
    assert "**UAR 与宏 F1 只是 高兴 的平均**：悲伤 没有任何一条得到回答。" in chinese
    # Over all emotions of the corpus, too.
    assert "No clip of sad has an answer: the mean is over the others." in english
    assert "alone" not in render(metrics(), environment(), "en").split("##")[1]


def test_caveats_are_those_of_this_very_run() -> None:
    found = metrics()

    assert {
        "demonstration_model", "training_overlap", "unsupported_emotions", "not_batch_invariant", "out_of_scope",
        "few_speakers", "failures", "n_too_small", "cpu_run", "corpus_note", "uncalibrated",
    } <= codes(found)  # fmt: skip
    assert not codes(found) & {"incomplete", "resumed", "simulation", "offline_latency", "speakers_unknown"}
    overlap = next(caveat for caveat in found.caveats if caveat.code == "training_overlap")
    assert overlap.values["speakers"] == ["s1"]


def test_a_partial_and_resumed_offline_run_says_so() -> None:
    settings = environment()
    first = replace(settings.sessions[0], wall_s=None, ended=None)
    second = replace(first, session=1, wall_s=2.0, machine=replace(first.machine, cpu="Another CPU"))
    settings = replace(
        settings,
        dataset=replace(settings.dataset, n_clips=100),
        sessions=(first, second),
        config={"load": {"schedule": "offline", "warmup_clips": 0}},
    )

    found = metrics(settings)

    assert {"incomplete", "resumed", "machines_differ", "offline_latency"} <= codes(found)
    assert found.run.wall_s is None
    assert found.run.wall_s_reason
    text = render(found, settings, "zh")
    assert "A CPU" in text
    assert "Another CPU" not in text


def test_a_run_without_any_answer_is_reported_all_the_same() -> None:
    failure = Failure(kind="timeout", message="no answer")
    failed = Record(clip=Clip(id="a", reference="happy"), outcome=Outcome.FAILURE, failure=failure)

    found = compute_report(RunRecords.of_records([failed]), environment(), ScoringConfig(resamples=200))

    assert "nothing_scored" in codes(found)
    assert found.accuracy.uar.value is None
    assert draw_figures(found) == {}
    assert "figures/" not in render(found, environment(), "en")
    assert "timeout" in render(found, environment(), "en")


def test_a_corpus_without_a_card_can_not_be_held_against_the_model_card() -> None:
    settings = environment()
    settings = replace(settings, config={**settings.config, "dataset": {"card": None, "kind": "folder"}})

    assert "overlap_unknown" in codes(metrics(settings))
    assert "overlap_unknown" not in codes(metrics())


def test_overlap_is_told_however_the_corpus_was_read() -> None:
    settings = environment()
    card = {"training": [{"corpus": "emodb"}]}
    settings = replace(settings, backend=replace(settings.backend, card=card))
    as_listed = replace(settings.dataset, card="emobox_emodb", identity="emodb")
    elsewhere = replace(settings.dataset, card="emobox_urdu", identity="urdu")

    assert "training_overlap" in codes(metrics(replace(settings, dataset=as_listed)))
    assert "training_overlap" not in codes(metrics(replace(settings, dataset=elsewhere)))


def test_overlap_is_of_the_same_corpus_only() -> None:
    card = {"training": [{"corpus": "esd", "speakers": ["s1"]}, {"corpus": "emodb"}]}

    assert training_overlap(card, "emodb", ["s1", "s2"]) == ["s1", "s2"]
    assert training_overlap(card, "casia", ["s1"]) == []
    assert training_overlap({}, "emodb", ["s1"]) == []


def test_figures_are_the_same_every_time() -> None:
    found = metrics()

    assert draw_figures(found) == draw_figures(copy.deepcopy(found))
    assert set(draw_figures(found)) == {"confusion.svg", "latency.svg"}


def test_numbers_are_written_with_their_bounds_or_the_reason() -> None:
    assert percent(Interval(value=0.5, low=0.4, high=0.6)) == "50.0 % [40.0, 60.0]"
    assert percent(Interval(value=None)) == "–"
    assert Wording("en").milliseconds(Interval(value=12.34, low=12.0)) == "12.3 ms [12.0, –]"
    small = Interval(value=None, reason=Why.read("n too small: 40 calls of 130"))
    assert Wording("en").milliseconds(small) == "– (n too small: 40 of 130)"
    assert Wording("zh").milliseconds(small) == "– (样本太少：40，需要 130)"


def test_a_caveat_lists_emotions_in_words() -> None:
    caveat = Coded("unsupported_emotions", emotions=["fearful", "disgusted"])

    assert "fearful, disgusted" in Wording("en").caveat(caveat)
    assert "恐惧、厌恶" in Wording("zh").caveat(caveat)


def test_caveats_do_not_change_what_they_are_given() -> None:
    scores = replace(metrics(), caveats=())
    before = copy.deepcopy(scores)

    find_caveats(scores, environment(), ["s1"])

    assert scores == before
