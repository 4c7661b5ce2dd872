"""What a run took of a paid service, from its records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import UNSET

from sv_eval.record_file.controls import WORDS
from sv_eval.record_file.table import RecordTable
from sv_eval.records import OUTSIDE
from sv_eval.report.cost import Price, ServiceCost
from sv_eval.report.reasons import Why
from sv_eval.scoring.prices import Prices


def cost_of(
    requests: RecordTable, controls: Mapping[str, RecordTable], prices: Prices | None
) -> ServiceCost | None:
    """What the requests and those of controls took; None where the service tells no tokens and there are no prices.

    requests: of all rounds. controls: as `record_file.controls` names them; those of words take no sound. What was
    asked before the run began, to look and to warm up, has no records and is not counted.
    """
    tables = [requests, *controls.values()]
    answered = [~table.failed for table in tables]
    n = sum(int(which.sum()) for which in answered)
    known = [np.logical_and(which, _told(table)) for table, which in zip(tables, answered, strict=True)]
    told = sum(int(which.sum()) for which in known)
    if not n or (not told and prices is None):
        return None
    names = list(dict.fromkeys(name for table in tables for name in table.told if name != OUTSIDE))
    tokens = {
        name: sum(
            float(np.nansum(table.told[name][which]))
            for table, which in zip(tables, known, strict=True)
            if name in table.told
        )
        for name in names
    }
    attempts = sum(int(table.attempts.sum()) for table in tables)
    audio_s = sum(
        float(np.nansum(table.audio_s[which]))
        for name, table, which in zip(("", *controls), tables, answered, strict=True)
        if name != WORDS
    )
    per_clip = {name: total / told for name, total in tokens.items()} if told else {}
    return ServiceCost(
        requests=n,
        controls=sum(int(which.sum()) for which in answered[1:]),
        attempts=attempts,
        audio_s=audio_s,
        told=told,
        tokens={name: int(total) for name, total in tokens.items()},
        tokens_per_clip={name: round(value, 3) for name, value in per_clip.items()},
        price=UNSET if prices is None else _price(prices, per_clip, n, attempts, audio_s),
    )


def _price(prices: Prices, per_clip: Mapping[str, float], n: int, attempts: int, audio_s: float) -> Price:
    """The amounts; where some requests' tokens were not told they count as the mean of the others'."""
    if prices.by_token and not per_clip:
        return Price(
            currency=prices.currency, date=prices.date, per_clip=None, per_audio_hour=None, total=None,
            total_with_retries=None, reason=Why.of("no_tokens_told"),
        )  # fmt: skip
    total = prices.amount({name: n * mean for name, mean in per_clip.items()}, audio_s=audio_s, requests=n)
    return Price(
        currency=prices.currency,
        date=prices.date,
        per_clip=total / n,
        per_audio_hour=total / audio_s * 3600 if audio_s else None,
        total=total,
        total_with_retries=total * max(1.0, attempts / n),
    )


def _told(table: RecordTable) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = np.zeros(len(table), np.bool_)
    for name, column in table.told.items():
        if name != OUTSIDE:
            found |= np.isfinite(column)
    return found
