"""A part of a table scores like the records that it holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sv_eval.scoring.part import part_of

from sv_eval.record_file.table import RecordTable
from sv_eval.records import Record
from sv_eval.scoring.scorecard import ScoringConfig, score


def test_a_part_is_the_table_of_its_records(record: Callable[..., Record]) -> None:
    rng, words = np.random.default_rng(0), ["happy", "sad", "unknown", "failed"]
    records = [
        record(f"c{n:03d}", words[n % 2], words[int(rng.integers(0, 4))], forced="sad", speaker=f"s{n % 4}", call=n)
        for n in range(80)
    ]
    whole = RecordTable.from_records(records)
    kept = np.isin(whole.speaker, [whole.speakers.index("s1"), whole.speakers.index("s2")])

    part = part_of(whole, kept)

    alone = RecordTable.from_records([one for one in records if one.clip.speaker in ("s1", "s2")])
    config = ScoringConfig(resamples=200)
    assert part.clip_ids == alone.clip_ids
    assert part.failures == alone.failures
    assert score(part, config).to_json() == score(alone, config).to_json()
