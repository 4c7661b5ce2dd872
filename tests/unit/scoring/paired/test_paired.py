from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, recall_score

from sv_eval.errors import UsageError
from sv_eval.record_file.class_codes import ClassCodes
from sv_eval.record_file.run_records import RunRecords
from sv_eval.record_file.table import RecordTable
from sv_eval.records import Clip, Failure, Outcome, Prediction, Record
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.paired.counts import paired_clusters
from sv_eval.scoring.paired.differences import BOOTSTRAP, JACKKNIFE, differences_of
from sv_eval.scoring.paired.latency_ratio import latency_ratio
from sv_eval.scoring.paired.pairs import Pairs, pairs_of
from sv_eval.scoring.paired.significance import Discordant, holm, mcnemar, mcnemar_worse

LABELS = ("happy", "sad", "angry")


def table(answers: list[tuple[str, str | None]], *, speakers: int = 5, first: int = 0) -> RecordTable:
    """A run over clips with (reference, answer); None fails, `unknown` is forced to happy."""
    records = []
    for place, (reference, answer) in enumerate(answers, start=first):
        clip = Clip(id=f"c{place:05}", reference=reference, speaker=f"s{place % speakers}" if speakers else None)
        more: dict[str, Any] = {"latency_ms": 1.0, "audio_s": 1.0}
        if answer is None:
            failure = Failure(kind="timeout", message="late")
            records.append(Record(clip=clip, outcome=Outcome.FAILURE, failure=failure))
            continue
        forced = "happy" if answer == "unknown" else answer
        prediction = Prediction(label=answer, forced=forced)
        records.append(Record(clip=clip, outcome=prediction.outcome, prediction=prediction, **more))
    return RunRecords.of_records(records).answers


answers = st.sampled_from([*LABELS, "unknown", "fearful"])
runs = st.lists(st.tuples(st.sampled_from(LABELS), answers, answers), min_size=1, max_size=60)


def both(clips: list[tuple[str, str, str]], **more: Any) -> tuple[RecordTable, RecordTable]:
    return table([(c[0], c[1]) for c in clips], **more), table([(c[0], c[2]) for c in clips], **more)


@given(runs)
def test_figures_agree_with_scikit_learn(clips):
    pairs = pairs_of(*both(clips), LABELS)

    found = differences_of(pairs, resamples=100)

    truth = [c[0] for c in clips]
    present = [label for label in LABELS if label in truth]
    for said, name in ((1, "before"), (2, "after")):
        said_there = [c[said] for c in clips]
        recalls = recall_score(truth, said_there, labels=present, average=None, zero_division=0)
        assert getattr(found["uar"], name) == pytest.approx(np.mean(recalls), abs=1e-12)
        assert getattr(found["accuracy"], name) == pytest.approx(accuracy_score(truth, said_there), abs=1e-12)
        f1 = f1_score(truth, said_there, labels=present, average="macro", zero_division=0)
        assert getattr(found["macro_f1"], name) == pytest.approx(f1, abs=1e-12)


@given(runs, st.sampled_from([0, 3]))
def test_clips_without_speaker_are_clusters_of_their_own(clips, speakers):
    clusters = paired_clusters(pairs_of(*both(clips, speakers=speakers), LABELS))

    assert clusters.n == (min(3, len(clips)) if speakers else len(clips))
    assert clusters.total[0].sum() == pytest.approx(len(clips))


@settings(max_examples=20)
@given(runs)
def test_the_jackknife_error_is_that_of_leaving_speakers_out_one_by_one(clips):
    tables = both(clips)
    pairs = pairs_of(*tables, LABELS)
    found = differences_of(pairs, resamples=100)["accuracy"]
    right = pairs.right_after.astype(float) - pairs.right_before
    names = np.unique(pairs.speaker)
    if len(names) < 2:
        assert found.error is None
        return
    without = np.array([right[pairs.speaker != name].mean() for name in names])
    n = len(names)
    by_hand = math.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    assert (found.error or 0.0) == pytest.approx(by_hand, abs=1e-9)
    if found.error:
        assert found.method == JACKKNIFE
        # As many degrees of freedom as speakers of equal size would have that these are worth.
        sizes = np.array([(pairs.speaker == name).sum() for name in names], dtype=float)
        freedom = max(1.0, sizes.sum() ** 2 / (sizes**2).sum() - 1)
        assert found.p_worse == pytest.approx(stats.t.cdf(found.value / found.error, freedom))


def test_the_bootstrap_error_of_independent_clips_is_the_textbooks():
    rng = np.random.default_rng(1)
    clips = [("happy", "happy" if rng.random() < 0.8 else "sad", "happy" if rng.random() < 0.7 else "sad")
             for _ in range(2000)]  # fmt: skip
    pairs = pairs_of(*both(clips, speakers=0), LABELS)

    found = differences_of(pairs, resamples=4000)["accuracy"]

    changes = pairs.right_after.astype(float) - pairs.right_before
    assert found.method == BOOTSTRAP
    assert found.error == pytest.approx(changes.std(ddof=1) / math.sqrt(len(changes)), rel=0.05)
    assert found.low < found.value < found.high


def test_a_bootstrap_of_many_speakers_agrees_with_their_jackknife():
    rng = np.random.default_rng(2)
    clips = [(LABELS[n % 3], str(rng.choice(LABELS)), str(rng.choice(LABELS))) for n in range(3000)]
    pairs = pairs_of(*both(clips, speakers=60), LABELS)
    clusters = paired_clusters(pairs)
    whole = clusters.differences(clusters.total)
    without = clusters.differences(clusters.total[:, :, None] - clusters.counts)
    by_hand = np.sqrt(59 / 60 * ((without - without.mean(axis=1)[:, None]) ** 2).sum(axis=1))

    found = differences_of(pairs, resamples=5000)

    assert found["uar"].value == pytest.approx(whole[0])
    assert found["uar"].error == pytest.approx(by_hand[0], rel=0.06)
    assert found["macro_f1"].error == pytest.approx(by_hand[2], rel=0.06)


def test_bounds_of_few_speakers_stay_where_two_shares_can_lie():
    answers = [("happy", "happy"), ("happy", "happy"), ("sad", "sad"), ("sad", "sad")] * 2
    before, after = table(answers, speakers=2), table([*answers[:2], ("sad", "happy"), *answers[3:]], speakers=2)

    found = differences_of(pairs_of(before, after, LABELS[:2]))["uar"]

    assert found.value == pytest.approx(-1 / 8)
    assert (found.low, found.high, found.bound(0.95)) == (-1.0, 1.0, pytest.approx(-0.914, abs=0.01))


def test_equal_runs_differ_by_nothing_and_nothing_is_significant():
    one = table([("happy", "happy"), ("sad", "happy")] * 20)

    found = differences_of(pairs_of(one, one, LABELS))

    assert found["uar"].value == 0.0
    assert found["uar"].p_worse == 1.0
    assert found["recall:angry"].value is None


def test_failures_are_no_pairs_and_are_counted():
    before = table([("happy", "happy"), ("sad", None), ("angry", "angry"), ("happy", None)])
    after = table([("happy", None), ("sad", "sad"), ("angry", "sad"), ("happy", None)])

    pairs = pairs_of(before, after, LABELS)

    assert (pairs.n, pairs.failed_before, pairs.failed_after) == (1, 2, 2)
    assert pairs.discordant() == Discordant(gained=0, lost=1)


def test_clips_of_one_run_alone_are_counted_and_left_out():
    before, after = table([("happy", "happy")] * 6), table([("happy", "sad")] * 6, first=4)

    pairs = pairs_of(before, after, LABELS)

    assert (pairs.n, pairs.n_common, pairs.only_before, pairs.only_after) == (2, 2, 4, 4)
    assert pairs.clip_ids == ("c00004", "c00005")


@pytest.mark.parametrize(("policy", "right"), [("wrong", 0.5), ("ban", 1.0), ("abstain", 1.0)])
def test_the_policy_decides_what_unknown_counts_as(policy, right):
    run = table([("happy", "happy"), ("happy", "unknown")] * 4)

    assert differences_of(pairs_of(run, run, LABELS, policy))["accuracy"].after == right


def test_another_reference_for_a_clip_is_refused():
    with pytest.raises(UsageError, match=r"c00000.*another reference"):
        pairs_of(table([("happy", "happy")]), table([("sad", "happy")]), LABELS)


def test_nothing_in_common_has_no_difference():
    pairs = pairs_of(table([("happy", "happy")]), table([("happy", "happy")], first=5), LABELS)

    assert str(differences_of(pairs)["uar"].reason) == "no clip was answered by both runs"


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_exact_binomial_test(gained, lost):
    pairs = Discordant(gained, lost)
    if gained + lost == 0:
        assert mcnemar(pairs) == mcnemar_worse(pairs) == 1.0
        return
    exact = stats.binomtest(gained, gained + lost, 0.5)
    assert mcnemar(pairs, mid=False) == pytest.approx(exact.pvalue, abs=1e-9)
    less = stats.binomtest(gained, gained + lost, 0.5, alternative="less").pvalue
    assert mcnemar_worse(pairs, mid=False) == pytest.approx(less)
    middle = less - stats.binom.pmf(gained, gained + lost, 0.5) / 2
    assert mcnemar_worse(pairs) == pytest.approx(middle, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_step_down_by_hand(values):
    adjusted = holm(values)

    for place, p in enumerate(values):
        rank = sorted(values).index(p)
        steps = [min(1.0, (len(values) - k) * sorted(values)[k]) for k in range(rank + 1)]
        assert adjusted[place] == pytest.approx(max(steps))
    assert all(mine >= theirs for mine, theirs in zip(adjusted, values, strict=True))


def test_a_latency_ratio_holds_the_planted_one_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        before, after = rng.lognormal(3, 0.4, 500), 1.1 * rng.lognormal(3, 0.4, 500)
        found = latency_ratio(CallSample.of_values(before), CallSample.of_values(after), 0.95)
        held += found.low <= 1.1 <= found.high

    assert 0.92 <= held / 300 <= 1.0


def test_a_ratio_of_too_few_calls_is_refused():
    found = latency_ratio(CallSample.of_values(np.arange(1.0, 50)), CallSample.of_values(np.arange(1.0, 500)), 0.95)

    assert found.value is None
    assert str(found.reason) == "n too small: 49 of 130"


def test_the_p_value_of_a_ratio_falls_as_it_grows():
    rng = np.random.default_rng(4)
    before = CallSample.of_values(rng.lognormal(3, 0.3, 1000))
    values = [
        latency_ratio(before, CallSample.of_values(factor * rng.lognormal(3, 0.3, 1000)), 0.5).p_slower
        for factor in (0.8, 1.0, 1.2)
    ]

    assert values[0] > 0.99
    assert values[2] < 1e-6
    assert values[0] > values[1] > values[2]


def test_pairs_know_which_answers_changed():
    pairs: Pairs = pairs_of(*both([("happy", "sad", "angry"), ("sad", "sad", "sad")]), LABELS)

    assert pairs.changed.tolist() == [True, False]
    assert pairs.discordant("sad") == Discordant(0, 0)


@given(runs)
def test_the_order_of_the_classes_is_of_no_matter(clips):
    before, after = both(clips)
    turned = ClassCodes(tuple(reversed(after.class_codes.classes)))
    answer = np.array([turned.answer(name) for name in after.class_codes.answers], dtype=np.int8)
    reference = np.array([turned.reference(name) for name in after.class_codes.references], dtype=np.int8)
    other = replace(
        after,
        reference=reference[after.reference],
        predicted=answer[after.predicted],
        forced=answer[after.forced],
        class_codes=turned,
    )

    assert pairs_of(before, other, LABELS).after.tolist() == pairs_of(before, after, LABELS).after.tolist()


def test_other_classes_are_refused():
    run = table([("happy", "happy")])
    other = replace(run, class_codes=ClassCodes((*run.class_codes.classes, "calm")))

    with pytest.raises(UsageError, match="different label maps"):
        pairs_of(run, other, LABELS)
