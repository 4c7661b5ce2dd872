"""Speakers that settings are not ranked on, so that the chosen one can be judged on voices without a say in it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from sv_eval.record_file.table import RecordTable
from sv_eval.report.change import written
from sv_eval.report.interval import plain
from sv_eval.report.sweep import HeldOutDifference, HeldOutUar, Holdout
from sv_eval.scoring.config import ScoringConfig
from sv_eval.scoring.paired.differences import differences_of
from sv_eval.scoring.paired.pairs import pairs_of
from sv_eval.scoring.paired.significance import mcnemar
from sv_eval.studies.sweep.choosing import Choice
from sv_eval.studies.sweep.config import SweepConfig


def held_out(speakers: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """About this share of the speakers, at least one and not all; which ones, seed and name decide.

    Empty when there are fewer than two speakers, or nothing is to be held out.

    >>> held_out(["a", "b", "c", "d"], 0.5, seed=0)
    ('a', 'd')
    """
    if share <= 0 or len(speakers) < 2:
        return ()
    count = min(max(1, round(share * len(speakers))), len(speakers) - 1)
    ranked = sorted(
        speakers, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode(errors="surrogatepass")).digest()
    )
    return tuple(sorted(ranked[:count]))


def on_holdout(
    tables: Sequence[RecordTable],
    labels: Sequence[str],
    speakers: Sequence[str],
    outside: Sequence[str],
    choice: Choice,
    control: int,
    options: SweepConfig,
    scoring: ScoringConfig,
) -> Holdout | None:
    """The chosen setting and the default on the speakers that had no say in the choice; None unless asked for."""
    if options.holdout <= 0:
        return None
    if not outside:
        reason: Literal["no_speakers", "one_speaker"] = "one_speaker" if speakers else "no_speakers"
        return Holdout(share=options.holdout, seed=options.seed, speakers=(), reason=reason)
    bare = Holdout(
        share=options.holdout,
        seed=options.seed,
        speakers=tuple(outside),
        tuning_speakers=tuple(name for name in speakers if name not in outside),
    )
    chosen = choice.best_within_slo if choice.best_within_slo is not None else choice.best
    if chosen is None:
        return replace(bare, reason="no_choice")
    pairs = pairs_of(tables[control], tables[chosen], labels, scoring.policy)
    names = tables[control].speakers
    pairs = pairs.part(np.isin(pairs.speaker, [names.index(name) for name in outside]))
    found = differences_of(pairs, confidence=scoring.confidence, resamples=scoring.resamples, seed=scoring.seed)[
        "uar"
    ]
    return replace(
        bare,
        n_clips=pairs.n,
        default=HeldOutUar(uar=found.before),
        chosen=HeldOutUar(uar=found.after),
        same=chosen == control,
        difference=written(HeldOutDifference, found, p=found.p_value),
        mcnemar_p=plain(mcnemar(pairs.discordant())),
    )
