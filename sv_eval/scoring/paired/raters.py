"""How far two recognisers agree beyond chance, whoever is right."""

from __future__ import annotations

import numpy as np

from sv_eval.report.change import RaterAgreement
from sv_eval.scoring.paired.pairs import Pairs


def rater_agreement(pairs: Pairs) -> RaterAgreement | None:
    """The share of equal answers, Cohen's kappa and Gwet's AC1 over the clips that count in both; None without any.

    Answers outside the classes are one more category. Kappa takes chance from each run's own shares (Cohen 1960, A
    coefficient of agreement for nominal scales) and falls where nearly all clips get one answer; AC1 takes it from
    how evenly answers are spread (Gwet 2008, Computing inter-rater reliability and its variance in the presence of
    high agreement) and does not. One that chance leaves nothing to is None.
    """
    both = (pairs.before >= 0) & (pairs.after >= 0)
    n = int(both.sum())
    if not n:
        return None
    categories = len(pairs.labels) + 1
    table = np.zeros((categories, categories))
    np.add.at(table, (pairs.before[both], pairs.after[both]), 1.0)
    table /= n
    observed = float(np.trace(table))
    of_before, of_after = table.sum(axis=1), table.sum(axis=0)
    by_chance = float(of_before @ of_after)
    mean = (of_before + of_after) / 2
    used = int((mean > 0).sum())
    by_spread = float((mean * (1 - mean)).sum()) / (used - 1) if used > 1 else 0.0
    return RaterAgreement(
        observed=observed,
        kappa=(observed - by_chance) / (1 - by_chance) if by_chance < 1 else None,
        ac1=(observed - by_spread) / (1 - by_spread) if by_spread < 1 else None,
    )
