"""An audit of a corpus with planted defects finds every one of them and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sv_eval.data.audit.audit import Audit, audit_corpus
from sv_eval.data.audit.finding import CODES
from sv_eval.data.audit.settings import CheckSettings


def found(audit: Audit) -> dict[str, set[str]]:
    """What an audit found, as the planted corpus says what it expects."""
    names: dict[str, set[str]] = {}
    for finding in audit.findings:
        for case in finding.cases:
            held = {clip["id"] for clip in case["clips"]} if "clips" in case else set()
            told = [case[key] for key in ("id", "speaker", "label", "text") if key in case][:1]
            names.setdefault(finding.code, set()).update(held or told)
    return names


def test_a_clean_corpus_has_no_finding(tmp_path: Path, planted: Any) -> None:
    audit = audit_corpus(planted.clean(tmp_path).config(), CheckSettings(workers=1))

    assert audit.findings == ()
    assert not audit.failed
    assert len(audit.clips) == 144


def test_a_defect_alone_is_found_and_nothing_else(
    defect: Callable[[Any], None], tmp_path: Path, planted: Any
) -> None:
    corpus = planted.clean(tmp_path)
    defect(corpus)

    audit = audit_corpus(corpus.config(), CheckSettings(workers=1))

    assert found(audit) == corpus.expected
    assert audit.failed == any(CODES[code] == "error" for code in corpus.expected)


def test_all_defects_together_are_found_and_nothing_else(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path)
    for defect in planted.DEFECTS:
        defect(corpus)

    audit = audit_corpus(corpus.config(), CheckSettings(workers=1))

    expected = {code: names for code, names in corpus.expected.items() if code != "label_drift"}
    assert {code: names for code, names in found(audit).items() if code != "label_drift"} == expected
    # Unknown labels are labels, so they have shares too.
    assert found(audit)["label_drift"] >= corpus.expected["label_drift"]
    codes = [finding.code for finding in audit.findings]
    assert codes == sorted(codes, key=list(CODES).index)


def test_what_is_allowed_is_told_and_does_not_fail(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path)
    planted.silent(corpus)

    audit = audit_corpus(corpus.config(), CheckSettings(workers=1, allow=("silent",)))

    assert found(audit) == corpus.expected
    assert not audit.failed


def test_thresholds_decide(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path)
    for defect in (planted.over_long, planted.nearly_empty, planted.clipped, planted.drifting_labels):
        defect(corpus)
    lenient = CheckSettings(workers=1, longest_s=40, shortest_s=0.05, clipped_run=1000, drift_v=0.99)

    audit = audit_corpus(corpus.config(), lenient)

    assert set(found(audit)) == {"counts_differ"}


def test_a_split_is_audited_alone(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path)
    for defect in (planted.speaker_in_two_splits, planted.truncated):
        defect(corpus)

    audit = audit_corpus(corpus.config(split="test"), CheckSettings(workers=1))

    assert audit.findings == ()
    assert len(audit.clips) == 49


def test_a_limit_restricts_what_is_decoded(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path)
    planted.unknown_labels(corpus)

    audit = audit_corpus(corpus.config(limit=12), CheckSettings(workers=1))

    result = audit.to_json()
    assert (result["n_clips"], result["n_audio"]) == (144, 12)
    assert found(audit) == corpus.expected


def test_several_processes_find_the_same(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path)
    for defect in planted.DEFECTS:
        defect(corpus)
    config = corpus.config()

    alone, together = (audit_corpus(config, CheckSettings(workers=n)) for n in (1, 2))

    assert together.findings == alone.findings
    assert together.clips == alone.clips


def test_a_restriction_audits_what_it_wants(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path)
    for defect in (planted.silent, planted.truncated, planted.clipped):
        defect(corpus)

    audit = audit_corpus(corpus.config(only={"speaker": ["s2", "s9"]}), CheckSettings(workers=1))

    assert found(audit) == {"clipped": corpus.expected["clipped"]}
    assert len(audit.clips) == 32


def test_an_unknown_label_in_a_restriction_is_still_told(tmp_path: Path, planted: Any) -> None:
    corpus = planted.clean(tmp_path)
    planted.unknown_labels(corpus)

    audit = audit_corpus(corpus.config(only={"speaker": ["s6"]}), CheckSettings(workers=1))

    assert found(audit) == {"unknown_label": corpus.expected["unknown_label"]}
