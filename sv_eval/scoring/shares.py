"""What left a run's samples: the shares of requests and answers that other figures are not of.

Bounds are those of Clopper and Pearson (1934) for as many independent requests as these are worth: failures and
second attempts come in bursts, so requests in order of sending depend on each other; and answers of one speaker do.
"""

from __future__ import annotations

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from sv_eval.emotions import NO_SPEECH, NO_TAG, UNKNOWN, UNREAD
from sv_eval.record_file.table import RecordTable
from sv_eval.report.shares import Share, Shares, SharesOfEmotion
from sv_eval.scoring.call_sample import CallSample
from sv_eval.scoring.dependence import dependence_of, n_different
from sv_eval.scoring.scope import Scope
from sv_eval.scoring.timing import Timing

Mask = NDArray[np.bool_]


def shares_of(scope: Scope, *, max_late_ms: float) -> Shares:
    """The shares of a run; a request sent more than `max_late_ms` after its moment is late."""
    requests, answers, timing = scope.timing.requests, scope.answers, scope.timing
    confidence, order = scope.config.confidence, _order(requests)
    retried = ~requests.failed & (requests.attempts != 1)
    declined = {
        name: answers.predicted == answers.class_codes.answer(name)
        for name in (UNKNOWN, NO_TAG, NO_SPEECH, *UNREAD)
    }

    in_words = [name for name in UNREAD if declined[name].any()]

    def answer(name: str, of: Mask) -> Share:
        return share_by_speaker(declined[name], of, answers, confidence)

    def emotion(label: str) -> SharesOfEmotion:
        asked = requests.reference == requests.class_codes.reference(label)
        whose = answers.reference == answers.class_codes.reference(label)
        return SharesOfEmotion(
            failed=_share_in_time(requests.failed, asked, order, confidence),
            retried=_share_in_time(retried, asked, order, confidence),
            unknown=answer(UNKNOWN, whose),
            no_tag=answer(NO_TAG, whose),
            no_speech=answer(NO_SPEECH, whose),
            **{name: answer(name, whose) for name in in_words},
        )

    everything = np.ones(len(answers), np.bool_)
    return Shares(
        **request_shares(timing, max_late_ms=max_late_ms, confidence=confidence),
        unknown=answer(UNKNOWN, everything),
        no_tag=answer(NO_TAG, everything),
        no_speech=answer(NO_SPEECH, everything),
        by_emotion={label: emotion(label) for label in scope.labels},
        **{name: answer(name, everything) for name in in_words},
    )


def request_shares(timing: Timing, *, max_late_ms: float, confidence: float = 0.95) -> dict[str, Share]:
    """The shares of the requests of all rounds: `failed`, `retried`, `resumed`, `late`, `unmeasured`."""
    requests = timing.requests
    everything, answered = np.ones(len(requests), np.bool_), ~requests.failed
    planned = np.isfinite(requests.late_ms)
    order = _order(requests)
    flags = {
        "failed": (requests.failed, everything),
        "retried": (answered & (requests.attempts != 1), everything),
        "late": (planned & (np.nan_to_num(requests.late_ms) > max_late_ms), planned),
        "unmeasured": (answered & ~np.isfinite(requests.latency_ms), answered),
    }
    found = {name: _share_in_time(which, of, order, confidence) for name, (which, of) in flags.items()}
    elsewhere = int((answered & (requests.session != (timing.session or 0))).sum())
    return found | {"resumed": share(elsewhere, int(answered.sum()), confidence)}


def share(n: int, of: int, confidence: float, *, inflation: float = 1.0) -> Share:
    """`n` of so many, with two-sided bounds; `inflation` is by how much they vary less freely than independent
    ones.

    >>> share(0, 20, 0.95).high, share(3, 20, 0.95).low
    (0.168433471, 0.032070937)
    """
    if not of:
        return Share(value=None, n=n, of=of)
    low, high = clopper_pearson(n / inflation, of / inflation, confidence)
    return Share(value=n / of, low=low, high=high, n=n, of=of, worth=UNSET if inflation <= 1 else of / inflation)


def share_beyond(sample: CallSample, limit_ms: float, *, confidence: float = 0.95) -> Share:
    """The share of calls that took longer. Where none or all did, calls about one clip count once."""
    beyond = sample.latency_ms > limit_ms
    n, slow = sample.n, int(beyond.sum())
    if slow in (0, n):
        return share(slow, n, confidence, inflation=n / max(1, sample.n_clips))
    found = dependence_of(beyond, in_order=sample.in_order, clip=sample.clip, audio_s=None)
    return share(slow, n, confidence, inflation=found.inflation)


def clopper_pearson(n: float, of: float, confidence: float) -> tuple[float, float]:
    """The exact two-sided bounds of a share; fractions of counts are taken as they come."""
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = 0.0 if n <= 0 else float(betaincinv(n, of - n + 1, tail))
    high = 1.0 if n >= of else float(betaincinv(n + 1, of - n, 1 - tail))
    return low, high


def _share_in_time(flags: Mask, of: Mask, order: NDArray[np.int64] | None, confidence: float) -> Share:
    """The share of flagged requests; `order` are all places in order of sending, None where it is not known."""
    n, whole = int((flags & of).sum()), int(of.sum())
    inflation = 1.0
    if 0 < n < whole and order is not None:
        there = order[of[order]]
        inflation = dependence_of(flags[there], in_order=True, clip=np.arange(whole), audio_s=None).inflation
    return share(n, whole, confidence, inflation=inflation)


def share_by_speaker(flags: Mask, of: Mask, answers: RecordTable, confidence: float) -> Share:
    """The share of flagged clips among those of `of`; its bounds allow for clips of one speaker being alike."""
    return share_by_unit(flags[of], answers.speaker[of].astype(np.int64), confidence)


def share_by_unit(flags: Mask, unit: NDArray[np.int64], confidence: float) -> Share:
    """The share of flagged clips; `unit` says whose a clip is, and clips with a negative one are by themselves."""
    n, whole = int(flags.sum()), len(flags)
    inflation = 1.0
    if 0 < n < whole:
        owner = np.where(unit < 0, 0, unit)
        lone = unit < 0
        owner[lone] = unit.max() + 1 + np.arange(int(lone.sum()))
        if n_different(owner) > 1:
            inflation = dependence_of(flags, in_order=False, clip=owner, audio_s=None).inflation
    return share(n, whole, confidence, inflation=inflation)


def _order(requests: RecordTable) -> NDArray[np.int64] | None:
    """All places in order of sending; None where too few moments are known to say."""
    known = np.isfinite(requests.sent_s)
    if not known.any() or known.mean() < 0.5:
        return None
    return np.lexsort((np.nan_to_num(requests.sent_s, nan=np.inf), requests.session))
